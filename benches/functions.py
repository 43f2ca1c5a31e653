"""Measures what one call costs a function: its released program under AWS's Runtime Interface Emulator, a local stack behind it.

Prints a table in Markdown for docs/benchmarks.md. CPU is that of the function's process, user and system, per call: the least
of several rounds in each of which every call has its turn. The answer's time is what a caller on the same machine waits for,
with the emulator's share in it. A refusal that reads nothing shows what Lambda's runtime and HTTP cost alone.

Run with the Python of .venv/aws, after `make build`, as `make bench` does.
"""

import argparse
import base64
import json
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "scripts"))

from answers import invoke  # noqa: E402
from local_stack import local_stack  # noqa: E402
from test_lambda import child_of, emulated  # noqa: E402

EVENTS = ROOT / "events"
SMALL = EVENTS / "task-image-upload" / "one-photo.json"
LARGE_PHOTO = ROOT / "target" / "bench" / "photos" / "phone.jpg"  # pictures.py makes it
# What it is, the function, its event, how often a round calls it (uploads fill a task, which takes 100), what it answers.
CALLS = [
    ("refusal without a read", "session-check", EVENTS / "session-check" / "malformed-session.json", 300, 401),
    ("session check", "session-check", EVENTS / "session-check" / "good.json", 300, 200),
    ("redirect", "image-redirect", EVENTS / "image-redirect" / "image.json", 300, 302),
    ("upload, {small} kB", "task-image-upload", SMALL, 40, 201),
    ("upload, {large} MB", "task-image-upload", None, 40, 201),
]
WARMING = 5


def main() -> None:
    rounds = arguments().rounds
    with tempfile.TemporaryDirectory() as folder:
        large = Path(folder) / "large.json"
        sizes = write_large(large)
        measured: list[list[tuple[float, float]]] = [[] for _ in CALLS]
        for _ in range(rounds):
            for figures, (_, function, event, times, status) in zip(measured, CALLS, strict=True):
                figures.append(measure(function, event or large, times, status))
    # How malloc treats photo-sized blocks depends on it. Lambda's provided.al2023 has glibc 2.34.
    print(f"{' '.join(platform.libc_ver())}\n")
    print("| call | CPU, ms | ÷ refusal | answer, ms |\n| --- | ---: | ---: | ---: |")
    least = [(min(cpu for cpu, _ in figures), min(answer for _, answer in figures)) for figures in measured]
    for (what, *_), (cpu, answer) in zip(CALLS, least, strict=True):
        print(f"| {what.format(**sizes)} | {cpu:.2f} | {cpu / least[0][0]:.1f} | {answer:.1f} |")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


def write_large(file: Path) -> dict[str, str]:
    """The small photo's event with that of a phone in its place; tells the sizes of both."""
    event = json.loads(SMALL.read_text())
    form = base64.b64decode(event["body"])
    start, end = form.index(b"\xff\xd8\xff"), form.rindex(b"\xff\xd9") + 2
    photo = LARGE_PHOTO.read_bytes()
    event["body"] = base64.b64encode(form[:start] + photo + form[end:]).decode()
    file.write_text(json.dumps(event))
    return {"small": f"{(end - start) / 1000:.0f}", "large": f"{len(photo) / 1e6:.1f}"}


def measure(function: str, event: Path, times: int, status: int) -> tuple[float, float]:
    """CPU of the process and median time to the answer, in milliseconds per call, of a program that is warm."""
    limits = {"MAX_TASK_IMAGES": "100"}
    with local_stack(limits) as stack, emulated(function, stack["env"] | limits) as (address, emulator):
        for _ in range(WARMING):
            expect(status, invoke(address, "function", event))
        program, answers = child_of(emulator.pid), []
        used = cpu_of(program)
        for _ in range(times):
            started = time.perf_counter()
            answer = invoke(address, "function", event)
            answers.append((time.perf_counter() - started) * 1000)
            expect(status, answer)
        return (cpu_of(program) - used) / times, statistics.median(answers)


def expect(status: int, answer: dict[str, object]) -> None:
    if answer.get("statusCode") != status:
        raise SystemExit(f"answered {answer}, not {status}")


def cpu_of(process: int) -> float:
    """What all threads of a process ran so far, in milliseconds: Linux counts it in nanoseconds."""
    threads = Path(f"/proc/{process}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e6


if __name__ == "__main__":
    main()
