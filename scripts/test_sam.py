#!/usr/bin/env python3
"""Runs the packages of `make build` by `sam local`, in Docker, with the local stack behind them.

Every event file goes through `sam local invoke`; the answer has to be that of the same code in process. (Its exit code says
nothing: it is 0 when the function failed.) Then `sam local start-api` plays a story of the seed set's user: JSON calls and
redirects. What start-api does otherwise than HTTP API is left out: it answers 502 to binary bodies, which HTTP API puts into
base64, and it gives POST and DELETE /session to the function of ANY /session.

Where Docker cannot run, the last line says so, with the reason, and the exit code is 3.
"""

import json
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from answers import ROOT, events, invoke
from local_stack import local_stack
from ports import free_ports, wait_for
from sam_docker import CannotRun, Docker, docker
from samtranslator.yaml_helper import yaml_parse
from test_lambda import PROCESSOR, difference

SAM = Path(sys.executable).parent / "sam"
CANNOT_RUN = 3
SECONDS_TO_ANSWER = 30
# What SAM gives a function where there are no credentials; the local stack takes its caller's keys as its own. (With
# credentials, SAM would ask AWS for the account's number before every call.)
KEYS_OF_SAM = {"AWS_ACCESS_KEY_ID": "defaultkey", "AWS_SECRET_ACCESS_KEY": "defaultsecret"}
RESOURCES = {
    resource["Properties"]["CodeUri"]: name
    for name, resource in yaml_parse((ROOT / "template.yaml").read_text())["Resources"].items()
    if "CodeUri" in resource["Properties"]
}


def main() -> int:
    failed = total = 0
    with docker() as daemon:
        print(f"image: {daemon.image or 'that of AWS'}", flush=True)
        for function, event in events():
            fault = try_event(daemon, function, event)
            total, failed = total + 1, failed + bool(fault)
            print(f"{'FAIL' if fault else 'ok  '} {function}/{event.stem}", fault, flush=True)
        fault = try_story(daemon)
        total, failed = total + 1, failed + bool(fault)
        print(f"{'FAIL' if fault else 'ok  '} start-api: session, task, redirects, refusals", fault, flush=True)
    print(f"test-sam: {total - failed} passed, {failed} failed")
    return 1 if failed else 0


def try_event(daemon: Docker, function: str, event: Path) -> str:
    """How SAM's answer differs from the one in process; empty where it does not."""
    with local_stack() as stack:
        expected = invoke(stack["lambda"], function, event)
    resource = RESOURCES[f"target/lambda/{function}.zip"]
    with reachable_stack(daemon) as stack, tempfile.TemporaryDirectory() as folder:
        command = sam(daemon, stack, Path(folder), "invoke", resource, "--event", str(event))
        done = subprocess.run(command, cwd=ROOT, env=environment(daemon), capture_output=True, text=True, check=False)
    try:
        answer = json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        return f"\nno answer: {done.stderr[-1000:]}"
    return difference([expected], [answer])


def try_story(daemon: Docker) -> str:
    """What goes wrong in the story; empty where nothing does."""
    with reachable_stack(daemon) as stack, tempfile.TemporaryDirectory() as folder:
        port, _ = free_ports()
        command = sam(daemon, stack, Path(folder), "start-api", "--port", str(port), "--warm-containers", "LAZY")
        with (Path(folder) / "log").open("w+") as log:
            server = subprocess.Popen(command, cwd=ROOT, env=environment(daemon), stdout=log, stderr=log)
            try:
                wait_for(port)
                tell_story(f"http://127.0.0.1:{port}")
            except (AssertionError, OSError) as fault:
                log.seek(0)
                return f"\n{fault}\n{log.read()[-1500:]}"
            finally:
                server.terminate()
                server.wait()
    return ""


def tell_story(api: str) -> None:
    me = {"session-id": "dGhlIHNlZWQgc2Vzc2lvbiwgbm8gc2VjcmV0IGhlcmU", "user-id": "5e550000-0000-4000-8000-00000000a11c"}
    assert expect(200, call(api, "GET", "/session", headers=me))["user_id"] == me["user-id"]

    task = expect(201, call(api, "POST", "/tasks", {"title": "Shelf 4"}, me))
    page = expect(200, call(api, "GET", f"/tasks/{task['task_id']}", headers=me))
    assert (page["title"], page["images"]) == ("Shelf 4", []), page

    status, headers, _ = call(api, "GET", "/images/5eed0000000040008000000000000001.jpg")
    assert status == 302 and "/images/5eed" in headers["location"], (status, dict(headers))
    with urllib.request.urlopen(headers["location"]) as photo:
        assert photo.read(3) == b"\xff\xd8\xff" and photo.headers["content-type"] == "image/jpeg"
    status, headers, _ = call(api, "GET", "/task/nobody-knows.jpg")
    assert status == 302 and "/defaults/" in headers["location"], (status, dict(headers))

    stranger = me | {"session-id": "A" * 43}
    assert expect(401, call(api, "GET", f"/tasks/{task['task_id']}", headers=stranger))["error"] == "session_invalid"
    assert expect(404, call(api, "GET", "/nowhere"))["error"] == "not_found"


Answer = tuple[int, Any, bytes]


def call(api: str, method: str, path: str, body: Any = None, headers: dict[str, str] = {}) -> Answer:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(api + path, data, {"content-type": "application/json"} | headers, method=method)
    try:
        with urllib.request.build_opener(AsTheyAre).open(request, timeout=SECONDS_TO_ANSWER) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers, answer.read()


class AsTheyAre(urllib.request.HTTPRedirectHandler):
    """Redirects are looked at, not followed."""

    def redirect_request(self, *_: Any) -> None:
        return None


def expect(status: int, answer: Answer) -> Any:
    assert answer[0] == status, f"{answer[0]}, not {status}: {answer[2]!r}"
    return json.loads(answer[2])


def reachable_stack(daemon: Docker):
    return local_stack(KEYS_OF_SAM | {"LOCAL_HOST": daemon.bridge})


def sam(daemon: Docker, stack: dict[str, Any], folder: Path, *arguments: str) -> list[str]:
    variables = folder / "env.json"
    variables.write_text(json.dumps({"Parameters": stack["env"]}))
    parameters = [f"Arch={PROCESSOR}", f"EndpointUrl={stack['dynamodb']}"]  # makes the template declare the endpoints
    image = ["--invoke-image", daemon.image, "--skip-pull-image"] if daemon.image else []
    options = ["--env-vars", str(variables), "--parameter-overrides", *parameters]
    return [str(SAM), "local", *arguments, *image, *options]


def environment(daemon: Docker) -> dict[str, str]:
    without = {name: value for name, value in daemon.environment.items() if not name.startswith("AWS_")}
    nothing = {"AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_CONFIG_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true"}
    return without | nothing | {"AWS_DEFAULT_REGION": "us-east-1", "SAM_CLI_TELEMETRY": "0"}


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CannotRun as reason:
        print(f"test-sam: NOT RUN, Docker cannot run here: {reason}")
        sys.exit(CANNOT_RUN)
