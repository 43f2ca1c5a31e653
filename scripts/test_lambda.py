#!/usr/bin/env python3
"""Runs the packages of `make build` as Lambda would and holds their answers against those of the same code in process.

Each event file goes, twice, to the `bootstrap` of its function under AWS's Runtime Interface Emulator (the program inside
aws-sam-cli), and to the local gateway's Invoke API, each with a fresh local stack behind it. Prints how long a cold and a
warm call took and how much memory the program had at its most: to be read, not judged, since machines differ.

Run with the Python of .venv/aws: SAM's own reading of the template is used.
"""

import difflib
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import samcli
from answers import ROOT, events, invoke, redacted
from local_stack import local_stack
from ports import free_ports, wait_for
from samtranslator.yaml_helper import yaml_parse

PROCESSOR = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine()]
EMULATOR = Path(samcli.__file__).parent / "local" / "rapid" / f"aws-lambda-rie-{PROCESSOR}"
TEMPLATE = yaml_parse((ROOT / "template.yaml").read_text())


def main() -> int:
    if platform.system() != "Linux":
        raise SystemExit("test-lambda: the packages and the emulator are programs for Linux; here: make test-sam")
    measured: dict[str, list[tuple[float, float, int]]] = {}
    failed = 0
    for function, event in events():
        differences, figures = compare(function, event)
        measured.setdefault(function, []).append(figures)
        print(f"{'FAIL' if differences else 'ok  '} {function}/{event.stem}", flush=True)
        if differences:
            failed += 1
            print(differences)
    print_table(measured)
    total = sum(len(figures) for figures in measured.values())
    print(f"test-lambda: {total - failed} passed, {failed} failed")
    return 1 if failed or not total else 0


def compare(function: str, event: Path) -> tuple[str, tuple[float, float, int]]:
    """How the package's answers differ, with what the cold call and the warm call took (ms) and the memory (KiB)."""
    with local_stack() as stack:
        expected = [invoke(stack["lambda"], function, event) for _ in range(2)]
    with local_stack() as stack, emulated(function, stack["env"]) as (address, emulator):
        answers, milliseconds = [], []
        for _ in range(2):
            started = time.perf_counter()
            answers.append(invoke(address, "function", event))
            milliseconds.append((time.perf_counter() - started) * 1000)
        memory = peak_memory(child_of(emulator.pid))
    return difference(expected, answers), (milliseconds[0], milliseconds[1], memory)


def difference(expected: list[Any], answers: list[Any]) -> str:
    lines = [redacted(answer).splitlines() for answer in (expected, answers)]
    return "\n".join(difflib.unified_diff(*lines, "in process", "package", lineterm=""))


@contextmanager
def emulated(function: str, variables: Mapping[str, str]) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A function's program under the emulator, which starts it with the first event."""
    program = ROOT / "target" / "lambda" / function / "bootstrap"
    if not program.exists():
        raise SystemExit(f"{program} is not there: make build first")
    invoked_at, runtime_at = free_ports()
    command = [
        EMULATOR,
        "--runtime-interface-emulator-address",
        f"127.0.0.1:{invoked_at}",
        "--runtime-api-address",
        f"127.0.0.1:{runtime_at}",
        program,
    ]
    environment = {"PATH": os.defpath} | of_the_template(function) | dict(variables)
    emulator = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(invoked_at)
        yield f"http://127.0.0.1:{invoked_at}", emulator
    finally:
        emulator.terminate()  # not killed: it ends the program that it started
        emulator.wait()


def of_the_template(function: str) -> dict[str, str]:
    """What Lambda would set by the template, beside the variables that the local stack names."""
    properties = TEMPLATE["Globals"]["Function"] | next(
        resource["Properties"]
        for resource in TEMPLATE["Resources"].values()
        if resource["Properties"].get("CodeUri") == f"target/lambda/{function}.zip"
    )
    variables = properties.get("Environment", {}).get("Variables", {})
    return {name: value for name, value in variables.items() if isinstance(value, str)} | {
        "AWS_LAMBDA_FUNCTION_NAME": function,
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(properties["Timeout"]),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(properties["MemorySize"]),
    }


def child_of(emulator: int) -> int:
    """The function's process: the emulator's one child."""
    threads = Path(f"/proc/{emulator}/task").glob("*/children")
    (child,) = (int(child) for thread in threads for child in thread.read_text().split())
    return child


def peak_memory(process: int) -> int:
    """The most that a process ever had in memory, in KiB."""
    status = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))


def print_table(measured: dict[str, list[tuple[float, float, int]]]) -> None:
    print("\n| function | cold call, ms | warm call, ms | memory at most, MiB |\n| --- | ---: | ---: | ---: |")
    for function, figures in measured.items():
        cold, warm, memory = zip(*figures, strict=True)
        print(
            f"| {function} | {statistics.median(cold):.1f} | {statistics.median(warm):.1f} | {max(memory) / 1024:.1f} |"
        )
    print("Medians over the event files; a cold call includes the start of the program. Both with a local stack, no network.\n")


if __name__ == "__main__":
    sys.exit(main())
