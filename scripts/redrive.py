#!/usr/bin/env python3
"""Sends again what Lambda gave up on: make redrive STACK=mini-functions (docs/operations.md)

Records of the images table's stream lie as objects in the bucket, events of S3 as messages in a queue. Each is given to the
function that has failed on it, and deleted once that has done it. What fails again stays, and does not hold up the others. The
functions may be told a thing twice, so this can be stopped anywhere and repeated.

What is printed names objects, messages and kinds of failures, so anybody may see it. Records name users, events addresses.

It has to be allowed, of the stack's own things only: cloudformation:DescribeStacks and cloudformation:DescribeStackResource;
lambda:InvokeFunction; s3:ListBucket, and s3:GetObject and s3:DeleteObject on aws/lambda/*; sqs:ReceiveMessage,
sqs:ChangeMessageVisibility and sqs:DeleteMessage.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

from account import Deployed, told_in_sentences
from botocore.config import Config
from botocore.exceptions import ClientError

# Lambda's own, and the same for all functions.
RECORDS = "aws/lambda/"
# The functions take 60 at most; boto3 would be gone by then.
SECONDS_TO_ANSWER = 75
# For so long nobody is given a message again: boto3's five tries of a function that does not answer are over by then.
SECONDS_HELD = 900


class NotWrittenByLambda(Exception):
    """Somebody has put an object of another form among the records."""


@dataclass(frozen=True)
class Letter:
    """Something that Lambda gave up on."""

    name: str
    read: Callable[[], str]
    function: str
    answer_when_done: Any
    delete: Callable[[], object]


def records(s3: Any, bucket: str, function: str) -> Iterator[Letter]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=RECORDS)
    for key in (found["Key"] for page in pages for found in page.get("Contents", [])):
        there = {"Bucket": bucket, "Key": key}
        yield Letter(
            key, partial(payload, s3, there), function, {"batchItemFailures": []}, partial(s3.delete_object, **there)
        )


def payload(s3: Any, there: Mapping[str, str]) -> str:
    """The event, which AWS says is in there as "an escaped JSON string"
    (https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html).
    """
    with suppress(ValueError):
        match json.load(s3.get_object(**there)["Body"]):
            case {"payload": str(event)}:
                return event
    raise NotWrittenByLambda


def events(sqs: Any, queue: str, function: str) -> Iterator[Letter]:
    """Each message once: those that stay are held until the end, then they are there for the next run."""
    held: dict[str, str] = {}

    def delete(message: str) -> None:
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=held[message])
        del held[message]

    try:
        # To wait is to ask all of SQS's servers, of which each has a part of the queue.
        while found := sqs.receive_message(QueueUrl=queue, VisibilityTimeout=SECONDS_HELD, WaitTimeSeconds=1).get("Messages"):
            (message,) = found
            name, body = message["MessageId"], message["Body"]
            is_new = name not in held
            held[name] = message["ReceiptHandle"]
            if is_new:
                yield Letter(name, lambda body=body: body, function, None, partial(delete, name))
    finally:
        for receipt in held.values():
            # Refused where it was held too long: then it is there already.
            with suppress(ClientError):
                sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=receipt, VisibilityTimeout=0)


def reason_to_stay(functions: Any, letter: Letter) -> str | None:
    """Sends it, and deletes it if it was done; else says what is wrong with it, without repeating any of it.

    What would be wrong with every other, too, as where no function can be reached, is for the caller.
    """
    try:
        answer = functions.invoke(FunctionName=letter.function, Payload=letter.read())
    except NotWrittenByLambda:
        return "not written by Lambda"
    except functions.exceptions.InvalidRequestContentException:
        return "not JSON"
    said = json.load(answer["Payload"])
    if "FunctionError" in answer:
        return f"the function failed, {said.get('errorType', 'without a name')}"
    if said != letter.answer_when_done:
        return "the function has not done all of it"
    letter.delete()
    return None


def send_all(functions: Any, letters: Iterable[Letter], unwanted: str | None) -> Counter[str]:
    outcomes = Counter()
    for letter in letters:
        reason = reason_to_stay(functions, letter)
        if reason is None:
            outcome = "done"
        elif letter.name == unwanted:
            letter.delete()
            outcome = "dropped"
        else:
            outcome = "left"
        outcomes[outcome] += 1
        print(f"{letter.name}: {outcome}{f' ({reason})' if reason else ''}", flush=True)
    return outcomes


def main(variables: Mapping[str, str]) -> int:
    """The exit code: 1 where something is left."""
    deployed = Deployed.of(variables)
    client, physical_name = deployed.account.client, deployed.physical_name
    functions = client("lambda", config=Config(read_timeout=SECONDS_TO_ANSWER))
    of_the_table = records(client("s3"), physical_name("ImagesBucket"), physical_name("ImageSweepFunction"))
    of_the_bucket = events(client("sqs"), physical_name("IngestDeadLetters"), physical_name("ImageIngestFunction"))

    with closing(of_the_bucket):
        outcomes = send_all(functions, chain(of_the_table, of_the_bucket), variables.get("DROP"))
    print(f"{outcomes['done']} done, {outcomes['dropped']} dropped, {outcomes['left']} left")
    return 1 if outcomes["left"] else 0


if __name__ == "__main__":
    with told_in_sentences("stopped; what is not done yet is where it was"):
        sys.exit(main(os.environ))
