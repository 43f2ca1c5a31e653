"""Holds what a release consists of against the repository, and starts the local stack from an archive: make test-release

Without an argument the archive is made of the debug programs (cargo build). With one, it is that archive.
"""

import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest
import zipfile
from pathlib import Path
from urllib.request import urlopen

import release

GIVEN = [Path(path).resolve() for path in sys.argv[1:]]


class Release(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def project(self, changelog: str) -> None:
        """In the place of ours, one with programs and packages that are quickly made."""
        for name in ("Cargo.toml", "client/sdk/package.json", "docs/openapi.yaml", "template.yaml", *release.LICENCES):
            copy = self.folder / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(release.ROOT / name, copy)
        (self.folder / "CHANGELOG.md").write_text(changelog)
        root, release.ROOT = release.ROOT, self.folder
        self.addCleanup(setattr, release, "ROOT", root)

    def test_all_that_has_a_version_has_the_same(self) -> None:
        self.assertEqual(len(set(release.versions().values())), 1, release.versions())

    def test_the_notes_are_those_of_the_version_alone(self) -> None:
        version = release.versions()["Cargo.toml"]
        self.project(f"# Changelog\n\n## Unreleased\n\nlater\n\n## [{version}] - 2026-11-29\n\n- this\n\n## 0.0.1\n\n- before\n")

        self.assertEqual(release.notes(f"v{version}"), "- this")

    def test_a_tag_that_is_not_the_version_and_a_version_without_notes_are_refused(self) -> None:
        version = release.versions()["Cargo.toml"]
        self.project("# Changelog\n\n## Unreleased\n\nlater\n")

        with self.assertRaisesRegex(SystemExit, "the tag is v9.9.9, but Cargo.toml has"):
            release.notes("v9.9.9")
        with self.assertRaisesRegex(SystemExit, f"CHANGELOG.md says nothing of {version}"):
            release.notes(f"v{version}")

    def test_packages_of_all_functions_or_none_at_all(self) -> None:
        self.project("")
        for name in ("tasks", "session-check"):
            (self.folder / "functions" / name).mkdir(parents=True)
        made = self.folder / "target/lambda"
        made.mkdir(parents=True)
        (made / "tasks.zip").write_bytes(b"a package")

        with self.assertRaisesRegex(SystemExit, "not built: session-check"):
            release.packages("arm64", self.folder)
        (made / "session-check.zip").write_bytes(b"a package")
        names = zipfile.ZipFile(release.packages("arm64", self.folder)).namelist()

        expected = ["target/lambda/session-check.zip", "target/lambda/tasks.zip", "template.yaml", *release.LICENCES]
        self.assertEqual(names, expected)

    def test_the_local_stack_starts_from_where_it_was_unpacked(self) -> None:
        with tarfile.open(GIVEN[0] if GIVEN else release.local("here", self.folder, "debug")) as archive:
            archive.extractall(self.folder, filter="data")
        (program,) = self.folder.glob("mini-functions-*/gateway")

        with self.start(program) as stack:
            addresses = json.loads(stack.stdout.readline())
            page = urlopen(f"{addresses['gateway']}/_demo/").read()
            stack.terminate()
        self.assertIn(b"<html", page)

        next(program.parent.glob("events/photos/*")).unlink()
        with self.start(program) as stack:
            self.assertEqual(stack.stdout.readline(), "")
            self.assertNotEqual(stack.wait(), 0, "it took the seed set of somewhere else")

    def start(self, program: Path) -> subprocess.Popen[str]:
        environment = {"LOCAL_PORT": "0", "LOCAL_DATA": ":memory:", "LOCAL_JSON": "1", "PATH": "/usr/bin:/bin"}
        return subprocess.Popen(
            [program], cwd=program.parent, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )


if __name__ == "__main__":
    result = unittest.main(argv=sys.argv[:1], exit=False, verbosity=1).result
    failed = len(result.failures) + len(result.errors)
    print(f"test-release: {result.testsRun - failed} passed, {failed} failed")
    sys.exit(failed > 0)
