"""Starts the local stack for a program that tries something on it, and always stops it.

    with local_stack({"SESSION_IDLE_SECONDS": "1"}) as stack:
        requests_go_to(stack["gateway"])

The stack is that of `make local`, on free ports and keeping no data unless told otherwise. It gets the given variables and
nothing of the caller's environment, where a developer may have AWS keys and addresses. Standard library only.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parent.parent
# A busy machine is no outage: the functions wait longer than on AWS.
FREE_PORTS_AND_NOTHING_KEPT = {"LOCAL_PORT": "0", "LOCAL_DATA": ":memory:", "LOCAL_PATIENCE": "30"}

SECONDS_TO_STOP = 10  # it gives running requests 5 of them
LINES_OF_LOG = 20


@contextmanager
def local_stack(variables: Mapping[str, str] = {}) -> Iterator[dict[str, Any]]:
    """Yields what the stack tells about itself: `gateway`, `dynamodb`, `s3`, ..., and `env`.

    Its log is kept back; the end of it is shown when the stack does not start or the caller fails.
    """
    program = build_gateway()
    environment = FREE_PORTS_AND_NOTHING_KEPT | dict(variables) | {"LOCAL_JSON": "1"}
    with tempfile.TemporaryFile("w+") as log:
        # Not through `cargo run`: a signal to that would not reach the program.
        process = subprocess.Popen([program], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            yield addresses(process)
        except BaseException:
            show_end_of(log)
            raise
        finally:
            stop(process)


@cache
def build_gateway() -> str:
    """Builds the program and returns where it is. Cargo is heard only when it fails."""
    cargo = [os.environ.get("CARGO", "cargo"), "build", "--quiet", "--bin", "gateway"]
    built = subprocess.run(
        [*cargo, "--message-format", "json-render-diagnostics"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if built.returncode != 0:
        raise SystemExit(built.stderr)
    artifacts = (json.loads(line) for line in built.stdout.splitlines())
    return next(artifact["executable"] for artifact in artifacts if artifact.get("executable"))


def addresses(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The one line that the stack prints once all of it answers; there is none when it cannot start."""
    line = process.stdout.readline()
    if not line:
        raise SystemExit("the local stack did not start")
    return json.loads(line)


def show_end_of(log: IO[str]) -> None:
    log.seek(0)
    sys.stderr.writelines(log.readlines()[-LINES_OF_LOG:])


def stop(process: subprocess.Popen[str]) -> None:
    """Asks as Ctrl-C does, then insists."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
