"""Counts the addresses that several processes hand out for the same images, in each mode of delivery: make test-delivery

An address that differs between processes, or between two calls, is loaded again by a phone that has the picture. Here three processes
of the local stack stand for three execution environments of Lambda: the same images, the same configuration, credentials of their own.
The signatures of `cloudfront` delivery are held against others' work as well: botocore's signer puts the same address together, and
`cryptography` verifies it. So are the forms of tickets, against those of `generate_presigned_post`.
"""

import base64
import json
import sys
import time
import unittest
from collections import defaultdict
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any, NamedTuple
from unittest import mock
from urllib.parse import parse_qs, urlsplit

import botocore.session
import requests
from botocore.auth import S3SigV4PostAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from local_stack import ROOT, local_stack

PROCESSES = 3
KEY = ROOT / "local" / "emulators" / "src" / "cloudfront_key.pem"
KEY_PAIR_ID = "KLOCALSTACK"
HOST = "https://img.example.com"
# Of the seed set: an image, an avatar, and two of default images.
PATHS = (
    "/images/5eed0000000040008000000000000001.jpg",
    "/users/5e550000-0000-4000-8000-00000000a11c/avatar",
    "/images/nowhere.jpg",
    "/users/nobody/avatar",
)
ACCEPTED = ("*/*", "image/avif,image/webp,*/*;q=0.8", "image/png")


class Redirect(NamedTuple):
    process: int
    path: str
    location: str
    max_age: int
    asked_at: float

    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.location).query).items()}

    def end(self) -> float | None:
        """When the address ends, as it says itself."""
        query = self.query()
        if "Expires" in query:
            return float(query["Expires"])
        if "X-Amz-Date" in query:
            start = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            return start.timestamp() + float(query["X-Amz-Expires"])
        return None


def redirects(variables: Mapping[str, str]) -> list[Redirect]:
    """What each of the processes answers for each image, whatever the client accepts."""
    found = []
    with ExitStack() as running:
        for process in range(PROCESSES):
            own = {"AWS_SESSION_TOKEN": f"of-process-{process}"}
            gateway = running.enter_context(local_stack({**variables, **own}))["gateway"]
            for path in PATHS:
                for accept in ACCEPTED:
                    asked_at = time.time()
                    answer = requests.get(gateway + path, headers={"Accept": accept}, allow_redirects=False, timeout=10)
                    if answer.status_code != 302:
                        raise AssertionError(f"{path}: {answer.status_code}")
                    max_age = int(answer.headers["Cache-Control"].removeprefix("max-age="))
                    found.append(Redirect(process, path, answer.headers["Location"], max_age, asked_at))
    return found


class Delivery(unittest.TestCase):
    def addresses(self, found: list[Redirect]) -> dict[tuple[str, float | None], dict[str, set[int]]]:
        """For each image and window, the addresses and the processes that handed them out."""
        self.assertEqual(len(found), PROCESSES * len(PATHS) * len(ACCEPTED))
        addresses = defaultdict(lambda: defaultdict(set))
        for redirect in found:
            addresses[redirect.path, redirect.end()][redirect.location].add(redirect.process)
        return addresses

    def assert_one_for_all(self, found: list[Redirect]) -> None:
        for (path, _), by_address in self.addresses(found).items():
            self.assertEqual(len(by_address), 1, path)

    def assert_none_is_kept_beyond_its_end(self, found: list[Redirect]) -> None:
        for redirect in found:
            self.assertLess(redirect.asked_at + redirect.max_age, redirect.end(), redirect.path)

    def test_presigned_addresses_are_the_same_within_a_process(self) -> None:
        found = redirects({"IMAGE_DELIVERY": "presigned", "S3_PUBLIC_ENDPOINT": HOST})

        for (path, _), by_address in self.addresses(found).items():
            processes = [process for processes in by_address.values() for process in processes]
            self.assertEqual(len(processes), len(set(processes)), f"{path}: one process, several addresses")
            self.assertTrue(all(len(processes) == 1 for processes in by_address.values()), f"{path}: not their own credentials")
        self.assert_none_is_kept_beyond_its_end(found)

    def test_addresses_of_cloudfront_are_the_same_everywhere(self) -> None:
        found = redirects({"IMAGE_DELIVERY": "cloudfront", "IMAGE_BASE_URL": HOST})

        self.assert_one_for_all(found)
        self.assert_none_is_kept_beyond_its_end(found)
        for address in {redirect.location for redirect in found}:
            self.assert_signed(address)

    def test_public_addresses_are_the_same_everywhere_and_have_no_end(self) -> None:
        found = redirects({"IMAGE_DELIVERY": "public", "IMAGE_BASE_URL": HOST})

        self.assert_one_for_all(found)
        self.assertEqual({redirect.end() for redirect in found}, {None})

    def assert_signed(self, address: str) -> None:
        url, query = address.split("?")[0], parse_qs(urlsplit(address).query)
        end = datetime.fromtimestamp(int(query["Expires"][0]), UTC)
        key = load_pem_private_key(KEY.read_bytes(), password=None)
        signer = CloudFrontSigner(KEY_PAIR_ID, lambda policy: key.sign(policy, padding.PKCS1v15(), SHA256()))

        # botocore knows SHA-1 only, and leaves the signing to its caller; the name of the hash is put behind.
        self.assertEqual(address, signer.generate_presigned_url(url, date_less_than=end) + "&Hash-Algorithm=SHA256")
        signature = base64.b64decode(query["Signature"][0].translate(str.maketrans("-_~", "+=/")))
        policy = signer.build_policy(url, end).encode()
        key.public_key().verify(signature, policy, padding.PKCS1v15(), SHA256())


class Forms(unittest.TestCase):
    def test_a_tickets_form_is_the_one_that_botocore_makes_and_signs(self) -> None:
        with local_stack({"AWS_SESSION_TOKEN": "of-a-role"}) as stack:
            ticket = ticket_of(stack["gateway"], {"content_type": "image/webp", "bytes": 1234567})
        env, fields = stack["env"], ticket["fields"]
        keys = Credentials(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], "of-a-role")

        theirs = form_of_botocore(env, keys, ticket)

        self.assertEqual(ticket["url"], theirs["url"])
        self.assertEqual({name for name in fields}, {name for name in theirs["fields"]})
        for name in fields.keys() - {"policy", "x-amz-signature"}:
            self.assertEqual(fields[name], theirs["fields"][name], name)
        self.assertEqual(meaning(fields["policy"]), meaning(theirs["fields"]["policy"]))
        # The same policy may be written in several ways, and each has its signature.
        for form in (fields, theirs["fields"]):
            request = AWSRequest()
            request.context["timestamp"] = form["x-amz-date"]
            signature = S3SigV4PostAuth(keys, "s3", env["AWS_REGION"]).signature(form["policy"], request)
            self.assertEqual(form["x-amz-signature"], signature)


def ticket_of(gateway: str, photo: Mapping[str, Any]) -> dict[str, Any]:
    signed_in = requests.post(f"{gateway}/session", json={"code": "dev-alice-1"}, timeout=10).json()
    session = {"session-id": signed_in["session_id"], "user-id": signed_in["user_id"]}
    task = requests.post(f"{gateway}/tasks", headers=session, timeout=10).json()["task_id"]
    ticket = requests.post(f"{gateway}/tasks/{task}/uploads", json=photo, headers=session, timeout=10)
    if ticket.status_code != 201:
        raise AssertionError(ticket.text)
    return ticket.json()


def form_of_botocore(env: Mapping[str, str], keys: Credentials, ticket: Mapping[str, Any]) -> dict[str, Any]:
    """The form that is made with the same keys, at the same moment, for the same object."""
    fields = {name: ticket["fields"][name] for name in ("Content-Type", "success_action_status")}
    client = botocore.session.get_session().create_client(
        "s3",
        region_name=env["AWS_REGION"],
        endpoint_url=env["AWS_ENDPOINT_URL_S3"],
        aws_access_key_id=keys.access_key,
        aws_secret_access_key=keys.secret_key,
        aws_session_token=keys.token,
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
    now = datetime.strptime(ticket["fields"]["x-amz-date"], "%Y%m%dT%H%M%SZ")
    with mock.patch("botocore.auth.get_current_datetime", lambda: now), mock.patch(
        "botocore.signers.get_current_datetime", lambda: now
    ):
        return client.generate_presigned_post(
            env["IMAGES_BUCKET"],
            ticket["fields"]["key"],
            Fields=fields,
            Conditions=[*({name: value} for name, value in fields.items()), ["content-length-range", 1, 1234567]],
            ExpiresIn=600,
        )


def meaning(policy: str) -> tuple[str, list[str]]:
    """The end and the conditions of a policy, whose order and spelling say nothing: `{"key": …}` is `["eq", "$key", …]`."""
    document = json.loads(base64.b64decode(policy))
    conditions = [
        ["eq", *(word for name, value in condition.items() for word in (f"${name}", value))]
        if isinstance(condition, dict)
        else condition
        for condition in document["conditions"]
    ]
    return document["expiration"], sorted(map(json.dumps, conditions))


if __name__ == "__main__":
    result = unittest.main(exit=False, verbosity=1).result
    failed = len(result.failures) + len(result.errors)
    print(f"test-delivery: {result.testsRun - failed} passed, {failed} failed")
    sys.exit(failed > 0)
