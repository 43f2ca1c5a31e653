#!/usr/bin/env python3
"""Sends again what Lambda gave up on: make redrive STACK=mini-functions (docs/operations.md)

Records of the images table's stream lie as objects in the bucket, events of S3 as messages in a queue. In AWS China, where Lambda
knows no bucket for that, a second queue has the records' places in the stream, which keeps them for a day. Each is given to the
function that has failed on it, and deleted once that has done it. What fails again stays, and does not hold up the others. The
functions may be told a thing twice, so this can be stopped anywhere and repeated.

What is printed names objects, messages and kinds of failures, so anybody may see it. Records name users, events addresses.

It has to be allowed, of the stack's own things only: cloudformation:DescribeStacks and cloudformation:DescribeStackResource;
lambda:InvokeFunction; s3:ListBucket, and s3:GetObject and s3:DeleteObject on aws/lambda/*; sqs:ReceiveMessage,
sqs:ChangeMessageVisibility and sqs:DeleteMessage; in China dynamodb:GetShardIterator and dynamodb:GetRecords.
"""

import base64
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

from account import CHINA, Deployed, told_in_sentences
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


class NoLongerInTheStream(Exception):
    """A stream keeps its records for a day."""


@dataclass(frozen=True)
class Letter:
    """Something that Lambda gave up on."""

    name: str
    read: Callable[[], str]
    function: str
    answer_when_done: Any
    delete: Callable[[], object]


# Of each kind, what its function answers when all of it is done.
RECORDS_DONE, EVENTS_DONE = {"batchItemFailures": []}, None


def records(s3: Any, bucket: str, function: str) -> Iterator[Letter]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=RECORDS)
    for key in (found["Key"] for page in pages for found in page.get("Contents", [])):
        there = {"Bucket": bucket, "Key": key}
        yield Letter(
            key, partial(payload, s3, there), function, RECORDS_DONE, partial(s3.delete_object, **there)
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


def records_at(streams: Any, place: str) -> str:
    """The event with the records of a place in the stream, read anew."""
    match json.loads(place):
        case {
            "DDBStreamBatchInfo": {
                "streamArn": str(stream),
                "shardId": str(shard),
                "startSequenceNumber": str(first),
                "endSequenceNumber": str(last),
            }
        }:
            pass
        case _:
            raise NotWrittenByLambda
    there = {"StreamArn": stream, "ShardId": shard, "ShardIteratorType": "AT_SEQUENCE_NUMBER", "SequenceNumber": first}
    try:
        page = streams.get_shard_iterator(**there).get("ShardIterator")
        found: list[dict[str, Any]] = []
        while page and not any(int(record["dynamodb"]["SequenceNumber"]) >= int(last) for record in found):
            read = streams.get_records(ShardIterator=page)
            found, page = found + read["Records"], read.get("NextShardIterator")
    except (streams.exceptions.TrimmedDataAccessException, streams.exceptions.ResourceNotFoundException):
        raise NoLongerInTheStream from None
    wanted = [record for record in found if int(record["dynamodb"]["SequenceNumber"]) <= int(last)]
    return json.dumps({"Records": [as_lambda_has_it(record, stream) for record in wanted]}, default=in_json)


def as_lambda_has_it(record: Mapping[str, Any], stream: str) -> dict[str, Any]:
    """The two forms differ in the case of one part only
    (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Identity.html).
    """
    whose = record.get("userIdentity")
    identity = {"userIdentity": {"principalId": whose["PrincipalId"], "type": whose["Type"]}} if whose else {}
    return {**record, **identity, "eventSourceARN": stream}


def in_json(value: Any) -> Any:
    """What boto3 has made of binary attributes and times."""
    return base64.b64encode(value).decode() if isinstance(value, bytes) else int(value.timestamp())


def messages(
    sqs: Any, queue: str, function: str, answer_when_done: Any, payload_of: Callable[[str], str]
) -> Iterator[Letter]:
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
                yield Letter(name, partial(payload_of, body), function, answer_when_done, partial(delete, name))
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
    except NoLongerInTheStream:
        return "no longer in the stream, which keeps records for a day"
    except ValueError:
        return "not JSON"
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
    sweep, ingest = physical_name("ImageSweepFunction"), physical_name("ImageIngestFunction")
    sqs, whole = client("sqs"), str
    letters = [
        records(client("s3"), physical_name("ImagesBucket"), sweep),
        messages(sqs, physical_name("IngestDeadLetters"), ingest, EVENTS_DONE, whole),
    ]
    if deployed.account.partition == CHINA:
        read = partial(records_at, client("dynamodbstreams"))
        letters.append(messages(sqs, physical_name("SweepDeadLetters"), sweep, RECORDS_DONE, read))

    with ExitStack() as held:
        for one in letters:
            held.enter_context(closing(one))
        outcomes = send_all(functions, chain(*letters), variables.get("DROP"))
    print(f"{outcomes['done']} done, {outcomes['dropped']} dropped, {outcomes['left']} left")
    return 1 if outcomes["left"] else 0


if __name__ == "__main__":
    with told_in_sentences("stopped; what is not done yet is where it was"):
        sys.exit(main(os.environ))
