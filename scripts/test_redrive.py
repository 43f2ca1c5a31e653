"""Sends again what Lambda gave up on, by the real functions: make test-redrive

CloudFormation, SQS and S3 are moto; the functions, and the tables, are those of a local stack that delivers nothing by itself. The
functions have a second door to the same S3, so that it can be shut for them alone.
"""

import json
import logging
import signal
import socket
import subprocess
import sys
import unittest
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

import boto3
import packaged
import requests
from local_stack import ROOT, local_stack
from moto.server import DomainDispatcherApplication, MotoRequestHandler, ThreadedMotoServer, create_backend_app
from ports import free_ports
from werkzeug.serving import make_server

STACK = "mini-functions"
REGION = "eu-central-1"
KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
PHOTO = ROOT / "events" / "photos" / "coffee.jpg"
ROLE = "arn:aws:iam::123456789012:role/of-a-function"
MANY_SECONDS = 60

# As AWS documents it (https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html), and as the local stack writes
# it, which a test of the gateway holds.
RECORD_KEY = (
    "aws/lambda/f89f8514-cdd9-4602-9e1f-01a5b77d449b/shardId-00000001573689847184-864758bb"
    "/2019/11/14/2019-11-14T00.13.49-6d33b7f5-5a0f-4b1c-9a39-5f6f2f6c0c57"
)
RECORD = json.loads((ROOT / "local" / "gateway" / "src" / "deliveries" / "given_up.json").read_text())


def small_template(bucket: str) -> dict[str, Any]:
    """Of our own template, under its names, what there is to be found; functions are called as the local stack calls them."""
    resources = packaged.read(ROOT / "template.yaml")["Resources"]
    functions = {
        name: {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "FunctionName": Path(resource["Properties"]["CodeUri"]).stem,
                "Runtime": "provided.al2023",
                "Handler": "bootstrap",
                "Role": ROLE,
                "Code": {"ZipFile": "not run: events go to the local stack"},
            },
        }
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    queues = {name: {"Type": one["Type"]} for name, one in resources.items() if one["Type"] == "AWS::SQS::Queue"}
    buckets = {
        name: {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": bucket}}
        for name, resource in resources.items()
        if resource["Type"] == "AWS::S3::Bucket"
    }
    return {"Resources": functions | queues | buckets}


class SecondDoor:
    """Another server over what moto has in this process, which can fail as S3 does."""

    def __init__(self) -> None:
        self.is_shut = False
        self.moto = DomainDispatcherApplication(create_backend_app)
        self.server = make_server("127.0.0.1", 0, self.answer, threaded=True, request_handler=MotoRequestHandler)
        self.address = f"http://127.0.0.1:{self.server.port}"
        Thread(target=self.server.serve_forever).start()

    def answer(self, environment: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if self.is_shut:
            start("503 Slow Down", [])
            return []
        return self.moto(environment, start)

    def stop(self) -> None:
        self.server.shutdown()


class Done(NamedTuple):
    """What make redrive said."""

    code: int
    lines: list[str]
    complaint: str


class Redrive(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for each request
        cls.moto = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        cls.moto.start()
        cls.addClassCleanup(cls.moto.stop)
        cls.s3_of_functions = SecondDoor()
        cls.addClassCleanup(cls.s3_of_functions.stop)
        variables = {"AWS_ENDPOINT_URL_S3": cls.s3_of_functions.address, "LOCAL_DELIVERIES": "0"}
        cls.stack = cls.enterClassContext(local_stack(variables))
        host, port = cls.moto.get_host_and_port()
        cls.address = f"http://{host}:{port}"

    def setUp(self) -> None:
        urlopen(Request(f"{self.address}/moto-api/reset", method="POST")).close()
        policy = json.dumps({"Version": "2012-10-17", "Statement": []})
        self.client("iam").create_role(RoleName="of-a-function", AssumeRolePolicyDocument=policy)
        self.bucket = self.stack["env"]["IMAGES_BUCKET"]
        self.client("cloudformation").create_stack(
            StackName=STACK, TemplateBody=json.dumps(small_template(self.bucket))
        )
        self.s3, self.sqs = self.client("s3"), self.client("sqs")
        self.queue = self.queue_of("IngestDeadLetters", REGION)
        self.alice = Alice(self.stack)

    def queue_of(self, name: str, region: str) -> str:
        (queue,) = (one for one in self.client("sqs", region).list_queues()["QueueUrls"] if f"-{name}-" in one)
        return queue

    def client(self, service: str, region: str = REGION) -> Any:
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.address,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

    # ------------------------------------------------------------ tools of the tests

    def environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Nothing of the caller's, who may have keys of a real account."""
        return {
            "HOME": "/nowhere",
            "PATH": "/usr/bin:/bin",
            "AWS_ENDPOINT_URL": self.address,
            "AWS_ENDPOINT_URL_LAMBDA": self.stack["lambda"],
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_REGION": REGION,
            "PYTHONDONTWRITEBYTECODE": "1",
            **KEYS,
            **variables,
        }

    def start(self, variables: Mapping[str, str] = {}) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "scripts/redrive.py"],
            cwd=ROOT,
            env=self.environment(variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def redrive(self, variables: Mapping[str, str] = {}) -> Done:
        with self.start(variables) as process:
            out, err = process.communicate(timeout=MANY_SECONDS)
        self.assertNotIn(self.alice.user_id, out + err)
        return Done(process.returncode, out.splitlines(), err)

    def give_up_on_event(self, body: str) -> str:
        return self.sqs.send_message(QueueUrl=self.queue, MessageBody=body)["MessageId"]

    def give_up_on_records(self, payload: Any, key: str = RECORD_KEY) -> str:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=json.dumps(RECORD | {"payload": payload}))
        return key

    def given_up_photo(self) -> tuple[str, str]:
        """The name of a photo that was sent with a ticket, and the message that tells of it."""
        ticket = self.alice.ticket()
        sent = requests.post(ticket["url"], data=ticket["fields"], files={"file": PHOTO.read_bytes()}, timeout=10)
        self.assertEqual(sent.status_code, 201, sent.text)
        return ticket["name"], self.give_up_on_event(self.event_of(ticket["fields"]["key"]))

    def event_of(self, key: str) -> str:
        event = json.loads((ROOT / "events" / "image-ingest" / "incoming.json").read_text())
        there = event["Records"][0]["s3"]
        there["bucket"]["name"] = self.bucket
        there["object"]["key"] = key
        there["object"]["eTag"] = self.s3.head_object(Bucket=self.bucket, Key=key)["ETag"].strip('"')
        event["Records"][0]["eventTime"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        return json.dumps(event)

    def given_up_removal(self) -> tuple[str, str]:
        """The folder of an image that was removed, and the object that tells of it."""
        name = self.alice.upload()
        before = self.alice.row(name)
        self.alice.remove(name)
        after = self.alice.row(name)
        record = {
            "eventID": uuid.uuid4().hex,
            "eventName": "MODIFY",
            "dynamodb": {
                "ApproximateCreationDateTime": int(datetime.now(UTC).timestamp()),
                "Keys": {"stem": before["stem"]},
                "OldImage": before,
                "NewImage": after,
                "SequenceNumber": "800000000003126276362",
            },
        }
        folder = before["object_key"]["S"].removesuffix("original.jpg")
        self.assertNotEqual(self.keys(folder), [])
        return folder, self.give_up_on_records(json.dumps({"Records": [record]}))

    def keys(self, prefix: str) -> list[str]:
        found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [one["Key"] for one in found.get("Contents", [])]

    def messages(self) -> int:
        """All of them, whoever holds them."""
        asked = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        counts = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=asked)["Attributes"]
        return sum(map(int, counts.values()))

    # ------------------------------------------------------------ done

    def test_a_photo_whose_event_was_given_up_becomes_an_image(self) -> None:
        name, message = self.given_up_photo()
        self.assertEqual(self.alice.state(name), "pending")

        done = self.redrive()

        self.assertEqual(done, Done(0, [f"{message}: done", "1 done, 0 dropped, 0 left"], ""))
        self.assertEqual((self.alice.state(name), self.messages()), ("ready", 0))

    def test_the_objects_of_a_removed_image_go_and_the_record_that_told_of_it(self) -> None:
        folder, key = self.given_up_removal()

        done = self.redrive()

        self.assertEqual(done, Done(0, [f"{key}: done", "1 done, 0 dropped, 0 left"], ""))
        self.assertEqual((self.keys(folder), self.keys("aws/lambda/")), ([], []))

    def test_where_nothing_is_left_to_do_nothing_is_done(self) -> None:
        self.given_up_photo()
        self.given_up_removal()
        self.redrive()

        self.assertEqual(self.redrive(), Done(0, ["0 done, 0 dropped, 0 left"], ""))

    def test_records_and_events_are_as_many_as_they_are(self) -> None:
        for number in range(1001):  # a page of S3 has 1000
            self.give_up_on_records('{"Records": []}', f"{RECORD_KEY}-{number}")
        for _ in range(11):  # an answer of SQS has 10
            self.give_up_on_event('{"Records": []}')

        done = self.redrive()

        self.assertEqual((done.code, done.lines[-1]), (0, "1012 done, 0 dropped, 0 left"))
        self.assertEqual((self.keys("aws/lambda/"), self.messages()), ([], 0))

    # ------------------------------------------------------------ in China

    def given_a_stack_in_china(self) -> tuple[str, str]:
        """The queue of its sweep, and the stream of a table with two changes: a removal and one that is not asked for."""
        name = self.alice.upload()
        before = self.alice.row(name)
        self.alice.remove(name)
        after = self.alice.row(name)
        self.folder = before["object_key"]["S"].removesuffix("original.jpg")
        region = "cn-north-1"
        self.client("iam", region).create_role(RoleName="of-a-function", AssumeRolePolicyDocument='{"Version":"2012-10-17"}')
        template = small_template(f"{self.bucket}-china")
        for one in template["Resources"].values():
            if "Role" in one.get("Properties", {}):
                one["Properties"]["Role"] = ROLE.replace("arn:aws:", "arn:aws-cn:")
        self.client("cloudformation", region).create_stack(StackName=STACK, TemplateBody=json.dumps(template))
        tables = self.client("dynamodb", region)
        made = tables.create_table(
            TableName="images",
            AttributeDefinitions=[{"AttributeName": "stem", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "stem", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
        for row in (before, after, before):
            tables.put_item(TableName="images", Item=row)
        return self.queue_of("SweepDeadLetters", region), made["TableDescription"]["LatestStreamArn"]

    def give_up_on_place(self, queue: str, stream: str, number: int) -> str:
        """What Lambda writes of one record (https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html)."""
        streams = self.client("dynamodbstreams", "cn-north-1")
        (shard,) = streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]
        start = {"StreamArn": stream, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        records = streams.get_records(ShardIterator=streams.get_shard_iterator(**start)["ShardIterator"])["Records"]
        place = {
            "shardId": shard["ShardId"],
            "startSequenceNumber": records[number]["dynamodb"]["SequenceNumber"],
            "endSequenceNumber": records[number]["dynamodb"]["SequenceNumber"],
            "batchSize": 1,
            "streamArn": stream,
        }
        body = json.dumps({"requestContext": {"condition": "RetryAttemptsExhausted"}, "DDBStreamBatchInfo": place})
        return self.client("sqs", "cn-north-1").send_message(QueueUrl=queue, MessageBody=body)["MessageId"]

    def test_in_china_the_record_is_read_again_from_its_place_in_the_stream(self) -> None:
        queue, stream = self.given_a_stack_in_china()
        message = self.give_up_on_place(queue, stream, 1)
        self.assertNotEqual(self.keys(self.folder), [])

        done = self.redrive({"AWS_REGION": "cn-north-1"})

        self.assertEqual(done, Done(0, [f"{message}: done", "1 done, 0 dropped, 0 left"], ""))
        self.assertEqual(self.keys(self.folder), [])

    def test_in_china_a_place_that_the_stream_has_forgotten_is_told_and_can_be_dropped(self) -> None:
        queue, stream = self.given_a_stack_in_china()
        message = self.give_up_on_place(queue, stream, 1)
        self.client("dynamodb", "cn-north-1").delete_table(TableName="images")

        left = f"{message}: left (no longer in the stream, which keeps records for a day)"
        self.assertEqual(self.redrive({"AWS_REGION": "cn-north-1"}).lines, [left, "0 done, 0 dropped, 1 left"])
        self.assertEqual(self.redrive({"AWS_REGION": "cn-north-1", "DROP": message}).code, 0)

    # ------------------------------------------------------------ left

    def test_what_can_never_succeed_stays_and_holds_up_nothing_else(self) -> None:
        no_event = [self.give_up_on_event(body) for body in ("no JSON", '{"Records": "none"}')]
        no_records = {
            self.give_up_on_records('{"Records": "none"}', "aws/lambda/a"): "the function failed, InvalidEventDataError",
            self.give_up_on_records({"Records": []}, "aws/lambda/b"): "not written by Lambda",
        }
        self.s3.put_object(Bucket=self.bucket, Key="aws/lambda/c", Body="no JSON")
        no_records["aws/lambda/c"] = "not written by Lambda"
        folder, key = self.given_up_removal()
        name, message = self.given_up_photo()

        done = self.redrive()

        self.assertEqual((done.code, done.complaint), (1, ""))
        self.assertEqual(
            sorted(done.lines),
            sorted(
                [
                    f"{no_event[0]}: left (not JSON)",
                    f"{no_event[1]}: left (the function failed, InvalidEventDataError)",
                    *(f"{left}: left ({reason})" for left, reason in no_records.items()),
                    f"{key}: done",
                    f"{message}: done",
                    "2 done, 0 dropped, 5 left",
                ]
            ),
        )
        self.assertEqual((self.alice.state(name), self.keys(folder)), ("ready", []))
        self.assertEqual((self.messages(), self.keys("aws/lambda/")), (2, list(no_records)))
        self.assertEqual(self.redrive().lines[-1], "0 done, 0 dropped, 5 left", "they are there again at once")

    def test_while_s3_fails_nothing_is_deleted_and_afterwards_all_is_done(self) -> None:
        folder, key = self.given_up_removal()
        name, message = self.given_up_photo()
        self.s3_of_functions.is_shut = True
        self.addCleanup(setattr, self.s3_of_functions, "is_shut", False)

        done = self.redrive()

        self.assertEqual((done.code, done.lines[-1]), (1, "0 done, 0 dropped, 2 left"))
        self.assertIn(f"{key}: left (the function has not done all of it)", done.lines)
        self.assertIn(f"{message}: left (the function failed, busy)", done.lines)
        self.assertEqual((self.keys("aws/lambda/"), self.messages()), ([key], 1))

        self.s3_of_functions.is_shut = False
        self.assertEqual(self.redrive().lines[-1], "2 done, 0 dropped, 0 left")
        self.assertEqual((self.alice.state(name), self.keys(folder)), ("ready", []))

    def test_a_message_that_is_not_wanted_goes_if_it_fails_again(self) -> None:
        unwanted, other = self.give_up_on_event("no JSON"), self.give_up_on_event("nor this")

        done = self.redrive({"DROP": unwanted})

        self.assertEqual((done.code, done.lines[-1]), (1, "0 done, 1 dropped, 1 left"))
        self.assertIn(f"{unwanted}: dropped (not JSON)", done.lines)
        self.assertIn(f"{other}: left (not JSON)", done.lines)
        self.assertEqual(self.messages(), 1)

    def test_a_message_that_is_not_wanted_is_done_if_that_is_possible(self) -> None:
        name, message = self.given_up_photo()

        self.assertEqual(self.redrive({"DROP": message}).lines[-1], "1 done, 0 dropped, 0 left")
        self.assertEqual(self.alice.state(name), "ready")

    # ------------------------------------------------------------ not carried out

    def test_one_that_is_stopped_leaves_all_to_the_next(self) -> None:
        name, _ = self.given_up_photo()
        with socket.create_server(("127.0.0.1", 0)) as function_that_never_ends:
            function_that_never_ends.settimeout(MANY_SECONDS)
            port = function_that_never_ends.getsockname()[1]
            with self.start({"AWS_ENDPOINT_URL_LAMBDA": f"http://127.0.0.1:{port}"}) as process:
                connection, _ = function_that_never_ends.accept()
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=MANY_SECONDS)
                connection.close()

        self.assertEqual((process.returncode, out), (1, ""))
        self.assertEqual(err, "\nstopped; what is not done yet is where it was\n")
        self.assertEqual(self.redrive().lines[-1], "1 done, 0 dropped, 0 left")
        self.assertEqual(self.alice.state(name), "ready")

    def test_functions_that_cannot_be_reached_leave_all_where_it_is(self) -> None:
        _, message = self.given_up_photo()
        nobody, _ = free_ports()
        unreachable = {"AWS_ENDPOINT_URL_LAMBDA": f"http://127.0.0.1:{nobody}", "AWS_MAX_ATTEMPTS": "1"}

        done = self.redrive(unreachable | {"DROP": message})

        self.assertEqual((done.code, done.lines, self.messages()), (1, [], 1))
        self.assertIn("AWS does not answer: Could not connect to the endpoint URL", done.complaint)
        self.assertEqual(self.redrive().lines, [f"{message}: done", "1 done, 0 dropped, 0 left"])

    def test_it_has_to_be_called_for_a_stack_that_is_there(self) -> None:
        for variables, sentence in (
            ({"STACK": "another"}, "there is no stack another in account 123456789012, region eu-central-1"),
            ({"STACK": "1st", "REGION": "home"}, "STACK must begin with a letter"),
            ({"AWS_REGION": ""}, "no region: REGION="),
            ({name: "" for name in KEYS}, "no AWS credentials: "),
        ):
            with self.subTest(sentence):
                done = self.redrive(variables)
                self.assertEqual((done.code, done.lines), (2, []))
                self.assertIn(sentence, done.complaint)


class Alice:
    """A user of the local stack with one task."""

    def __init__(self, stack: Mapping[str, Any]) -> None:
        env = stack["env"]
        self.rows = boto3.client(
            "dynamodb",
            region_name=env["AWS_REGION"],
            endpoint_url=stack["dynamodb"],
            aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
        )
        self.table = env["IMAGES_TABLE"]
        self.gateway = stack["gateway"]
        self.session = {}
        signed_in = self.ask("POST", "/session", 201, json={"code": f"dev-alice-{uuid.uuid4().hex}"})
        self.user_id = signed_in["user_id"]
        self.session = {"session-id": signed_in["session_id"], "user-id": self.user_id}
        self.task = "/tasks/" + self.ask("POST", "/tasks", 201)["task_id"]

    def ask(self, method: str, path: str, status: int, **body: Any) -> Any:
        answer = requests.request(method, self.gateway + path, headers=self.session, timeout=10, **body)
        if answer.status_code != status:
            raise AssertionError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else None

    def ticket(self) -> dict[str, Any]:
        photo = {"content_type": "image/jpeg", "bytes": PHOTO.stat().st_size}
        return self.ask("POST", f"{self.task}/uploads", 201, json=photo)

    def upload(self) -> str:
        return self.ask("POST", f"{self.task}/images", 201, files={"image": PHOTO.read_bytes()})["name"]

    def remove(self, name: str) -> None:
        self.ask("DELETE", f"{self.task}/images/{name}", 204)

    def state(self, name: str) -> str:
        (image,) = (image for image in self.ask("GET", self.task, 200)["images"] if image["name"] == name)
        return image["state"]

    def row(self, name: str) -> dict[str, Any]:
        stem = name.partition(".")[0]
        return self.rows.get_item(TableName=self.table, Key={"stem": {"S": stem}}, ConsistentRead=True)["Item"]


if __name__ == "__main__":
    result = unittest.main(exit=False, verbosity=1).result
    failed = len(result.failures) + len(result.errors)
    print(f"test-redrive: {result.testsRun - failed} passed, {failed} failed")
    sys.exit(failed > 0)
