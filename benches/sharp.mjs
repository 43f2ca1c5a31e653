// Makes both variants of a photo with sharp, from one decode: node sharp.mjs PHOTO FOLDER TIMES
// Prints the user CPU of one time in milliseconds, the start of node and a first time left out, and the peak memory in bytes.
import { readFile } from "node:fs/promises";
import sharp from "sharp";

const [photo, folder, times] = process.argv.slice(2);
sharp.concurrency(1);
sharp.cache(false);

async function variants() {
  const file = await readFile(photo);
  const { data, info } = await sharp(file).autoOrient().resize(1080, 1080, { fit: "inside" }).raw()
    .toBuffer({ resolveWithObject: true });
  const medium = () => sharp(data, { raw: info });
  await medium().jpeg({ quality: 80 }).toFile(`${folder}/medium.jpg`);
  await medium().resize(320, 320, { fit: "inside" }).jpeg({ quality: 80 }).toFile(`${folder}/thumb.jpg`);
}

await variants();
const peak = process.resourceUsage().maxRSS * 1024;
const before = process.cpuUsage();
for (let time = 0; time < Number(times); time++) await variants();
console.log(JSON.stringify({ cpu: process.cpuUsage(before).user / 1000 / Number(times), peak }));
