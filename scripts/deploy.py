#!/usr/bin/env python3
"""Puts the stack into AWS, or brings it up to date: make deploy (docs/deploy.md)

Between the build and the mini-program's console lie steps that are easily forgotten, or done in the wrong order: the app secret,
the default images, a look from outside. Here they are one command, which asks for what it cannot know and can be repeated. The
stack itself remembers its parameters. Nothing is built before everything that can be checked has been.

The app secret is typed in, private keys are made here; both go to Secrets Manager and are in no argument, variable, file,
parameter or log.
"""

import getpass
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import image_keys
import yaml
from account import (
    REGION_NAME,
    STACK_NAME,
    Account,
    Problems,
    account_of,
    outputs_of,
    parameters_now,
    problems_of,
    region_of,
    stack_of,
    told_in_sentences,
)
from botocore.exceptions import ClientError

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "template.yaml"
SEED = ROOT / "events" / "seed.json"

RUST_TARGETS = {"arm64": "aarch64-unknown-linux-gnu", "x86_64": "x86_64-unknown-linux-gnu"}
TOOLS = {
    "sam": "make .venv/aws/ready installs it",
    "cargo": "install Rust, https://rustup.rs",
    "rustc": "install Rust, https://rustup.rs",
    "make": "install make",
}

# So much concurrency Lambda leaves to functions that reserve none: "you can reserve up to the Unreserved account concurrency
# value minus 100" (https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html). It refuses more in the middle of
# a deployment. Accounts with less than that in all can reserve nothing.
LEAST_UNRESERVED = 100

PRIVACY = """\
Declare in its privacy guide (设置 > 服务内容声明 > 用户隐私保护指引) what is collected:
  - photos (选中的照片或视频信息): pictures of tasks; position, serial numbers and other hidden data are removed before storing
  - camera (摄像头): if pages let users take pictures
  - nickname and avatar (昵称、头像): the avatar that a user chooses
  - an id for each user, made by this stack; of WeChat's openid it keeps a hash
Without that, WeChat does not let the mini-program choose pictures (errno 112).\
"""


@dataclass(frozen=True)
class Parameter:
    """A parameter of the template, and what it may be."""

    name: str
    rules: Mapping[str, Any]

    @property
    def default(self) -> str | None:
        return None if "Default" not in self.rules else str(self.rules["Default"])

    def problem(self, value: str) -> str | None:
        """What is wrong with a value, without repeating it."""
        allowed = [str(one) for one in self.rules.get("AllowedValues", [])]
        if allowed and value not in allowed:
            return f"{self.name} must be one of: {', '.join(allowed)}"
        if not re.fullmatch(self.rules.get("AllowedPattern", ".*"), value):
            return f"{self.name} is refused: {self.rules.get('ConstraintDescription', self.rules['AllowedPattern'])}"
        if self.rules["Type"] == "Number" and not allowed:
            least, most = int(self.rules["MinValue"]), int(self.rules["MaxValue"])
            # The template's conditions compare texts: "00" is not its "0".
            is_plain = value.isdecimal() and str(int(value)) == value
            if not is_plain or not least <= int(value) <= most:
                return f"{self.name} must be a whole number from {least} to {most}"
        return None


class CloudFormationLoader(yaml.SafeLoader):
    """Reads over `!Ref` and its like, of which nothing is needed here."""


CloudFormationLoader.add_multi_constructor("!", lambda loader, suffix, node: None)


def parameters_of(template: Path) -> dict[str, Parameter]:
    rules = yaml.load(template.read_text(), CloudFormationLoader)["Parameters"]
    return {name: Parameter(name, rules_of_one) for name, rules_of_one in rules.items()}


@dataclass(frozen=True)
class Asked:
    """What the variables say: `make deploy STACK=… REGION=… PARAMETERS="Name=value …" SECRET=ask IMAGE_KEY=new YES=1`."""

    stack: str
    region: str | None
    parameters: list[str]
    wants_new_secret: bool
    wants_new_image_key: bool
    is_agreed: bool

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> "Asked":
        # `make build` knows the processor under this name.
        given = [f"Arch={variables['ARCH']}"] if variables.get("ARCH") else []
        return cls(
            stack=stack_of(variables),
            region=region_of(variables),
            parameters=[*given, *variables.get("PARAMETERS", "").split()],
            wants_new_secret=variables.get("SECRET") == "ask",
            wants_new_image_key=variables.get("IMAGE_KEY") == "new",
            is_agreed=variables.get("YES") == "1",
        )

    def values(self) -> dict[str, str]:
        pairs = (parameter.partition("=") for parameter in self.parameters)
        return {name: value for name, _, value in pairs}

    def problems(self, known: Mapping[str, Parameter]) -> Iterable[str]:
        yield from problems_of(self.stack, self.region)
        for given in self.parameters:
            name, equals, value = given.partition("=")
            if not equals:
                yield f"PARAMETERS has Name=value with blanks between, but also: {name}"
            elif name not in known:
                yield f"the template has no parameter {name}"
            elif problem := known[name].problem(value):
                yield problem


def problems_of_tools() -> Iterable[str]:
    for tool, advice in TOOLS.items():
        if not shutil.which(tool):
            yield f"{tool} is not there: {advice}"


def problems_of_target(arch: str) -> Iterable[str]:
    target = RUST_TARGETS.get(arch)
    if target is None or not shutil.which("rustc"):
        return  # told already
    told = subprocess.run(
        ["rustc", "--print", "target-libdir", "--target", target], capture_output=True, text=True, check=False
    )
    if told.returncode != 0 or not Path(told.stdout.strip()).is_dir():
        yield f"Rust cannot build for {arch} yet: rustup target add {target} (or PARAMETERS=Arch=x86_64)"


def waiting_change_sets(account: Account, stack: str) -> set[str]:
    try:
        found = account.cloudformation.list_change_sets(StackName=stack)["Summaries"]
    except ClientError:
        return set()
    return {one["ChangeSetId"] for one in found if one.get("ExecutionStatus") == "AVAILABLE"}


def has_value(account: Account, secret: str) -> bool:
    described = account.client("secretsmanager").describe_secret(SecretId=secret)
    return bool(described.get("VersionIdsToStages"))


@dataclass
class Plan:
    """Everything that is known before the first question."""

    asked: Asked
    account: Account
    known: dict[str, Parameter]
    values: dict[str, str]
    needs_secret: bool
    # Of the places of keys that the stack has, whether the private half is there.
    has_private_half: dict[str, bool]
    # What image-ingest has of the account's concurrency, and would give back for another number.
    reserved: int
    is_new: bool

    def missing(self) -> list[str]:
        return [name for name, parameter in self.known.items() if parameter.default is None and name not in self.values]

    def arch(self) -> str:
        return arch_of(self.known, self.values)

    def problems(self) -> Iterable[str]:
        """Those of parameters that do not fit together, or not the account."""
        if problem := image_keys.problem(self.values, self.asked.wants_new_image_key, self.has_private_half):
            yield problem
        if self.account and (problem := self.problem_of_concurrency()):
            yield problem

    def problem_of_concurrency(self) -> str | None:
        parameter = self.known["IngestConcurrency"]
        value = self.values.get(parameter.name, parameter.default)
        if parameter.problem(value) or int(value) <= self.reserved:
            return None  # told already, or no more than before
        limits = self.account.client("lambda").get_account_settings()["AccountLimit"]
        free = limits["UnreservedConcurrentExecutions"] + self.reserved
        if free - int(value) >= LEAST_UNRESERVED:
            return None
        return (
            f"IngestConcurrency={value} cannot be reserved: {free} of this account's concurrent executions are free, of which"
            f" Lambda leaves {LEAST_UNRESERVED} to other functions; ask for a higher quota, or reserve none:"
            " PARAMETERS=IngestConcurrency=0 (docs/operations.md, Quotas)"
        )

    def new_image_key(self) -> image_keys.KeyPair | None:
        """Makes the pair that is needed, and its public half a parameter."""
        place = image_keys.place_for_new_pair(self.values, self.asked.wants_new_image_key)
        if place is None:
            return None
        pair = image_keys.make_pair(place)
        self.values[pair.parameter] = pair.public
        return pair


def arch_of(known: Mapping[str, Parameter], values: Mapping[str, str]) -> str:
    return values.get("Arch") or known["Arch"].default or ""


def make_plan(asked: Asked, can_ask: bool) -> Plan:
    """Looks at variables, tools, credentials and the stack as it is, and tells every problem at once."""
    known = parameters_of(TEMPLATE)
    problems = [*asked.problems(known), *problems_of_tools()]
    values, before, stack, account = asked.values(), {}, None, None
    try:
        # Whether there are credentials can be told in any region.
        account = account_of(asked.region if asked.region and REGION_NAME.fullmatch(asked.region) else "us-east-1")
        stack = account.stack(asked.stack) if STACK_NAME.fullmatch(asked.stack) else None
    except Problems as problem:
        problems.append(str(problem))
    if stack:
        before = {name: value for name, value in parameters_now(stack).items() if name in known}
        values = before | values
    problems += problems_of_target(arch_of(known, values))

    outputs = outputs_of(stack or {})
    secret = outputs.get("WeChatSecretArn")
    needs_secret = asked.wants_new_secret or secret is None or not has_value(account, secret)
    key_secrets = {place: outputs.get(f"ImageKey{place}SecretArn") for place in image_keys.OTHER}
    has_private_half = {place: has_value(account, arn) for place, arn in key_secrets.items() if arn}
    # A stack from before this parameter has reserved none.
    reserved = int(before.get("IngestConcurrency", 0))
    plan = Plan(asked, account, known, values, needs_secret, has_private_half, reserved, is_new=stack is None)
    problems += plan.problems()
    if account and (asked.is_agreed or not can_ask):
        problems += [f"{name} is missing: PARAMETERS={name}=…" for name in plan.missing()]
    if not (asked.is_agreed or can_ask):
        problems.append("no terminal to agree to the changes: YES=1 agrees beforehand")
    if problems:
        raise Problems("\n".join(problems))
    return plan


def ask_for_parameters(plan: Plan) -> None:
    """Those that have to be there, then any other that is to be changed."""
    for name in plan.missing():
        say(plan.known[name].rules["Description"])
        while name not in plan.values:
            take(plan, name, input(f"{name}: ").strip())
    while line := input("Another parameter, as Name=value (? lists them, Enter goes on): ").strip():
        name, equals, value = line.partition("=")
        if line == "?":
            for parameter in plan.known.values():
                value = plan.values.get(parameter.name, parameter.default)
                say(f"  {parameter.name}={value}\n      {parameter.rules['Description']}")
        elif not equals or name not in plan.known:
            say("that is not Name=value with a name of the list")
        else:
            take(plan, name, value)


def take(plan: Plan, name: str, value: str) -> None:
    if problem := plan.known[name].problem(value):
        say(problem)
    else:
        plan.values[name] = value


def ask_for_secret() -> str | None:
    secret = getpass.getpass("App secret of the mini-program (not shown; Enter leaves it for later): ").strip()
    return secret or None


def build(plan: Plan) -> None:
    run("make", "build", "validate", f"ARCH={plan.arch()}")


def deploy(plan: Plan) -> bool:
    """Shows the change set and carries it out; false where that was not wanted."""
    before = waiting_change_sets(plan.account, plan.asked.stack)
    with parameter_file(plan.values) as values:
        run(
            "sam",
            "deploy",
            *("--template-file", str(TEMPLATE), "--stack-name", plan.asked.stack, "--region", plan.account.region),
            *("--resolve-s3", "--capabilities", "CAPABILITY_IAM", "--no-fail-on-empty-changeset"),
            "--no-confirm-changeset" if plan.asked.is_agreed else "--confirm-changeset",
            *("--parameter-overrides", f"file://{values}"),
        )
    # SAM ends well when the answer was no; what it was shown then still waits.
    return waiting_change_sets(plan.account, plan.asked.stack) <= before


@contextmanager
def parameter_file(values: Mapping[str, str]) -> Iterable[Path]:
    """As a file, since SAM reads blanks and commas in arguments in ways of its own. JSON is YAML, too."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "parameters.yaml"
        path.write_text(json.dumps(values))
        yield path


def put_secret(account: Account, arn: str, secret: str, name: str) -> None:
    try:
        account.client("secretsmanager").put_secret_value(SecretId=arn, SecretString=secret)
    except ClientError as error:
        # Its own text may repeat what it was sent.
        raise SystemExit(f"{name} was not put: {error.response['Error']['Code']}") from None
    say(f"{name[0].upper()}{name[1:]} is in Secrets Manager.")


def put_default_images(account: Account, bucket: str) -> None:
    """Those of the seed set, so that they are here what they are in the local stack."""
    objects = [one for one in json.loads(SEED.read_text())["objects"] if one["key"].startswith("defaults/")]
    s3 = account.client("s3")
    for one in objects:
        s3.put_object(
            Bucket=bucket,
            Key=one["key"],
            Body=(SEED.parent / one["file"]).read_bytes(),
            ContentType=one["content_type"],
            CacheControl=one["cache_control"],
        )
    say(f"Default images are in the bucket: {', '.join(one['key'] for one in objects)}.")


def tell_what_is_left(outputs: Mapping[str, str]) -> None:
    say("\nPaste into the mini-program's console (开发管理 > 开发设置 > 服务器域名):")
    for title, output in (
        ("request", "RequestDomain"),
        ("uploadFile", "UploadFileDomain"),
        ("downloadFile", "DownloadFileDomain"),
    ):
        say(f"  {title:13} {outputs[output]}")
    for domain in ("Api", "Image"):
        if target := outputs.get(f"{domain}DomainTarget"):
            say(f"Let the DNS entry of {domain}Domain point to {target}.")
    say(f"\n{PRIVACY}\n\nBase address for the mini-program: {outputs['ApiUrl']}\n")


def look_from_outside(outputs: Mapping[str, str]) -> None:
    bucket = outputs["UploadFileDomain"].split(";")[-1]
    run("make", "doctor", f"URL={outputs['ApiUrl']}", f"DOCTOR_FLAGS=--bucket {bucket}")


def run(*command: str) -> None:
    """Ends all of it where a step fails: the step has said why."""
    # What make was told for this target is not for the next.
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    environment |= {"SAM_CLI_TELEMETRY": "0"}
    sys.stdout.flush()
    if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode != 0:
        raise SystemExit(f"{' '.join(command[:2])} failed; nothing after it was done")


def say(text: str) -> None:
    print(text, flush=True)


def main(variables: Mapping[str, str], can_ask: bool) -> None:
    plan = make_plan(Asked.of(variables), can_ask)
    verb = "Makes" if plan.is_new else "Updates"
    say(f"{verb} stack {plan.asked.stack} in account {plan.account.id}, region {plan.account.region}.")
    if not plan.asked.is_agreed:
        ask_for_parameters(plan)
        if problems := [*plan.problems()]:
            raise Problems("\n".join(problems))
    secret = ask_for_secret() if can_ask and plan.needs_secret else None
    image_key = plan.new_image_key()

    build(plan)
    if not deploy(plan):
        say("Nothing was changed.")
        return
    outputs = outputs_of(plan.account.stack(plan.asked.stack) or {})
    if image_key:
        arn = outputs[f"{image_key.parameter}SecretArn"]
        put_secret(plan.account, arn, image_key.private, f"the private half of {image_key.parameter}")
    if secret:
        put_secret(plan.account, outputs["WeChatSecretArn"], secret, "the app secret")
    elif plan.needs_secret:
        say("No app secret was given; without one nobody can sign in: make deploy SECRET=ask")
    put_default_images(plan.account, outputs["ImagesBucketName"])
    tell_what_is_left(outputs)
    look_from_outside(outputs)


if __name__ == "__main__":
    with told_in_sentences("stopped; what was deployed until here stays, and make deploy can be repeated"):
        main(os.environ, can_ask=sys.stdin.isatty())
