"""Tries the client SDK on the `wx` emulator against a local stack on free ports, by Node's own test runner."""

import os
import re
import subprocess
import sys

from local_stack import ROOT, local_stack

TOOLS = ROOT / "target" / "client" / "node_modules"

# Codes that fail come from one address; nobody is to be refused because of another test.
NO_LIMIT_OF_LOGINS = {"LOGIN_RATE_PER_MINUTE": "0"}


def main() -> int:
    tests = sorted((ROOT / "client" / "tests").glob("*.test.mjs"))
    with local_stack(NO_LIMIT_OF_LOGINS) as stack:
        of_the_stack = {
            "GATEWAY": stack["gateway"],
            "S3": stack["s3"],
            "AWS_SECRET_ACCESS_KEY": stack["env"]["AWS_SECRET_ACCESS_KEY"],
        }
        environment = os.environ | of_the_stack | {"TOOLS": str(TOOLS)}
        command = ["node", "--test", "--test-reporter=tap", *sys.argv[1:], *map(str, tests)]
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as node:
            output = node.stdout.read()
    passed, failed = (int(re.search(rf"^# {what} (\d+)$", output, re.MULTILINE)[1]) for what in ("pass", "fail"))
    if failed or not passed:
        print(output)
    print(f"test-client: {passed} passed, {failed} failed")
    return 1 if failed or not passed or node.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
