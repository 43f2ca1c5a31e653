"""Tells the whole stories of a local stack whose DynamoDB and S3 are moto: a second opinion on what AWS does.

The emulators are ours to choose, so the functions might lean on what only these do. moto was written by others for others.
The stack is pointed at it as any function is pointed at another server, by AWS_ENDPOINT_URL_*. Tables, bucket and seed set are
copied over from the stack's own emulators, which stand idle from then on.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from local_stack import local_stack
from moto.server import ThreadedMotoServer
from stories import tell

POINTED_AT_MOTO = ("AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_S3")

LEFT_OUT = {
    "story::a_signed_url_opens_one_object_and_nothing_else": "moto checks no signatures",
    "story::a_ticket_takes_the_announced_image_and_nothing_else": "moto takes every form",
    "story::photos_that_come_at_once_all_stay": "moto loses some of the appends that come to a list at once",
}


class Stores:
    """DynamoDB and S3 of one maker."""

    def __init__(self, dynamodb: str, s3: str, env: dict[str, str]) -> None:
        who = {
            "region_name": env["AWS_REGION"],
            "aws_access_key_id": env["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": env["AWS_SECRET_ACCESS_KEY"],
        }
        self.dynamodb = boto3.client("dynamodb", endpoint_url=dynamodb, **who)
        self.s3 = boto3.client("s3", endpoint_url=s3, **who)
        self.bucket = env["IMAGES_BUCKET"]

    def tables(self) -> list[str]:
        return self.dynamodb.list_tables()["TableNames"]

    def rows(self, table: str) -> list[dict[str, Any]]:
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=table)
        return [row for page in pages for row in page["Items"]]

    def keys(self) -> list[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]

    def sizes(self) -> dict[str, int]:
        """How much there is of everything."""
        return {table: len(self.rows(table)) for table in self.tables()} | {self.bucket: len(self.keys())}


def main() -> None:
    with moto() as address, local_stack({name: address for name in POINTED_AT_MOTO}) as stack:
        own = Stores(stack["dynamodb"], stack["s3"], stack["env"])
        theirs = Stores(address, address, stack["env"])
        copy(own, theirs)
        at_first = own.sizes()
        if theirs.sizes() != at_first:
            raise SystemExit(f"moto was not given everything: {theirs.sizes()}, not {at_first}")
        tell(stack["gateway"], LEFT_OUT)
        require_use_of_moto(at_first, own.sizes(), theirs.sizes())


@contextmanager
def moto() -> Iterator[str]:
    """moto on a free port, in a thread of this process."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # else a line for every request
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def copy(source: Stores, target: Stores) -> None:
    for table in source.tables():
        copy_table(source, target, table)
    target.s3.create_bucket(Bucket=target.bucket)
    for key in source.keys():
        found = source.s3.get_object(Bucket=source.bucket, Key=key)
        headers = {name: found[name] for name in ("ContentType", "CacheControl") if name in found}
        target.s3.put_object(Bucket=target.bucket, Key=key, Body=found["Body"].read(), **headers)


def copy_table(source: Stores, target: Stores, table: str) -> None:
    made = source.dynamodb.describe_table(TableName=table)["Table"]
    definition = {name: made[name] for name in ("TableName", "KeySchema", "AttributeDefinitions")}
    if indexes := made.get("GlobalSecondaryIndexes"):
        parts = ("IndexName", "KeySchema", "Projection")
        definition["GlobalSecondaryIndexes"] = [{name: index[name] for name in parts} for index in indexes]
    target.dynamodb.create_table(BillingMode="PAY_PER_REQUEST", **definition)
    for row in source.rows(table):
        target.dynamodb.put_item(TableName=table, Item=row)


def require_use_of_moto(at_first: dict[str, int], own: dict[str, int], theirs: dict[str, int]) -> None:
    """The stories write everywhere: all of that must have come to moto, and nothing to the stack's own emulators."""
    unused = [name for name, size in theirs.items() if size <= at_first[name]]
    if unused or own != at_first:
        raise SystemExit(f"moto was passed by: nothing new in {unused}; the stack's own: {own}, at first {at_first}")
    print(f"moto was used: {theirs}, at first {at_first}")


if __name__ == "__main__":
    main()
