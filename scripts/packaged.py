"""The template as CloudFormation gets it: the functions' packages and the text itself lie in a bucket of the deployer's own.

The bucket is made by the first deployment and keeps everything: an update that goes back needs the packages from before.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from account import Account, Problems
from botocore.exceptions import ClientError

Template = dict[str, Any]


class LongForm(yaml.SafeLoader):
    """Reads `!If [...]` as `{"Fn::If": [...]}`, which is how JSON writes it."""


def long_form(loader: LongForm, name: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        argument = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        argument = loader.construct_sequence(node, deep=True)
    else:
        argument = loader.construct_mapping(node, deep=True)
    if name == "GetAtt" and isinstance(argument, str):
        argument = argument.split(".", 1)  # the short form alone may be a text
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": argument}


LongForm.add_multi_constructor("!", long_form)


def read(path: Path) -> Template:
    return yaml.load(path.read_text(encoding="utf-8"), LongForm)


def packages(template: Template) -> dict[str, str]:
    """The package of each function, by logical id, as a path below the template's folder."""
    resources = template["Resources"].items()
    return {
        name: one["Properties"]["CodeUri"] for name, one in resources if one["Type"] == "AWS::Serverless::Function"
    }


def bucket_name(account: Account, stack: str) -> str:
    return f"{stack}-packages-{account.id}-{account.region}"


def upload(account: Account, stack: str, template: Template, folder: Path) -> str:
    """Puts packages and template where CloudFormation finds them, and tells the template's address."""
    bucket = Bucket(account, bucket_name(account, stack))
    for name, path in packages(template).items():
        key = bucket.put("packages", (folder / path).read_bytes(), ".zip")
        template["Resources"][name]["Properties"]["CodeUri"] = {"Bucket": bucket.name, "Key": key}
    key = bucket.put("templates", json.dumps(template, ensure_ascii=False).encode(), ".json")
    return f"https://{bucket.name}.s3.{account.region}.{account.dns_suffix}/{key}"


class Bucket:
    """Objects under their own hashes: what is there already is not sent again."""

    def __init__(self, account: Account, name: str) -> None:
        self.s3, self.name = account.client("s3"), name
        # Anybody may have made a bucket of this name. AWS refuses each call if its owner is another account.
        self.is_ours: Mapping[str, str] = {"Bucket": name, "ExpectedBucketOwner": account.id}
        try:
            self.s3.head_bucket(**self.is_ours)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise Problems(f"the bucket {name} is not this account's, or may not be seen: {error}") from None
            self.make(account.region)

    def make(self, region: str) -> None:
        place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        self.s3.create_bucket(Bucket=self.name, **place)
        nobody = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
        self.s3.put_public_access_block(
            **self.is_ours, PublicAccessBlockConfiguration=dict.fromkeys(nobody, True)
        )

    def put(self, folder: str, content: bytes, ending: str) -> str:
        key = f"{folder}/{hashlib.sha256(content).hexdigest()}{ending}"
        try:
            self.s3.head_object(**self.is_ours, Key=key)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise
            self.s3.put_object(**self.is_ours, Key=key, Body=content)
        return key
