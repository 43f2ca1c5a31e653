"""Compares the variants of shared/imaging with those of sharp and of vipsthumbnail: same photos, same run, one thread each.

Prints tables in Markdown for docs/benchmarks.md. CPU is user time, the least of several rounds in each of which every tool
has its turn, so that a busy machine slows all of them. Peak memory is that of a process that handles one photo.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "target" / "bench"
RUST = WORK / "rust" / "release"
SIDES = {"medium": 1080, "thumb": 320}
TOOLS = ("imaging", "sharp", "vipsthumbnail")
VARIANTS_TIMES, STRIP_TIMES = 5, 100


def main() -> None:
    rounds = arguments().rounds
    photos = make_photos()
    print(f"{cpu_model()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}; {line_of('rustc', '--version')}; "
          f"sharp {sharp_version()}; {line_of('vips', '--version')}; {rounds} rounds\n")
    print("| photo | tool | user CPU, ms | ÷ sharp | peak memory, MB | medium: SSIMULACRA2 | kB | thumb: SSIMULACRA2 | kB |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, photo in photos.items():
        compare(name, photo, rounds)
    print("\n| metadata removed | MB | user CPU, ms | ms per MB |\n| --- | ---: | ---: | ---: |")
    for name, photo in photos.items():
        cpu = min(used(RUST / "imaging", "strip", photo, STRIP_TIMES)[0] for _ in range(rounds)) / STRIP_TIMES
        megabytes = photo.stat().st_size / 1e6
        print(f"| {name} | {megabytes:.1f} | {cpu:.2f} | {cpu / megabytes:.2f} |")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


def make_photos() -> dict[str, Path]:
    """A photo of a phone and one of a camera, in the sizes and codings that phones send. Kept between runs."""
    folder = WORK / "photos"
    folder.mkdir(parents=True, exist_ok=True)
    sunset = ROOT / "benches" / "photos" / "sunset_12mp_progressive.jpg"
    if not (folder / "phone.jpg").exists():
        line_of(sys.executable, ROOT / "benches" / "phone_photo.py", folder / "phone.jpg")
        pillow("make", sunset, folder)
    return {
        "12 MP, phone": folder / "phone.jpg",
        "12 MP, sunset": folder / "sunset.jpg",
        "12 MP, sunset, progressive": sunset,
        "48 MP, sunset": folder / "large.jpg",
        "48 MP, sunset, progressive": folder / "large_progressive.jpg",
    }


def compare(name: str, photo: Path, rounds: int) -> None:
    for tool in TOOLS:
        (WORK / tool).mkdir(exist_ok=True)
    runs = [{tool: globals()[tool](photo) for tool in TOOLS} for _ in range(rounds)]
    for variant, side in SIDES.items():
        pillow("reduce", photo, WORK / f"reference_{variant}.png", side)
    least = {tool: min(run[tool][0] for run in runs) for tool in TOOLS}
    for tool in TOOLS:
        peak = max(run[tool][1] for run in runs)
        cells = [name, tool, f"{least[tool]:.0f}", f"{least[tool] / least['sharp']:.2f}", f"{peak / 1e6:.0f}"]
        for variant in SIDES:
            file = WORK / tool / f"{variant}.jpg"
            cells += [f"{score(variant, file):.1f}", f"{file.stat().st_size / 1000:.0f}"]
        print("| " + " | ".join(cells) + " |", flush=True)


def imaging(photo: Path) -> tuple[float, int]:
    """User CPU in milliseconds of both variants, metadata removed before; peak memory in bytes."""
    cpu, _ = used(RUST / "imaging", "variants", photo, VARIANTS_TIMES, WORK / "imaging")
    _, peak = used(RUST / "imaging", "variants", photo, 1, WORK / "imaging")
    return cpu / VARIANTS_TIMES, peak


def sharp(photo: Path) -> tuple[float, int]:
    """The same of sharp: the start of node and a first picture count in its memory only."""
    answer = json.loads(line_of("node", WORK / "sharp.mjs", photo, WORK / "sharp", VARIANTS_TIMES))
    return answer["cpu"], answer["peak"]


def vipsthumbnail(photo: Path) -> tuple[float, int]:
    """The same of Debian's libvips: a process and a decode for each variant, its start counted."""
    medium, thumb = (
        used("vipsthumbnail", photo, "--size", side, "--output", WORK / "vipsthumbnail" / f"{variant}.jpg[Q=80,strip]")
        for variant, side in SIDES.items()
    )
    return medium[0] + thumb[0], max(medium[1], thumb[1])


def used(*command: object) -> tuple[float, int]:
    """User CPU in milliseconds and peak memory in bytes of a process."""
    environment = {**os.environ, "VIPS_CONCURRENCY": "1"}
    process = subprocess.Popen([str(part) for part in command], env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{command[0]} failed")
    return usage.ru_utime * 1000, usage.ru_maxrss * 1024


def score(variant: str, file: Path) -> float:
    """How like the whole photo, decoded by libjpeg-turbo and reduced by Lanczos, a variant looks."""
    pillow("decode", file, WORK / "decoded.png")
    return float(line_of(RUST / "score", WORK / f"reference_{variant}.png", WORK / "decoded.png"))


def pillow(*command: object) -> None:
    line_of(sys.executable, ROOT / "benches" / "photo.py", *command)


def line_of(*command: object) -> str:
    return subprocess.run([str(part) for part in command], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def sharp_version() -> str:
    return json.loads((WORK / "node_modules" / "sharp" / "package.json").read_text())["version"]


def cpu_model() -> str:
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return models[0].partition(":")[2].strip() if models else platform.processor()


if __name__ == "__main__":
    main()
