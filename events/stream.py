"""Records of the images table's stream, as Lambda hands them to a function."""

import seed

TABLE = "arn:aws:dynamodb:ap-east-1:123456789012:table/ImagesTable"
# How the stream tells that no client removed a row, but its TTL.
TTL = {"userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"}}


def records(*changes):
    return {"Records": [record(number, *change) for number, change in enumerate(changes, 1)]}


def record(number, old, new, told=None):
    images = {name: image for name, image in (("OldImage", old), ("NewImage", new)) if image}
    kind = "INSERT" if not old else "REMOVE" if not new else "MODIFY"
    return {
        "eventID": f"5eed{number:028x}",
        "eventName": kind,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "ap-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1767225600.0,  # 2026-01-01T00:00:00Z
            "Keys": {"stem": (old or new)["stem"]},
            **images,
            "SequenceNumber": f"{111000000000000000000000 + number}",
            "SizeBytes": 512,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": f"{TABLE}/stream/2026-01-01T00:00:00.000",
    } | (told or {})


def row(name, attempt, state, **changes):
    times = {"touched_at": {"N": "1767225600"}}
    return {
        "stem": {"S": seed.stem(name)},
        "attempt": {"S": attempt},
        "state": {"S": state},
        "owner_id": {"S": seed.USER},
        "target": {"S": f"task#{seed.TASK}"},
        "extension": {"S": "jpg"},
        "object_key": {"S": seed.object_key(name, attempt)},
    } | times | changes


def tombstone(name, attempt):
    return row(name, attempt, "removed", expires_at={"N": "1768521600"})


def pointer(name, attempt):
    return {
        "stem": {"S": f"avatar#{seed.USER}"},
        "image_name": {"S": name},
        "attempt": {"S": attempt},
        "object_key": {"S": seed.object_key(name, attempt)},
    }
