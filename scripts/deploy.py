#!/usr/bin/env python3
"""Puts the stack into AWS, or brings it up to date: make deploy (docs/deploy.md)

Between the build and the mini-program's console lie steps that are easily forgotten, or done in the wrong order: the app secret,
the default images, a look from outside. Here they are one command, which asks for what it cannot know and can be repeated. The
stack itself remembers its parameters. Nothing is built before everything that can be checked has been.

The app secret is typed in, private keys are made here; both go to Secrets Manager and are in no argument, variable, file,
parameter or log.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import packaged
from account import CHINA, Account, Problems, outputs_of, told_in_sentences
from asked import Asked, agrees, ask_for_parameters, ask_for_region, ask_for_secret
from botocore.exceptions import ClientError
from change_set import ChangeSet
from preflight import Plan, make_plan

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "template.yaml"
SEED = ROOT / "events" / "seed.json"

PRIVACY = """\
Declare in its privacy guide (设置 > 服务内容声明 > 用户隐私保护指引) what is collected:
  - photos (选中的照片或视频信息): pictures of tasks; position, serial numbers and other hidden data are removed before storing
  - camera (摄像头): if pages let users take pictures
  - nickname and avatar (昵称、头像): the avatar that a user chooses
  - an id for each user, made by this stack; of WeChat's openid it keeps a hash
Without that, WeChat does not let the mini-program choose pictures (errno 112).\
"""


ICP = """\
This is AWS in China. API Gateway answers there only once the account has an ICP record (403 until then), a domain needs one of its
own, and some things are weaker or missing: docs/china.md\
"""


def build(plan: Plan) -> None:
    run("make", "build", f"ARCH={plan.value('Arch')}")


def deploy(plan: Plan) -> bool:
    """Shows the changes and carries them out; false where that was not wanted."""
    template = packaged.upload(plan.account, plan.asked.stack, plan.template, ROOT)
    change_set = ChangeSet.make(plan.account, plan.asked.stack, template, plan.values, plan.is_new)
    if change_set is None:
        say("The stack has nothing to change.")
        return True
    say("Changes:")
    change_set.show()
    if not (plan.asked.is_agreed or agrees()):
        change_set.discard()
        return False
    change_set.carry_out()
    return True


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
    sys.stdout.flush()
    if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode != 0:
        raise SystemExit(f"{' '.join(command[:2])} failed; nothing after it was done")


def say(text: str) -> None:
    print(text, flush=True)


def main(variables: Mapping[str, str], can_ask: bool) -> None:
    asked = Asked.of(variables)
    if asked.region is None and can_ask:
        asked = replace(asked, region=ask_for_region())
    plan = make_plan(asked, TEMPLATE, can_ask)
    verb = "Makes" if plan.is_new else "Updates"
    say(f"{verb} stack {plan.asked.stack} in account {plan.account.id}, region {plan.account.region}.")
    if plan.account.partition == CHINA:
        say(ICP)
    for line in plan.changed_defaults():
        say(line)
    if not plan.asked.is_agreed:
        ask_for_parameters(plan.known, plan.values, plan.wanted())
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
