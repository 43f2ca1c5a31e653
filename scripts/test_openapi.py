"""Holds real answers of the local stack against `docs/openapi.yaml`, then lets schemathesis look for others.

What is asked for is in `openapi/test_answers.py`, how schemathesis goes about it in `openapi/schemathesis.toml`.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from local_stack import ROOT, local_stack

HERE = Path(__file__).resolve().parent / "openapi"

# Made-up codes fail by the hundred, and all from one address.
NO_LIMIT_OF_LOGINS = {"LOGIN_RATE_PER_MINUTE": "0"}


class Count:
    """What came of the tests."""

    passed = failed = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.failed += report.failed
        self.passed += report.passed and report.when == "call"


def schemathesis() -> bool:
    command = [Path(sys.executable).with_name("schemathesis"), "--config-file", HERE / "schemathesis.toml", "run"]
    # What Hypothesis remembers belongs to what is built.
    environment = os.environ | {"HYPOTHESIS_STORAGE_DIRECTORY": str(ROOT / "target" / "hypothesis")}
    with local_stack(NO_LIMIT_OF_LOGINS) as stack:
        arguments = ["docs/openapi.yaml", "--url", stack["gateway"]]
        return subprocess.call([*command, *arguments], cwd=ROOT, env=environment) == 0


def main() -> int:
    count = Count()
    pytest.main(["--quiet", "-p", "no:cacheprovider", HERE], plugins=[count])
    found_nothing = schemathesis()
    passed, failed = count.passed + found_nothing, count.failed + (not found_nothing)
    print(f"test-openapi: {passed} passed, {failed} failed")
    return 1 if failed or not count.passed else 0


if __name__ == "__main__":
    sys.exit(main())
