"""What `make deploy` looks at before it builds: tools, credentials, the account's limits, the stack as it is.

Every problem is told at once, with what to do about it.
"""

import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import image_keys
import packaged
from account import REGION_NAME, STACK_NAME, Account, Problems, account_of, outputs_of, parameters_now, require_credentials
from asked import Asked, Parameter, parameters_of
from botocore.exceptions import ClientError

RUST_TARGETS = {"arm64": "aarch64-unknown-linux-gnu", "x86_64": "x86_64-unknown-linux-gnu"}
TOOLS = {
    "cargo": "install Rust, https://rustup.rs",
    "rustc": "install Rust, https://rustup.rs",
    "make": "install make",
    "cc": "install a C compiler (Debian, Ubuntu: apt-get install build-essential; macOS: xcode-select --install)",
}

# So much concurrency Lambda leaves to functions that reserve none: "you can reserve up to the Unreserved account concurrency
# value minus 100" (https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html). It refuses more in the middle of
# a deployment. Accounts with less than that in all can reserve nothing.
LEAST_UNRESERVED = 100

# In which of its states (https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Stack.html) a stack can be
# updated, and what to do in the others.
UPDATABLE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE")
DELETE = "aws cloudformation delete-stack {named} && aws cloudformation wait stack-delete-complete {named}"
EVENTS = "aws cloudformation describe-stack-events {named}"
NEVER_MADE = "its first deployment failed, and such a stack can only be deleted: " + DELETE
WAYS_ON = {
    "ROLLBACK_COMPLETE": NEVER_MADE,
    "CREATE_FAILED": NEVER_MADE,
    "ROLLBACK_FAILED": f"{NEVER_MADE} (what could not be removed: {EVENTS})",
    "DELETE_FAILED": f"something could not be deleted; see what ({EVENTS}), remove the cause, then {DELETE}",
    "UPDATE_FAILED": "an update failed and did not go back: aws cloudformation rollback-stack {named}",
    "UPDATE_ROLLBACK_FAILED": (
        f"an update could not go back; see why ({EVENTS}), remove the cause, then"
        " aws cloudformation continue-update-rollback {named}"
    ),
    "IMPORT_ROLLBACK_FAILED": (
        f"an import could not go back; see why ({EVENTS}), remove the cause, then aws cloudformation rollback-stack {{named}}"
    ),
}
IN_PROGRESS = "something is changing it; wait until that is over, and see what it does: " + EVENTS
GOING_TO_BE_MADE = "REVIEW_IN_PROGRESS"  # only a change set from which nobody has made it yet


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


def problem_of_state(stack: Mapping[str, Any], region: str) -> str | None:
    status = stack["StackStatus"]
    if status in UPDATABLE:
        return None
    way_on = IN_PROGRESS if status.endswith("_IN_PROGRESS") else WAYS_ON[status]
    named = f"--stack-name {stack['StackName']} --region {region}"
    return f"stack {stack['StackName']} is {status}: {way_on.format(named=named)} (docs/operations.md, When a deployment fails)"


def problem_of_left_bucket(account: Account, stack: str) -> str | None:
    """A bucket that an earlier stack has left has the name that the new one's would have."""
    name = f"{stack}-images-{account.id}-{account.region}"
    try:
        account.client("s3").head_bucket(Bucket=name)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            return None
    return (
        f"the bucket {name} of an earlier stack is still there, and a new one would have its name: take another name"
        f" (STACK=…), or, where nobody wants the images in it, remove it (docs/operations.md, Removal, step 4)"
    )


def problems_of_indexes(account: Account, stack: Mapping[str, Any], template: packaged.Template) -> Iterable[str]:
    """"You can create or delete only one global secondary index per UpdateTable operation", and CloudFormation makes one such
    operation of an update (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html). It refuses in the
    middle of a deployment.
    """
    tables = account.client("dynamodb")
    for table, resource in template["Resources"].items():
        if resource["Type"] != "AWS::DynamoDB::Table":
            continue
        try:
            found = account.cloudformation.describe_stack_resource(StackName=stack["StackName"], LogicalResourceId=table)
        except ClientError:
            continue  # the update makes the table, with any number of indexes
        name = found["StackResourceDetail"]["PhysicalResourceId"]
        has = indexes(tables.describe_table(TableName=name)["Table"])
        wants = indexes(resource["Properties"])
        steps = [*(f"without {gone}" for gone in sorted(has - wants)), *(f"with {new}" for new in sorted(wants - has))]
        if len(steps) > 1:
            yield (
                f"{table} changes {len(steps)} indexes, and DynamoDB changes one at a time: deploy it {steps[0]} and otherwise"
                f" as it is, then {', then '.join(steps[1:])} (GlobalSecondaryIndexes in template.yaml)"
            )


def indexes(table: Mapping[str, Any]) -> set[str]:
    return {index["IndexName"] for index in table.get("GlobalSecondaryIndexes", [])}


def has_value(account: Account, secret: str) -> bool:
    described = account.client("secretsmanager").describe_secret(SecretId=secret)
    return bool(described.get("VersionIdsToStages"))


@dataclass
class Plan:
    """Everything that is known before the first question."""

    asked: Asked
    account: Account
    template: packaged.Template
    known: dict[str, Parameter]
    # What was chosen, now or for the stack that is there; any other parameter has the template's default.
    values: dict[str, str]
    # What the stack has now, chosen or not.
    before: dict[str, str]
    needs_secret: bool
    # Of the places of keys that the stack has, whether the private half is there.
    has_private_half: dict[str, bool]
    is_new: bool

    def missing(self) -> list[str]:
        return [name for name, parameter in self.known.items() if parameter.default is None and name not in self.values]

    def wanted(self) -> list[str]:
        """Those to ask for. Who has a new stack and no address for alarms will not hear of them."""
        alarms = ["AlarmEmail"] if self.is_new and "AlarmEmail" not in self.values else []
        return self.missing() + alarms

    def value(self, name: str) -> str | None:
        return self.values.get(name, self.known[name].default)

    def problems(self) -> Iterable[str]:
        """Those of parameters that do not fit together, or not the account."""
        if problem := image_keys.problem(self.values, self.asked.wants_new_image_key, self.has_private_half):
            yield problem
        if problem := self.problem_of_delivery():
            yield problem
        if problem := self.problem_of_concurrency():
            yield problem

    def problem_of_delivery(self) -> str | None:
        """Addresses and forms are out there for as long as they live. A switch in one step would end them at once."""
        if self.is_new:
            return None
        was_on = self.before.get("CloudFront") == "on"
        had_delivery = self.before.get("ImageDelivery", "presigned")
        is_on, delivery = self.value("CloudFront") == "on", self.value("ImageDelivery")
        then = "PARAMETERS=ImageDelivery=presigned first, the rest an hour later (docs/deploy.md, Turning CloudFront on and off)"
        if was_on and not is_on and had_delivery != "presigned":
            return f"CloudFront=off would end every address and form that was handed out: {then}"
        if was_on and (had_delivery, delivery) == ("public", "cloudfront"):
            return f"ImageDelivery=cloudfront would end every address without a signature: {then}"
        if is_on and not was_on and delivery != "presigned":
            return (
                f"ImageDelivery={delivery} would hand out addresses of a distribution that is not there yet: PARAMETERS=CloudFront=on"
                " with ImageDelivery=presigned first, the rest when its DNS entry is made"
                " (docs/deploy.md, Turning CloudFront on and off)"
            )
        return None

    def problem_of_concurrency(self) -> str | None:
        parameter = self.known["IngestConcurrency"]
        value = self.value(parameter.name)
        # What image-ingest would give back for another number; a stack from before this parameter has reserved none.
        reserved = int(self.before.get(parameter.name, 0))
        if parameter.problem(value) or int(value) <= reserved:
            return None  # told already, or no more than before
        limits = self.account.client("lambda").get_account_settings()["AccountLimit"]
        free = limits["UnreservedConcurrentExecutions"] + reserved
        if free - int(value) >= LEAST_UNRESERVED:
            return None
        return (
            f"IngestConcurrency={value} cannot be reserved: {free} of this account's concurrent executions are free, of which"
            f" Lambda leaves {LEAST_UNRESERVED} to other functions; ask for a higher quota, or reserve none:"
            " PARAMETERS=IngestConcurrency=0 (docs/operations.md, Quotas)"
        )

    def changed_defaults(self) -> Iterable[str]:
        """Parameters for which nobody has chosen a value, and which the template now gives another one."""
        for name, had in self.before.items():
            has = self.value(name)
            if name not in self.asked.values() and has != had:
                yield f"{name}={has}: the template's default, which was {had}; PARAMETERS={name}={had} keeps it"

    def new_image_key(self) -> image_keys.KeyPair | None:
        """Makes the pair that is needed, and its public half a parameter."""
        place = image_keys.place_for_new_pair(self.values, self.asked.wants_new_image_key)
        if place is None:
            return None
        pair = image_keys.make_pair(place)
        self.values[pair.parameter] = pair.public
        return pair


def chosen(account: Account, stack: Mapping[str, Any]) -> dict[str, str]:
    """The parameters of a stack that have another value than the default of the template that it was made from.

    The others follow the template, so that a default that is changed there reaches stacks that are there already.
    """
    summary = account.cloudformation.get_template_summary(StackName=stack["StackName"])
    defaults = {one["ParameterKey"]: one.get("DefaultValue") for one in summary["Parameters"]}
    return {name: value for name, value in parameters_now(stack).items() if value != defaults.get(name)}


def make_plan(asked: Asked, template_file: Path, can_ask: bool) -> Plan:
    template = packaged.read(template_file)
    if asked.region and REGION_NAME.fullmatch(asked.region):
        template = packaged.for_region(template, asked.region)
    known = parameters_of(template)
    problems = [*asked.problems(known), *problems_of_tools()]
    account, stack = None, None
    try:
        if asked.region and REGION_NAME.fullmatch(asked.region):
            account = account_of(asked.region)
            stack = account.stack(asked.stack) if STACK_NAME.fullmatch(asked.stack) else None
        else:
            require_credentials()
    except Problems as problem:
        problems.append(str(problem))

    before, values = {}, asked.values()
    if stack:
        problems += filter(None, [problem_of_state(stack, account.region)])
        problems += problems_of_indexes(account, stack, template)
        before = {name: value for name, value in parameters_now(stack).items() if name in known}
        values = {name: value for name, value in chosen(account, stack).items() if name in known} | values
    elif account and STACK_NAME.fullmatch(asked.stack):
        problems += filter(None, [problem_of_left_bucket(account, asked.stack)])
    problems += problems_of_target(values.get("Arch") or known["Arch"].default)

    outputs = outputs_of(stack or {})
    secret = outputs.get("WeChatSecretArn")
    needs_secret = asked.wants_new_secret or secret is None or not has_value(account, secret)
    key_secrets = {place: outputs.get(f"ImageKey{place}SecretArn") for place in image_keys.OTHER}
    has_private_half = {place: has_value(account, arn) for place, arn in key_secrets.items() if arn}
    plan = Plan(asked, account, template, known, values, before, needs_secret, has_private_half, is_new=stack is None)
    if account:
        problems += plan.problems()
        if asked.is_agreed or not can_ask:
            problems += [f"{name} is missing: PARAMETERS={name}=…" for name in plan.missing()]
    if not (asked.is_agreed or can_ask):
        problems.append("no terminal to agree to the changes: YES=1 agrees beforehand")
    if problems:
        raise Problems("\n".join(problems))
    return plan
