"""The template as CloudFormation gets it: the functions' packages and the text itself lie in a bucket of the deployer's own.

The bucket is made by the first deployment and keeps everything: an update that goes back needs the packages from before.

`python scripts/packaged.py REGION` prints what is sent to that region, for cfn-lint (make validate).
"""

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from account import CHINA, Account, Problems, partition_of
from botocore.exceptions import ClientError

Template = dict[str, Any]

# What is so in China, whatever the parameters say. CloudFormation refuses types that it does not know there (OriginAccessControl)
# behind a condition, too, by some reports, so everything that goes with CloudFront is left out (docs/china.md).
SO_IN_CHINA = {
    "InChina": True,
    "HasCloudFront": False,
    "ShowsByCloudFront": False,
    "StandsBy": False,
    "SignsForCloudFront": False,
    "SignsWithA": False,
    "SignsWithB": False,
    "HasImageKeyA": False,
    "HasImageKeyB": False,
    "HasImageDomain": False,
    # X-Ray, metrics of event sources and AsyncEventAge are not offered there, and rest on it.
    "HasFullMonitoring": False,
    "HasBasicMonitoring": True,
}
ALLOWED_IN_CHINA = {"CloudFront": ["off"], "ImageDelivery": ["presigned", "public"], "Monitoring": ["basic"]}
NOTHING = {"Ref": "AWS::NoValue"}
GONE = object()


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


def for_region(template: Template, region: str) -> Template:
    """The template as that region's CloudFormation can take it."""
    if partition_of(region) != CHINA:
        return template
    decided = {name: part for name, part in template.items() if name not in ("Conditions", "Resources", "Outputs")}
    for name, allowed in ALLOWED_IN_CHINA.items():
        decided["Parameters"][name] = template["Parameters"][name] | {"AllowedValues": allowed}
    conditions = template["Conditions"].items()
    decided["Conditions"] = {name: condition for name, condition in conditions if name not in SO_IN_CHINA}
    decided["Globals"] = decide(template.get("Globals", {}))
    for section in ("Resources", "Outputs"):
        there = {name: one for name, one in template[section].items() if SO_IN_CHINA.get(one.get("Condition"), True)}
        decided[section] = {name: decide(one) for name, one in there.items()}
    for one in (*decided["Resources"].values(), *decided["Outputs"].values()):
        if one.get("Condition") in SO_IN_CHINA:
            del one["Condition"]
    return decided


def decide(part: Any) -> Any:
    """A part of the template in which nothing depends any more on what is so in China; `GONE` where it has no value then."""
    match part:
        case {"Fn::If": [condition, then, otherwise]} if condition in SO_IN_CHINA:
            chosen = then if SO_IN_CHINA[condition] else otherwise
            return GONE if chosen == NOTHING else decide(chosen)
        case dict():
            decided = {name: decide(one) for name, one in part.items()}
            return {name: one for name, one in decided.items() if one is not GONE}
        case list():
            return [one for one in map(decide, part) if one is not GONE]
        case _:
            return part


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


if __name__ == "__main__":
    (region,) = sys.argv[1:]
    print(json.dumps(for_region(read(Path(__file__).parent.parent / "template.yaml"), region), indent=1, ensure_ascii=False))
