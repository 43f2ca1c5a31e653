"""Deploys to moto instead of AWS: make test-deploy

The scripts run as they are, in a project whose template has our parameters and few resources, since moto makes few kinds of them.
`make`, `cargo` and `rustc` are programs of this test, which write down how they were called. What the build and AWS themselves do
is not tried here.
"""

import json
import logging
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
import warnings
from collections.abc import Mapping
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.request import Request, urlopen

import boto3
import packaged
from botocore.loaders import Loader
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from local_stack import ROOT
from moto.cloudformation.models import ChangeSet, Stack, cloudformation_backends
from moto.core import DEFAULT_ACCOUNT_ID
from moto.server import ThreadedMotoServer
from preflight import GOING_TO_BE_MADE, UPDATABLE, WAYS_ON

STACK = "mini-functions"
APP_ID = "wx0123456789abcdef"
DEFAULT_IMAGES = ("avatar", "in-preparation", "missing", "not-available")
SECRET = "5ecre7-of-the-mini-program"
REGION = "eu-central-1"
# Nobody waits so long but a script that hangs.
MANY_SECONDS = 300

# The part of the stack that is dealt with here. The secrets are made by `setUp` below: moto's CloudFormation makes none.
SMALL_TEMPLATE = {
    "Parameters": packaged.read(ROOT / "template.yaml")["Parameters"],
    "Conditions": {
        place: {"Fn::Not": [{"Fn::Equals": [{"Ref": f"ImageKey{place}"}, ""]}]} for place in "AB"
    },
    "Resources": {
        "ImagesBucket": {
            "Type": "AWS::S3::Bucket",
            "Properties": {"BucketName": {"Fn::Sub": "${AWS::StackName}-images-${AWS::AccountId}-${AWS::Region}"}},
        },
        "TasksFunction": {
            "Type": "AWS::Serverless::Function",
            "Properties": {"CodeUri": "target/lambda/tasks.zip"},
        },
    },
    "Outputs": {
        "ApiUrl": {"Value": "https://api.example.com"},
        "RequestDomain": {"Value": "https://api.example.com"},
        "UploadFileDomain": {"Value": "https://api.example.com;https://bucket.example.com"},
        "DownloadFileDomain": {"Value": "https://api.example.com;https://img.example.com"},
        "ApiDomainTarget": {"Value": "d-1.execute-api.example.com"},
        "ImagesBucketName": {"Value": {"Ref": "ImagesBucket"}},
        "WeChatSecretArn": {"Value": "wechat"},
        "ImageKeyASecretArn": {"Condition": "A", "Value": "key-a"},
        "ImageKeyBSecretArn": {"Condition": "B", "Value": "key-b"},
    },
}
# What the scripts read of the project beside the template.
PROJECT = ("scripts/*.py", "events/seed.json", "shared/images/defaults/*.png")

WRITE_DOWN = """\
import json, os, sys
with open(os.environ["CALLS"], "a") as calls:
    print(json.dumps([os.path.basename(sys.argv[0]), *sys.argv[1:]]), file=calls)
"""
MAKE = """\
sys.exit(2 if os.environ.get("FAILING_TARGET") in sys.argv else 0)
"""
RUSTC = """\
print("/" if sys.argv[-1] in os.environ["RUST_TARGETS"] else "/no/such/target")
"""
# In every Python that it finds, written as IAM writes actions.
WRITE_DOWN_CALLS_OF_AWS = """\
import os
import botocore.client
send = botocore.client.BaseClient._make_api_call
def written_down(self, operation, arguments):
    with open(os.environ["AWS_CALLS"], "a") as calls:
        print(f"{self.meta.service_model.signing_name}:{operation}", file=calls)
    return send(self, operation, arguments)
botocore.client.BaseClient._make_api_call = written_down
"""
# Those of S3 that IAM calls by another name.
ACTIONS = {
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
}
PROGRAMS = {"make": MAKE, "rustc": RUSTC, "cargo": ""}
WITH_KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
AGREED = {"YES": "1", "PARAMETERS": f"WeChatAppId={APP_ID}"}
# Of a new stack, at a terminal: nobody is told of alarms, and no other parameter is changed.
NO_OTHERS = {"AlarmEmail: ": "", "Enter goes on): ": ""}
CHANGES = "Carry out these changes? [y/N]: "


def carried_out(change_set: ChangeSet) -> None:
    """In the place of moto's own, which forgets template, parameters and outputs."""
    stack = change_set.stack
    if change_set.change_set_type == "UPDATE":
        stack.update(change_set.template, parameters=change_set.parameters)
        return
    stack.template, stack.parameters = change_set.template, change_set.parameters
    stack._parse_template()
    stack.resource_map = stack._create_resource_map()
    stack.output_map = stack._create_output_map()
    stack.create_resources()


ChangeSet.apply = carried_out
# Without what it could not make, in the place of a failure.
Stack.stack_resources = property(lambda stack: [one for one in stack.resource_map.values() if one])


class LimitsOfLambda(BaseHTTPRequestHandler):
    """What moto does not know of Lambda."""

    unreserved = 1000

    def do_POST(self) -> None:
        """STS of a partition that does not know the keys, which moto's always does."""
        error = "<Code>InvalidClientTokenId</Code><Message>The security token included in the request is invalid</Message>"
        body = f"<ErrorResponse><Error>{error}</Error></ErrorResponse>".encode()
        self.send_response(403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        limits = {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": self.unreserved}
        body = json.dumps({"AccountLimit": limits}).encode()
        self.send_response(200 if self.path.rstrip("/") == "/2016-08-19/account-settings" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Not a line for each request."""


class Deployment(unittest.TestCase):
    moto: ThreadedMotoServer
    limits: ThreadingHTTPServer

    @classmethod
    def setUpClass(cls) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for each request
        # It says of each function that it makes none.
        logging.getLogger("moto").setLevel(logging.ERROR)
        warnings.filterwarnings("ignore", "Tried to parse AWS::Serverless::Function")
        cls.moto = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        cls.moto.start()
        host, port = cls.moto.get_host_and_port()
        cls.address = f"http://{host}:{port}"
        cls.limits = ThreadingHTTPServer(("127.0.0.1", 0), LimitsOfLambda)
        Thread(target=cls.limits.serve_forever).start()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.moto.stop()
        cls.limits.shutdown()
        cls.limits.server_close()

    def setUp(self) -> None:
        urlopen(Request(f"{self.address}/moto-api/reset", method="POST")).close()
        LimitsOfLambda.unreserved = 1000
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        for name, program in PROGRAMS.items():
            path = self.folder / name
            path.write_text(f"#!{sys.executable}\n{WRITE_DOWN}{program}")
            path.chmod(0o755)
        self.project = self.folder / "project"
        for pattern in PROJECT:
            for file in ROOT.glob(pattern):
                copy = self.project / file.relative_to(ROOT)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, copy)
        self.given_a_template({})
        self.given_a_package(b"the first build")
        for name in ("wechat", "key-a", "key-b"):
            self.client("secretsmanager").create_secret(Name=name)

    # ------------------------------------------------------------ tools of the tests

    def given_a_template(self, defaults: Mapping[str, Any], resources: Mapping[str, Any] | None = None) -> None:
        """The small one, with other defaults of some parameters and more resources."""
        parameters = {
            name: rules | ({"Default": defaults[name]} if name in defaults else {})
            for name, rules in SMALL_TEMPLATE["Parameters"].items()
        }
        template = SMALL_TEMPLATE | {"Parameters": parameters}
        template["Resources"] = SMALL_TEMPLATE["Resources"] | dict(resources or {})
        (self.project / "template.yaml").write_text(json.dumps(template))

    def given_a_package(self, content: bytes) -> None:
        package = self.project / "target/lambda/tasks.zip"
        package.parent.mkdir(parents=True, exist_ok=True)
        package.write_bytes(content)

    def environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Nothing of the caller's, who may have keys of a real account."""
        return {
            "PATH": f"{self.folder}:/usr/bin:/bin",
            "HOME": str(self.folder),
            "CALLS": str(self.folder / "calls"),
            "RUST_TARGETS": "aarch64-unknown-linux-gnu",
            "AWS_ENDPOINT_URL": self.address,
            "AWS_ENDPOINT_URL_LAMBDA": f"http://127.0.0.1:{self.limits.server_port}",
            "AWS_EC2_METADATA_DISABLED": "true",
            "PYTHONDONTWRITEBYTECODE": "1",
            "AWS_REGION": REGION,
            **variables,
        }

    def deploy(self, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Without a terminal, as a CI job does."""
        return subprocess.run(
            [sys.executable, "scripts/deploy.py"],
            cwd=self.project,
            env=self.environment(variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=MANY_SECONDS,
            check=False,
        )

    def deploy_by_hand(self, variables: Mapping[str, str], answers: Mapping[str, str]) -> tuple[int, str]:
        """At a terminal: each answer is typed when its question has been shown. Returns exit code and screen."""
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(self.project)
            os.execve(sys.executable, [sys.executable, "scripts/deploy.py"], self.environment(variables))
        screen, shown_until = "", 0
        waiting = list(answers.items())
        while True:
            if not select.select([terminal], [], [], MANY_SECONDS)[0]:
                os.kill(child, signal.SIGKILL)  # it waits for an answer that nobody gives
            try:
                shown = os.read(terminal, 4096)
            except OSError:  # how Linux tells the end of a terminal
                break
            if not shown:
                break
            screen += shown.decode()
            while waiting and (at := screen.find(waiting[0][0], shown_until)) >= 0:
                shown_until = at + len(waiting[0][0])
                os.write(terminal, waiting.pop(0)[1].encode() + b"\n")
        os.close(terminal)
        _, status = os.waitpid(child, 0)
        self.assertEqual(waiting, [], f"never asked:\n{screen}")
        return os.waitstatus_to_exitcode(status), screen

    def calls(self) -> list[list[str]]:
        path = self.folder / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        return [call for call in map(json.loads, lines) if call[0] != "rustc"]

    def client(self, service: str, region: str = REGION) -> Any:
        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        return boto3.client(service, region_name=region, endpoint_url=self.address, **keys)

    def stack(self) -> dict[str, Any]:
        return self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]

    def output(self, name: str) -> str:
        return next(one["OutputValue"] for one in self.stack()["Outputs"] if one["OutputKey"] == name)

    def parameter(self, name: str) -> str:
        return next(one["ParameterValue"] for one in self.stack()["Parameters"] if one["ParameterKey"] == name)

    def secret(self, name: str = "wechat") -> str | None:
        secrets = self.client("secretsmanager")
        try:
            return secrets.get_secret_value(SecretId=name)["SecretString"]
        except secrets.exceptions.ResourceNotFoundException:
            return None

    def assert_refused(self, done: subprocess.CompletedProcess[str], *sentences: str) -> None:
        self.assertEqual((done.returncode, self.calls()), (2, []), done.stderr)
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), len(sentences), done.stderr)
        for line, sentence in zip(lines, sentences, strict=True):
            self.assertIn(sentence, line)

    # ------------------------------------------------------------ refused before anything is built

    def test_without_credentials_one_sentence_says_so_and_nothing_is_built(self) -> None:
        self.assert_refused(self.deploy(AGREED), "no AWS credentials: Unable to locate credentials")

    def test_a_profile_that_is_not_there_is_no_credentials(self) -> None:
        self.assert_refused(self.deploy(AGREED | {"AWS_PROFILE": "nobody"}), "no AWS credentials: ")

    def test_every_problem_is_told_at_once(self) -> None:
        parameters = "WeChatAppId=mine Colour=blue LogDays=2 MaxTaskImages=101 IngestConcurrency=00 word"
        variables = {"STACK": "1st", "REGION": "home", "PARAMETERS": parameters, "RUST_TARGETS": ""}
        (self.folder / "cargo").unlink()

        self.assert_refused(
            self.deploy(variables),
            "STACK must begin with a letter",
            "home is not the name of a region",
            "WeChatAppId is refused: the app id of a mini-program is wx and 16 lower-case characters",
            "the template has no parameter Colour",
            "LogDays must be one of: 1, 3,",
            "MaxTaskImages must be a whole number from 1 to 100",
            "IngestConcurrency must be a whole number from 0 to 1000",
            "but also: word",
            "cargo is not there: install Rust",
            "no AWS credentials",
            "rustup target add aarch64-unknown-linux-gnu",
            "YES=1",
        )

    def test_without_a_region_it_says_how_to_name_one(self) -> None:
        self.assert_refused(self.deploy(WITH_KEYS | AGREED | {"AWS_REGION": ""}), "no region: REGION=")

    def test_nobody_can_be_asked_for_what_is_missing_without_a_terminal(self) -> None:
        self.assert_refused(self.deploy(WITH_KEYS), "WeChatAppId is missing", "YES=1 agrees beforehand")

    def test_the_processor_has_to_be_one_that_rust_can_build_for(self) -> None:
        done = self.deploy(WITH_KEYS | AGREED | {"ARCH": "x86_64"})

        self.assert_refused(done, "rustup target add x86_64-unknown-linux-gnu")

    def test_an_account_that_lambda_lets_reserve_nothing_is_told_so(self) -> None:
        LimitsOfLambda.unreserved = 10

        self.assert_refused(
            self.deploy(WITH_KEYS | AGREED),
            "IngestConcurrency=10 cannot be reserved: 10 of this account's concurrent executions are free",
        )

        self.assertEqual(self.deploy_with("IngestConcurrency=0").returncode, 0)
        self.assertEqual(self.parameter("IngestConcurrency"), "0")

    def test_an_update_can_keep_what_is_reserved_or_reserve_less_and_no_more_than_there_is(self) -> None:
        self.assertEqual(self.deploy_with("IngestConcurrency=900").returncode, 0)
        LimitsOfLambda.unreserved = 100

        for kept in ("LogDays=7", "IngestConcurrency=899"):
            self.assertEqual(self.deploy_with(kept).returncode, 0, kept)
        LimitsOfLambda.unreserved = 101
        self.assertEqual(self.deploy_with("IngestConcurrency=900").returncode, 0)
        LimitsOfLambda.unreserved = 100

        self.assert_problem(self.deploy_with("IngestConcurrency=901"), "1000 of this account's concurrent executions are free")

    def test_what_is_typed_in_has_to_fit_the_account_as_well(self) -> None:
        answers = {"WeChatAppId: ": APP_ID, "AlarmEmail: ": "", "Enter goes on): ": "IngestConcurrency=901", "Enter goes on):": ""}

        code, screen = self.deploy_by_hand(WITH_KEYS, answers)

        self.assertEqual((code, self.calls()), (2, []), screen)
        self.assertIn("IngestConcurrency=901 cannot be reserved", screen)

    def deploy_with(self, parameter: str) -> subprocess.CompletedProcess[str]:
        return self.deploy(WITH_KEYS | {"YES": "1", "PARAMETERS": f"WeChatAppId={APP_ID} {parameter}"})

    def test_keys_of_another_partition_are_told_from_a_missing_region(self) -> None:
        for region, elsewhere in (("eu-central-1", "in China (REGION=cn-north-1"), ("cn-north-1", "outside China")):
            sts = {"AWS_ENDPOINT_URL_STS": f"http://127.0.0.1:{self.limits.server_port}/refused", "REGION": region}

            self.assert_refused(self.deploy(WITH_KEYS | AGREED | sts), f"are they of an account {elsewhere}")

    # ------------------------------------------------------------ a stack that cannot be updated

    def test_every_state_of_a_stack_is_known_with_the_way_on(self) -> None:
        api = Loader().load_service_model("cloudformation", "service-2")["shapes"]["StackStatus"]["enum"]
        waits = {state for state in api if state.endswith("_IN_PROGRESS")} - {GOING_TO_BE_MADE}

        known = {*UPDATABLE, *WAYS_ON, *waits, GOING_TO_BE_MADE, "DELETE_COMPLETE"}  # of which nobody is told by name

        self.assertEqual(known, set(api))

    def test_a_stack_in_a_bad_state_is_told_with_the_way_on_before_anything_is_built(self) -> None:
        self.deploy(WITH_KEYS | AGREED)
        (self.folder / "calls").unlink()

        for state, command in (
            ("ROLLBACK_COMPLETE", "aws cloudformation delete-stack --stack-name mini-functions --region eu-central-1"),
            ("ROLLBACK_FAILED", "aws cloudformation delete-stack"),
            ("CREATE_FAILED", "aws cloudformation delete-stack"),
            ("DELETE_FAILED", "aws cloudformation delete-stack"),
            ("UPDATE_FAILED", "aws cloudformation rollback-stack --stack-name mini-functions"),
            ("UPDATE_ROLLBACK_FAILED", "aws cloudformation continue-update-rollback --stack-name mini-functions"),
            ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "wait until that is over"),
            ("DELETE_IN_PROGRESS", "wait until that is over"),
        ):
            self.given_the_state(state)
            with self.subTest(state):
                done = self.deploy(WITH_KEYS | AGREED)
                self.assert_refused(done, f"stack mini-functions is {state}")
                self.assertIn(command, done.stderr)

    def test_a_stack_that_went_back_to_what_it_was_can_be_updated(self) -> None:
        self.deploy(WITH_KEYS | AGREED)
        self.given_the_state("UPDATE_ROLLBACK_COMPLETE")

        self.assertEqual(self.deploy_with("LogDays=7").returncode, 0)

    def given_the_state(self, state: str) -> None:
        (stack,) = cloudformation_backends[DEFAULT_ACCOUNT_ID][REGION].stacks.values()
        stack.status = state

    def test_a_bucket_that_an_earlier_stack_has_left_is_told_before_anything_is_built(self) -> None:
        bucket = f"{STACK}-images-{DEFAULT_ACCOUNT_ID}-{REGION}"
        self.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})

        self.assert_refused(self.deploy(WITH_KEYS | AGREED), f"the bucket {bucket} of an earlier stack is still there")

        self.assertEqual(self.deploy(WITH_KEYS | AGREED | {"STACK": "another"}).returncode, 0)

    # ------------------------------------------------------------ deployed

    def test_a_package_is_put_once_and_again_where_it_has_changed(self) -> None:
        bucket = f"{STACK}-packages-{DEFAULT_ACCOUNT_ID}-{REGION}"
        s3 = self.client("s3")
        for content in (b"the first build", b"the first build", b"the second build"):
            self.given_a_package(content)
            self.assertEqual(self.deploy(WITH_KEYS | AGREED).returncode, 0)
            code = self.client("cloudformation").get_template(StackName=STACK)["TemplateBody"]["Resources"][
                "TasksFunction"
            ]["Properties"]["CodeUri"]
            self.assertEqual(s3.get_object(**code)["Body"].read(), content)

        self.assertEqual(code["Bucket"], bucket)
        keys = [found["Key"] for found in s3.list_objects_v2(Bucket=bucket, Prefix="packages/")["Contents"]]
        self.assertEqual(len(keys), 2, keys)
        self.assertTrue(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]["RestrictPublicBuckets"])

    def test_a_stack_that_has_all_of_it_already_is_left_as_it_is(self) -> None:
        self.deploy(WITH_KEYS | AGREED)

        done = self.deploy(WITH_KEYS | AGREED)

        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("The stack has nothing to change.", done.stdout)
        self.assertEqual(self.client("cloudformation").list_change_sets(StackName=STACK)["Summaries"][1:], [])

    def test_a_default_that_has_changed_reaches_a_stack_for_which_nobody_chose(self) -> None:
        self.deploy_with("LogDays=7")
        self.given_a_template({"LogDays": 14, "MaxTaskImages": 20})

        done = self.deploy(WITH_KEYS | {"YES": "1"})

        self.assertEqual((self.parameter("LogDays"), self.parameter("MaxTaskImages")), ("7", "20"), done.stderr)
        self.assertIn("MaxTaskImages=20: the template's default, which was 50", done.stdout)
        self.assertNotIn("LogDays=", done.stdout)
        self.deploy(WITH_KEYS | {"YES": "1", "PARAMETERS": "MaxTaskImages=50"})
        self.assertEqual(self.parameter("MaxTaskImages"), "50")

    def test_variables_say_it_all_and_nothing_is_asked(self) -> None:
        done = self.deploy(WITH_KEYS | AGREED | {"PARAMETERS": f"WeChatAppId={APP_ID} LogDays=7"})

        self.assertEqual(done.returncode, 0, done.stderr)
        programs = [" ".join(call[:2]) for call in self.calls()]
        self.assertEqual(programs, ["make build", "make doctor"])
        self.assertEqual(self.calls()[0][1:], ["build", "ARCH=arm64"])
        self.assertEqual(self.calls()[1][2:], ["URL=https://api.example.com", "DOCTOR_FLAGS=--bucket https://bucket.example.com"])
        self.assertEqual((self.parameter("WeChatAppId"), self.parameter("LogDays")), (APP_ID, "7"))
        self.assertIn("No app secret was given", done.stdout)

    def test_the_default_images_are_those_of_the_local_stack(self) -> None:
        self.deploy(WITH_KEYS | AGREED)

        s3, bucket = self.client("s3"), self.output("ImagesBucketName")
        keys = [found["Key"] for found in s3.list_objects_v2(Bucket=bucket)["Contents"]]
        self.assertEqual(keys, [f"defaults/{kind}" for kind in DEFAULT_IMAGES])
        for kind in DEFAULT_IMAGES:
            put = s3.get_object(Bucket=bucket, Key=f"defaults/{kind}")
            self.assertEqual((put["ContentType"], put["CacheControl"]), ("image/png", "max-age=86400"))
            self.assertEqual(put["Body"].read(), (ROOT / f"shared/images/defaults/{kind}.png").read_bytes())

    def test_the_domains_and_what_to_declare_are_printed(self) -> None:
        printed = self.deploy(WITH_KEYS | AGREED).stdout

        for text in (
            "  request       https://api.example.com\n",
            "  uploadFile    https://api.example.com;https://bucket.example.com\n",
            "  downloadFile  https://api.example.com;https://img.example.com\n",
            "ApiDomain point to d-1.execute-api.example.com",
            "选中的照片或视频信息",
            "摄像头",
            "头像",
            "openid",
        ):
            self.assertIn(text, printed)

    def test_the_next_time_the_stack_knows_its_parameters(self) -> None:
        self.deploy(WITH_KEYS | {"YES": "1", "PARAMETERS": f"WeChatAppId={APP_ID} LogDays=7"})

        done = self.deploy(WITH_KEYS | {"YES": "1", "PARAMETERS": "LogDays=14"})

        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Updates stack", done.stdout)
        self.assertEqual((self.parameter("WeChatAppId"), self.parameter("LogDays")), (APP_ID, "14"))

    def test_a_build_that_fails_is_the_end(self) -> None:
        done = self.deploy(WITH_KEYS | AGREED | {"FAILING_TARGET": "build"})

        self.assertEqual(done.returncode, 1)
        self.assertIn("make build failed; nothing after it was done", done.stderr)
        self.assertEqual(len(self.calls()), 1)

    def test_a_doctor_who_finds_something_is_a_failure_after_all_was_told(self) -> None:
        done = self.deploy(WITH_KEYS | AGREED | {"FAILING_TARGET": "doctor"})

        self.assertEqual(done.returncode, 1)
        self.assertIn("downloadFile", done.stdout)

    # ------------------------------------------------------------ what whoever deploys must be allowed to do

    def test_the_policy_to_paste_allows_every_call_that_is_made(self) -> None:
        (self.folder / "sitecustomize.py").write_text(WRITE_DOWN_CALLS_OF_AWS)
        variables = WITH_KEYS | AGREED | {"PYTHONPATH": str(self.folder), "AWS_CALLS": str(self.folder / "aws-calls")}
        self.deploy(variables)
        self.deploy(variables | {"PARAMETERS": "LogDays=7"})
        refuses = {"Enter goes on): ": "", "leaves it for later): ": SECRET, CHANGES: "n"}
        self.deploy_by_hand(variables | {"YES": "", "PARAMETERS": "LogDays=14"}, refuses)
        accepts = {"Enter goes on): ": "", "leaves it for later): ": SECRET, CHANGES: "y"}
        self.deploy_by_hand(variables | {"YES": "", "PARAMETERS": "LogDays=14"}, accepts)
        policy = json.loads((ROOT / "docs/deployer-policy.json").read_text())

        allowed = [action for one in policy["Statement"] for action in one["Action"]]
        called = {ACTIONS.get(call, call) for call in (self.folder / "aws-calls").read_text().split()}

        self.assertIn("secretsmanager:PutSecretValue", called)
        refused = [call for call in called if not any(fnmatchcase(call, action) for action in allowed)]
        self.assertEqual(refused, [])
        # "Managed policies: 6,144 characters", of which blanks are not counted
        # (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
        self.assertLess(len(json.dumps(policy, separators=(",", ":"))), 6144)

    # ------------------------------------------------------------ AWS in China

    def test_what_is_sent_to_china_has_nothing_that_is_unknown_there_and_all_else(self) -> None:
        template = packaged.read(ROOT / "template.yaml")
        sent = packaged.for_region(packaged.read(ROOT / "template.yaml"), "cn-northwest-1")
        text = json.dumps({name: sent[name] for name in ("Conditions", "Resources", "Outputs")})

        for unknown in ("AWS::CloudFront::", "OriginAccess", "cloudfront.amazonaws.com", "MetricsConfig", *packaged.SO_IN_CHINA):
            self.assertNotIn(unknown, text)
        destination = sent["Resources"]["ImageSweepFunction"]["Properties"]["Events"]["Changes"]["Properties"]["DestinationConfig"]
        self.assertEqual(destination, {"OnFailure": {"Destination": {"Fn::GetAtt": ["SweepDeadLetters", "Arn"]}}})
        without_cloudfront = {
            name for name, one in template["Resources"].items() if packaged.SO_IN_CHINA.get(one.get("Condition"), True)
        }
        self.assertEqual(set(sent["Resources"]), without_cloudfront)
        self.assertIn("TasksFunction", without_cloudfront)
        self.assertEqual(packaged.for_region(template, "ap-east-1"), template)

    def test_it_deploys_to_china_with_the_notice_and_without_cloudfront(self) -> None:
        in_china = WITH_KEYS | AGREED | {"REGION": "cn-north-1"}
        for name in ("wechat", "key-a", "key-b"):
            self.client("secretsmanager", "cn-north-1").create_secret(Name=name)

        refused = self.deploy(in_china | {"PARAMETERS": f"WeChatAppId={APP_ID} CloudFront=on ImageDelivery=cloudfront"})
        done = self.deploy(in_china)

        self.assert_problem(refused, "CloudFront must be one of: off\nImageDelivery must be one of: presigned, public")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("an ICP record (403 until then)", done.stdout)
        stack = self.client("cloudformation", "cn-north-1").describe_stacks(StackName=STACK)["Stacks"][0]
        self.assertTrue(stack["StackId"].startswith("arn:aws-cn:"), stack["StackId"])

    # ------------------------------------------------------------ indexes of tables

    def given_indexes(self, *names: str) -> None:
        keys = [{"AttributeName": "owner_id", "KeyType": "HASH"}]
        index = {"KeySchema": keys, "Projection": {"ProjectionType": "KEYS_ONLY"}}
        table = {
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "owner_id", "AttributeType": "S"}],
            "KeySchema": keys,
        }
        if names:
            table["GlobalSecondaryIndexes"] = [{"IndexName": name} | index for name in names]
        self.given_a_template({}, {"TasksTable": {"Type": "AWS::DynamoDB::Table", "Properties": table}})

    def test_a_change_of_two_indexes_is_refused_with_the_order_and_one_is_not(self) -> None:
        self.given_indexes("by_owner", "by_time")  # a new table may have any number
        self.assertEqual(self.deploy(WITH_KEYS | AGREED).returncode, 0)
        (self.folder / "calls").unlink()

        self.given_indexes("by_owner", "by_size")
        self.assert_refused(
            self.deploy(WITH_KEYS | AGREED), "TasksTable changes 2 indexes, and DynamoDB changes one at a time: deploy it without by_time"
        )
        self.given_indexes("by_owner")
        self.assertEqual(self.deploy(WITH_KEYS | AGREED).returncode, 0)
        self.given_indexes("by_owner", "by_size")
        self.assertEqual(self.deploy(WITH_KEYS | AGREED).returncode, 0)

    # ------------------------------------------------------------ delivery of images

    def deploy_delivery(self, cloudfront: str, delivery: str) -> subprocess.CompletedProcess[str]:
        return self.deploy_with(f"CloudFront={cloudfront} ImageDelivery={delivery}")

    def test_cloudfront_comes_and_goes_in_two_steps(self) -> None:
        self.deploy_delivery("off", "presigned")

        self.assert_problem(self.deploy_delivery("on", "cloudfront"), "a distribution that is not there yet")
        self.assertEqual(self.deploy_delivery("on", "presigned").returncode, 0)
        self.assert_pair("A")  # there before anything is signed with it
        self.assertEqual(self.deploy_delivery("on", "cloudfront").returncode, 0)
        self.assert_problem(self.deploy_delivery("off", "presigned"), "would end every address and form")
        self.assertEqual(self.deploy_delivery("on", "presigned").returncode, 0)
        self.assertEqual(self.deploy_delivery("off", "presigned").returncode, 0)

    def test_addresses_without_a_signature_are_given_time_to_run_out(self) -> None:
        self.assertEqual(self.deploy_delivery("on", "public").returncode, 0)  # a new stack has handed out nothing

        self.assert_problem(self.deploy_delivery("on", "cloudfront"), "would end every address without a signature")
        self.assertEqual(self.deploy_delivery("on", "presigned").returncode, 0)
        self.assertEqual(self.deploy_delivery("on", "cloudfront").returncode, 0)
        self.assertEqual(self.deploy_delivery("on", "public").returncode, 0)

    # ------------------------------------------------------------ keys of images

    def deploy_cloudfront(self, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        parameters = f"WeChatAppId={APP_ID} CloudFront=on ImageDelivery=cloudfront {variables.get('PARAMETERS', '')}"
        return self.deploy(WITH_KEYS | variables | {"YES": "1", "PARAMETERS": parameters})

    def assert_pair(self, place: str) -> None:
        """The stack has the public half to the private one in the secret, which is of a size that CloudFront takes."""
        private = load_pem_private_key((self.secret(f"key-{place.lower()}") or "").encode(), password=None)
        public = load_pem_public_key(self.parameter(f"ImageKey{place}").encode())
        self.assertEqual((private.public_key(), private.key_size), (public, 2048))

    def test_signed_addresses_get_a_key_pair_whose_private_half_is_in_its_secret_only(self) -> None:
        done = self.deploy_cloudfront({})

        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_pair("A")
        self.assertEqual((self.secret("key-b"), self.parameter("ImageKeyB")), (None, ""))
        told = done.stdout + done.stderr + json.dumps(self.calls()) + json.dumps(self.stack(), default=str)
        lines = self.secret("key-a").splitlines()
        self.assertFalse([line for line in lines if line in told])
        self.assertIn("The private half of ImageKeyA is in Secrets Manager.", done.stdout)

    def test_other_deliveries_get_none(self) -> None:
        done = self.deploy(WITH_KEYS | AGREED)

        self.assertEqual((done.returncode, self.secret("key-a"), self.parameter("ImageKeyA")), (0, None, ""), done.stderr)
        self.assert_problem(self.deploy(WITH_KEYS | AGREED | {"IMAGE_KEY": "new"}), "needs PARAMETERS=ImageDelivery=cloudfront")

    def test_a_key_pair_stays_and_another_one_takes_its_place_in_three_steps(self) -> None:
        self.deploy_cloudfront({})
        first = self.secret("key-a")

        self.deploy_cloudfront({"IMAGE_KEY": "new"})
        self.assert_pair("A")
        self.assert_pair("B")
        self.assertEqual((self.secret("key-a"), self.parameter("ImageKey")), (first, "A"))
        self.assert_problem(self.deploy_cloudfront({"IMAGE_KEY": "new"}), "PARAMETERS=ImageKeyB= removes it first")

        second = self.secret("key-b")
        self.deploy_cloudfront({"PARAMETERS": "ImageKey=B"})
        self.deploy_cloudfront({"PARAMETERS": "ImageKeyA="})
        self.assert_pair("B")
        self.assertEqual((self.secret("key-b"), self.parameter("ImageKeyA")), (second, ""))

    def test_a_private_half_that_was_lost_is_told_and_another_pair_made(self) -> None:
        self.deploy_cloudfront({})
        secrets = self.client("secretsmanager")
        secrets.delete_secret(SecretId="key-a", ForceDeleteWithoutRecovery=True)
        secrets.create_secret(Name="key-a")

        self.assert_problem(self.deploy_cloudfront({}), "PARAMETERS=ImageKey=B makes another pair")

        self.deploy_cloudfront({"PARAMETERS": "ImageKey=B"})
        self.assert_pair("B")

    def assert_problem(self, done: subprocess.CompletedProcess[str], sentence: str) -> None:
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn(sentence, done.stderr)

    # ------------------------------------------------------------ at a terminal

    def test_a_terminal_is_asked_for_everything_and_the_secret_is_nowhere_but_in_its_place(self) -> None:
        answers = {
            "WeChatAppId: ": "wxWRONG",
            "16 lower-case characters\r\nWeChatAppId: ": APP_ID,
            "AlarmEmail: ": "nobody",
            "or nothing\r\nAlarmEmail: ": "team@example.com",
            "Enter goes on): ": "LogDays=7",
            "Enter goes on):": "",
            "not shown; Enter leaves it for later): ": SECRET,
            CHANGES: "y",
        }

        code, screen = self.deploy_by_hand(WITH_KEYS, answers)

        self.assertEqual(code, 0, screen)
        self.assertEqual(self.secret(), SECRET)
        self.assertEqual((self.parameter("WeChatAppId"), self.parameter("LogDays")), (APP_ID, "7"))
        self.assertEqual(self.parameter("AlarmEmail"), "team@example.com")
        self.assertNotIn(SECRET, screen)
        self.assertNotIn(SECRET, json.dumps(self.calls()))
        self.assertNotIn(SECRET, json.dumps(self.stack(), default=str))

    def test_the_region_is_asked_for_first_where_none_is_known(self) -> None:
        answers = {"Ningxia, …): ": REGION} | {"WeChatAppId: ": APP_ID} | NO_OTHERS | {"leaves it for later): ": "", CHANGES: "y"}

        code, screen = self.deploy_by_hand(WITH_KEYS | {"AWS_REGION": ""}, answers)

        self.assertEqual((code, self.stack()["StackStatus"]), (0, "CREATE_COMPLETE"), screen)

    def test_an_update_does_not_ask_for_the_secret_again(self) -> None:
        self.given_a_stack_with_its_secret()

        code, screen = self.deploy_by_hand(WITH_KEYS, {"Enter goes on): ": "", "[y/N]: ": "y"})

        self.assertEqual((code, self.secret()), (0, SECRET), screen)
        self.assertNotIn("App secret", screen)

    def test_an_update_asks_for_a_new_secret_where_that_is_wanted(self) -> None:
        self.given_a_stack_with_its_secret()

        answers = {"Enter goes on): ": "", "leaves it for later): ": "another-one", "[y/N]: ": "y"}
        code, screen = self.deploy_by_hand(WITH_KEYS | {"SECRET": "ask"}, answers)

        self.assertEqual((code, self.secret()), (0, "another-one"), screen)

    def test_a_secret_that_was_left_for_later_is_asked_for_the_next_time(self) -> None:
        self.deploy(WITH_KEYS | AGREED)
        self.given_a_package(b"the next build")

        answers = {"Enter goes on): ": "", "leaves it for later): ": SECRET, "[y/N]: ": "y"}
        code, screen = self.deploy_by_hand(WITH_KEYS, answers)

        self.assertEqual((code, self.secret()), (0, SECRET), screen)

    def test_who_agrees_beforehand_is_asked_for_the_secret_alone(self) -> None:
        code, screen = self.deploy_by_hand(WITH_KEYS | {"YES": "1"}, {"WeChatAppId is missing": ""})
        self.assertEqual((code, self.calls()), (2, []), screen)

        code, screen = self.deploy_by_hand(WITH_KEYS | AGREED, {"leaves it for later): ": SECRET})
        self.assertEqual((code, self.secret()), (0, SECRET), screen)

    def test_no_to_the_changes_changes_nothing(self) -> None:
        self.given_a_stack_with_its_secret()
        s3, bucket = self.client("s3"), self.output("ImagesBucketName")
        s3.delete_object(Bucket=bucket, Key="defaults/missing")

        answers = {"Enter goes on): ": "", "leaves it for later): ": "another-one", "[y/N]: ": "n"}
        code, screen = self.deploy_by_hand(WITH_KEYS | {"SECRET": "ask"}, answers)

        self.assertEqual((code, self.secret()), (0, SECRET), screen)
        self.assertIn("Nothing was changed.", screen)
        self.assertEqual(s3.list_objects_v2(Bucket=bucket)["KeyCount"], len(DEFAULT_IMAGES) - 1)

    def test_no_to_a_new_stack_makes_none_and_it_can_be_tried_again(self) -> None:
        variables = WITH_KEYS | {"PARAMETERS": f"WeChatAppId={APP_ID}"}
        answers = NO_OTHERS | {"leaves it for later): ": SECRET}

        code, screen = self.deploy_by_hand(variables, answers | {"[y/N]: ": "n"})
        with self.assertRaises(self.client("cloudformation").exceptions.ClientError):
            self.stack()
        again = self.deploy(WITH_KEYS | AGREED | {"FAILING_TARGET": "build"})

        self.assertEqual(code, 0, screen)
        self.assertNotIn("default images", screen.lower())
        self.assertIn("Makes stack", again.stdout)

    def given_a_stack_with_its_secret(self) -> None:
        done = self.deploy(WITH_KEYS | AGREED)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.client("secretsmanager").put_secret_value(SecretId=self.output("WeChatSecretArn"), SecretString=SECRET)
        (self.folder / "calls").unlink()
        self.given_a_package(b"the next build")


if __name__ == "__main__":
    result = unittest.main(exit=False, verbosity=1).result
    failed = len(result.failures) + len(result.errors)
    print(f"test-deploy: {result.testsRun - failed} passed, {failed} failed")
    sys.exit(failed > 0)
