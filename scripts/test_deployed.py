"""Tells the whole stories of a stack that was deployed to AWS: make test-deployed STACK=<name>

WeChat takes no code of ours, so nobody can sign in here. Instead the sessions of invented users are put into the table of the
stack, and taken out again at the end. Their tasks and photos stay: use a stack that is there to be tried out.

Credentials and region are found as the AWS CLI finds them. They have to allow cloudformation:DescribeStacks,
cloudformation:DescribeStackResource, and dynamodb:PutItem and dynamodb:DeleteItem on the table of the sessions.
"""

import base64
import hashlib
import json
import os
import secrets
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from account import Deployed, outputs_of, parameters_now, told_in_sentences
from local_stack import ROOT
from stories import tell

USERS = 20  # more than all stories together ask for

LEFT_OUT = {"story::a_wechat_code_signs_in_once": "a code comes from a phone"}
LEFT_OUT_IN_PUBLIC = {"story::a_signed_url_opens_one_object_and_nothing_else": "the URLs of this stack are not signed"}

Row = dict[str, dict[str, Any]]


def main(stack: str) -> None:
    deployed = Deployed.of(os.environ | {"STACK": stack})
    in_public = parameters_now(deployed.stack)["ImageDelivery"] == "public"
    with sessions(deployed.account.client("dynamodb"), deployed.physical_name("SessionsTable")) as pairs:
        endpoint = outputs_of(deployed.stack)["ApiUrl"]
        tell(endpoint, LEFT_OUT | (LEFT_OUT_IN_PUBLIC if in_public else {}), pairs)


@contextmanager
def sessions(dynamodb: Any, table: str) -> Iterator[list[str]]:
    """The sessions of users who have nothing yet, as `<user id>:<session id>`."""
    rows = []
    try:
        pairs = []
        for _ in range(USERS):
            user_id, session_id = str(uuid.uuid4()), secrets.token_urlsafe(32)
            rows.append(session_row(user_id, session_id))
            dynamodb.put_item(TableName=table, Item=rows[-1])
            pairs.append(f"{user_id}:{session_id}")
        yield pairs
    finally:
        for row in rows:
            dynamodb.delete_item(TableName=table, Key={name: row[name] for name in ("user_id", "session_hash")})


def session_row(user_id: str, session_id: str) -> Row:
    """As the seed set has it, which is held to what the functions read."""
    now = int(time.time())
    times = {"$now_ms": str(now * 1000), "$now": str(now), "$in_15_days": str(now + 15 * 24 * 60 * 60)}
    seed = json.loads((ROOT / "events" / "seed.json").read_text())["rows"]["SessionsTable"][0]
    row = {name: {kind: times.get(value, value) for kind, value in field.items()} for name, field in seed.items()}
    session_hash = base64.urlsafe_b64encode(hashlib.sha256(session_id.encode()).digest()).rstrip(b"=").decode()
    return row | {
        "user_id": {"S": user_id},
        "session_hash": {"S": session_hash},
        "user_seed": {"B": secrets.token_bytes(32)},
    }


if __name__ == "__main__":
    with told_in_sentences("stopped; the sessions were taken out again"):
        main(sys.argv[1])
