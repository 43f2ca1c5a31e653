#!/usr/bin/env python3
"""Makes `target/lambda/<function>.zip` of each `target/lambda/<function>/bootstrap` and prints their sizes.

The same program gives the same bytes, whenever and wherever it is packed: SAM then leaves a function that did not change
where it is. (cargo-lambda's own zips carry the time of the build.)
"""

import sys
import zipfile
from pathlib import Path

PACKAGES = Path("target/lambda")
EARLIEST = (1980, 1, 1, 0, 0, 0)  # what a zip can say at least
EXECUTABLE_FILE = 0o100755 << 16


def pack(function: str) -> Path:
    program = PACKAGES / function / "bootstrap"
    package = PACKAGES / f"{function}.zip"
    entry = zipfile.ZipInfo("bootstrap", EARLIEST)
    entry.create_system = 3  # Unix, so that the mode counts
    entry.external_attr = EXECUTABLE_FILE
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr(entry, program.read_bytes(), zipfile.ZIP_DEFLATED, 9)
    return package


def main(functions: list[str]) -> None:
    print("| function | program, KiB | package, KiB |\n| --- | ---: | ---: |")
    for function in functions:
        package = pack(function)
        program = PACKAGES / function / "bootstrap"
        print(f"| {function} | {program.stat().st_size >> 10} | {package.stat().st_size >> 10} |")


if __name__ == "__main__":
    main(sys.argv[1:])
