"""Runs a folder of tests of the client against a local stack on free ports, by Node's own test runner.

    python3 scripts/test_client.py test-client client/tests [option of node --test]...
"""

import os
import re
import subprocess
import sys

from local_stack import ROOT, local_stack

TOOLS = ROOT / "target" / "client" / "node_modules"

# Codes that fail come from one address; nobody is to be refused because of another test.
NO_LIMIT_OF_LOGINS = {"LOGIN_RATE_PER_MINUTE": "0"}


def main() -> int:
    name, folder, *options = sys.argv[1:]
    tests = sorted((ROOT / folder).glob("*.test.mjs"))
    with local_stack(NO_LIMIT_OF_LOGINS) as stack:
        of_the_stack = {
            "GATEWAY": stack["gateway"],
            "S3": stack["s3"],
            "AWS_SECRET_ACCESS_KEY": stack["env"]["AWS_SECRET_ACCESS_KEY"],
        }
        environment = os.environ | of_the_stack | {"TOOLS": str(TOOLS)}
        command = ["node", "--test", "--test-reporter=tap", *options, *map(str, tests)]
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as node:
            output = node.stdout.read()
    passed, failed = (int(re.search(rf"^# {what} (\d+)$", output, re.MULTILINE)[1]) for what in ("pass", "fail"))
    if failed or not passed:
        print(output)
    print(f"{name}: {passed} passed, {failed} failed")
    return 1 if failed or not passed or node.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
