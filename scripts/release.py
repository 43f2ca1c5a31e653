#!/usr/bin/env python3
"""What a release consists of (docs/releasing.md). Standard library only.

release.py notes v0.1.0              says what CHANGELOG.md has of that version, if all that has a version has this one
release.py packages arm64 FOLDER     puts the functions' packages, as `make build` has made them, and the template into a zip
release.py local PLATFORM FOLDER     puts the local stack's program and its seed set into a tar.gz, to be run without Rust
"""

import json
import re
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LICENCES = ("LICENSE-APACHE", "LICENSE-MIT")
PROGRAMS = ("gateway", "doctor")


def versions() -> dict[str, str]:
    """Wherever one is written."""
    cargo = tomllib.loads((ROOT / "Cargo.toml").read_text())
    (openapi,) = re.findall(r"^  version: (\S+)$", (ROOT / "docs/openapi.yaml").read_text(), re.MULTILINE)
    return {
        "Cargo.toml": cargo["workspace"]["package"]["version"],
        "client/sdk/package.json": json.loads((ROOT / "client/sdk/package.json").read_text())["version"],
        "docs/openapi.yaml": openapi,
    }


def notes(tag: str) -> str:
    others = [f"{place} has {version}" for place, version in versions().items() if f"v{version}" != tag]
    if others:
        raise SystemExit(f"the tag is {tag}, but {', '.join(others)}")
    section = re.search(
        rf"^## \[?{re.escape(tag[1:])}\]?[^\n]*\n(.*?)(?=^## |\Z)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE | re.DOTALL
    )
    if section is None or not section[1].strip():
        raise SystemExit(f"CHANGELOG.md says nothing of {tag[1:]}")
    return section[1].strip()


def packages(arch: str, folder: Path) -> Path:
    archive = folder / f"mini-functions-{versions()['Cargo.toml']}-packages-{arch}.zip"
    made = sorted((ROOT / "target/lambda").glob("*.zip"))
    missing = {path.name for path in (ROOT / "functions").iterdir()} - {path.stem for path in made}
    if missing:
        raise SystemExit(f"not built: {', '.join(sorted(missing))}")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as into:  # they are compressed already
        for path in (*made, *(ROOT / name for name in ("template.yaml", *LICENCES))):
            into.write(path, path.relative_to(ROOT))
    return archive


def local(platform: str, folder: Path, built: str = "release") -> Path:
    """The seed set lies beside the program as it does in the repository."""
    name = f"mini-functions-{versions()['Cargo.toml']}-local-{platform}"
    seed = ROOT / "events/seed.json"
    files = {(ROOT / "events" / one["file"]).resolve() for one in json.loads(seed.read_text())["objects"]}
    with tarfile.open(folder / f"{name}.tar.gz", "w:gz") as into:
        for program in PROGRAMS:
            into.add(ROOT / "target" / built / program, f"{name}/{program}")
        for path in (seed, *sorted(files), *(ROOT / licence for licence in LICENCES)):
            into.add(path, f"{name}/{path.relative_to(ROOT)}")
    return folder / f"{name}.tar.gz"


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["notes", tag]:
            print(notes(tag))
        case ["packages", arch, folder]:
            print(packages(arch, Path(folder)))
        case ["local", platform, folder]:
            print(local(platform, Path(folder)))
        case _:
            raise SystemExit(__doc__)
