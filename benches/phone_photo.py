#!/usr/bin/env python3
"""Makes a photo as a phone sends it: 12 megapixels, about 3 MB, turned by EXIF, with position, serial and thumbnail.

    make .venv/bench/ready
    .venv/bench/bin/python benches/phone_photo.py target/phone.jpg

The same version of Pillow makes the same bytes again. Position, maker and serial number are invented.
The picture, photos/espresso.jpg, is a photo of an espresso by Rachel Michetti, courtesy of Pikolo Espresso
Bar, released under CC0; it came as coffee.png from the sample data of scikit-image 0.26.
"""

import argparse
import io
import random
import struct
from pathlib import Path

from PIL import Image, ImageOps

UPLOAD_LIMIT = 4 * 1024 * 1024  # bytes: MAX_IMAGE_BYTES as it is unless set
ASCII, SHORT, LONG, RATIONAL = 2, 3, 4, 5
MAKE, MODEL, ORIENTATION, TAKEN_AT, EXIF_IFD, GPS_IFD = 0x010F, 0x0110, 0x0112, 0x0132, 0x8769, 0x8825
BODY_SERIAL, COMPRESSION, THUMBNAIL_AT, THUMBNAIL_BYTES = 0xA431, 0x0103, 0x0201, 0x0202
TURN_CLOCKWISE, JPEG_COMPRESSION = 6, 6


def main():
    args = arguments()
    upright = ImageOps.fit(Image.open(args.photo).convert("RGB"), (args.height, args.width), Image.Resampling.LANCZOS)
    stored = grained(upright, args.grain).transpose(Image.Transpose.ROTATE_90)
    jpeg = encoded(stored, args.quality, exif=exif(encoded(ImageOps.contain(stored, (160, 120)), 60)))
    if len(jpeg) >= UPLOAD_LIMIT:
        raise SystemExit(f"{len(jpeg)} bytes are too many to be uploaded: lower --quality or --grain")
    args.out.write_bytes(jpeg)
    print(f"{args.out}: {args.width} x {args.height}, {len(jpeg)} bytes")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--photo", type=Path, default=Path(__file__).with_name("photos") / "espresso.jpg", help="what is in the picture")
    parser.add_argument("--width", type=int, default=4000, help="of the stored picture, pixels; it is shown upright")
    parser.add_argument("--height", type=int, default=3000)
    parser.add_argument("--quality", type=int, default=88)
    parser.add_argument("--grain", type=float, default=0.075, help="share of noise: it gives a photo its size")
    return parser.parse_args()


def grained(picture, share):
    noise = Image.frombytes("L", picture.size, random.Random(1).randbytes(picture.width * picture.height))
    return Image.blend(picture, noise.convert("RGB"), share)


def encoded(picture, quality, **options):
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality, **options)
    return out.getvalue()


def exif(thumbnail):
    """The payload of an APP1 segment: four directories, then the thumbnail that the last one points to."""
    camera = [(BODY_SERIAL, ASCII, "PRIVATE-SERIAL-7")]
    position = [
        (1, ASCII, "N"), (2, RATIONAL, [(31, 1), (14, 1), (5, 1)]),
        (3, ASCII, "E"), (4, RATIONAL, [(121, 1), (28, 1), (6, 1)]),
    ]

    def main_directory(exif_at, gps_at):
        return [
            (MAKE, ASCII, "PrivateMake"), (MODEL, ASCII, "PrivateModel"), (ORIENTATION, SHORT, TURN_CLOCKWISE),
            (TAKEN_AT, ASCII, "2026:01:02 03:04:05"), (EXIF_IFD, LONG, exif_at), (GPS_IFD, LONG, gps_at),
        ]

    def small_picture(at):
        return [
            (COMPRESSION, SHORT, JPEG_COMPRESSION), (THUMBNAIL_AT, LONG, at), (THUMBNAIL_BYTES, LONG, len(thumbnail)),
        ]

    exif_at = 8 + len(directory(main_directory(0, 0), 8))
    gps_at = exif_at + len(directory(camera, exif_at))
    small_at = gps_at + len(directory(position, gps_at))
    thumbnail_at = small_at + len(directory(small_picture(0), small_at))
    return b"".join([
        b"Exif\0\0", b"MM\0*", struct.pack(">I", 8),
        directory(main_directory(exif_at, gps_at), 8, following=small_at),
        directory(camera, exif_at), directory(position, gps_at), directory(small_picture(thumbnail_at), small_at),
        thumbnail,
    ])


def directory(entries, at, following=0):
    """A TIFF directory that lies at offset `at`: its table, then the values that are too long for the table."""
    table, values = struct.pack(">H", len(entries)), b""
    values_at = at + 2 + 12 * len(entries) + 4
    for tag, kind, value in entries:
        count, raw = packed(kind, value)
        if len(raw) > 4:
            raw, values = struct.pack(">I", values_at + len(values)), values + raw + bytes(len(raw) % 2)
        table += struct.pack(">HHI", tag, kind, count) + raw.ljust(4, b"\0")
    return table + struct.pack(">I", following) + values


def packed(kind, value):
    if kind == ASCII:
        return len(value) + 1, value.encode() + b"\0"
    if kind == RATIONAL:
        return len(value), b"".join(struct.pack(">II", *fraction) for fraction in value)
    return 1, struct.pack(">H" if kind == SHORT else ">I", value)


if __name__ == "__main__":
    main()
