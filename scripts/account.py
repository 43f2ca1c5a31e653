"""The AWS account and the stack that a command is for: what make deploy, make redrive and make test-deployed know alike.

Credentials are found as the AWS CLI finds them.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

STACK = "mini-functions"
# It is a part of the bucket's name, which has no capitals and at most 63 characters.
STACK_NAME = re.compile(r"[a-z][a-z0-9-]{0,24}")
REGION_NAME = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")

# Beijing and Ningxia: a partition with accounts, keys and names of its own.
CHINA = "aws-cn"

CALLED_WRONGLY = 2


class Problems(Exception):
    """Why nothing was begun, a sentence each."""


@contextmanager
def told_in_sentences(stopped: str) -> Iterator[None]:
    """Ends the program as make's callers expect it: with sentences instead of a traceback, and an exit code."""
    try:
        yield
    except Problems as problems:
        print(problems, file=sys.stderr)
        raise SystemExit(CALLED_WRONGLY) from None
    except ClientError as error:
        raise SystemExit(f"AWS refuses: {error}") from None
    except BotoCoreError as error:
        raise SystemExit(f"AWS does not answer: {error}") from None
    except (KeyboardInterrupt, EOFError):
        raise SystemExit(f"\n{stopped}") from None


def stack_of(variables: Mapping[str, str]) -> str:
    return variables.get("STACK") or STACK


def region_of(variables: Mapping[str, str]) -> str | None:
    region = variables.get("REGION") or variables.get("AWS_REGION") or variables.get("AWS_DEFAULT_REGION")
    return region or boto3.session.Session().region_name


def problems_of(stack: str, region: str | None) -> Iterable[str]:
    if not STACK_NAME.fullmatch(stack):
        yield "STACK must begin with a letter and have small letters, digits and hyphens only, at most 25"
    if region is None:
        yield "no region: REGION=ap-southeast-1, say, or the variable AWS_REGION"
    elif not REGION_NAME.fullmatch(region):
        yield f"{region} is not the name of a region, as ap-southeast-1 is"


def partition_of(region: str) -> str:
    return CHINA if region.startswith("cn-") else "aws"


class Account:
    """AWS, as the caller is let in."""

    def __init__(self, region: str) -> None:
        self.client = boto3.session.Session(region_name=region).client
        self.region = region
        self.partition = partition_of(region)
        self.dns_suffix = "amazonaws.com.cn" if self.partition == CHINA else "amazonaws.com"
        self.id = self.client("sts").get_caller_identity()["Account"]
        self.cloudformation = self.client("cloudformation")

    def stack(self, name: str) -> dict[str, Any] | None:
        """The stack, unless there is none or only a change set from which one is to be made."""
        try:
            found = self.cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if error.response["Error"]["Code"] == "ValidationError":
                return None
            raise
        return None if found["StackStatus"] == "REVIEW_IN_PROGRESS" else found


def account_of(region: str) -> Account:
    try:
        return Account(region)
    except BotoCoreError as error:
        raise no_credentials(str(error)) from error
    except ClientError as error:
        reason = error.response["Error"].get("Message") or error.response["Error"]["Code"]
        elsewhere = "outside China" if region.startswith("cn-") else "in China (REGION=cn-north-1 or cn-northwest-1)"
        raise Problems(
            f"no AWS credentials: AWS refuses in {region} those it was shown ({reason}); are they of an account {elsewhere}?"
        ) from error


def require_credentials() -> None:
    """That there are any. Whether they are good can only be told in a region of their partition."""
    try:
        found = boto3.session.Session().get_credentials()
    except BotoCoreError as error:
        raise no_credentials(str(error)) from error
    if found is None:
        raise no_credentials("Unable to locate credentials")


def no_credentials(reason: str) -> Problems:
    return Problems(f"no AWS credentials: {reason}; set AWS_PROFILE, or sign in (aws configure, aws sso login)")


def parameters_now(stack: Mapping[str, Any]) -> dict[str, str]:
    return {given["ParameterKey"]: given["ParameterValue"] for given in stack.get("Parameters", [])}


def outputs_of(stack: Mapping[str, Any]) -> dict[str, str]:
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


@dataclass(frozen=True)
class Deployed:
    """A stack that is there."""

    account: Account
    stack: dict[str, Any]

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> "Deployed":
        name, region = stack_of(variables), region_of(variables)
        if problems := [*problems_of(name, region)]:
            raise Problems("\n".join(problems))
        account = account_of(region)
        stack = account.stack(name)
        if stack is None:
            raise Problems(f"there is no stack {name} in account {account.id}, region {region}")
        return cls(account, stack)

    def physical_name(self, resource: str) -> str:
        """What CloudFormation has called a resource of the template."""
        found = self.account.cloudformation.describe_stack_resource(
            StackName=self.stack["StackName"], LogicalResourceId=resource
        )
        return found["StackResourceDetail"]["PhysicalResourceId"]
