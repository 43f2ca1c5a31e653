"""What S3 tells of objects that have come to its bucket, as Lambda hands it to a function."""

import hashlib

import seed

BUCKET = "images-bucket"  # as the local stack calls it
ACCOUNT = {"principalId": "A3NL1KOZZKExample"}


def created(*objects):
    return {"Records": [record(number, *told) for number, told in enumerate(objects, 1)]}


def record(number, key, content, bucket=BUCKET, how="Put"):
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "ap-east-1",
        "eventTime": "2026-01-01T00:00:00.000Z",
        "eventName": f"ObjectCreated:{how}",
        "userIdentity": {"principalId": "AWS:AROAEXAMPLE:an-upload"},
        "requestParameters": {"sourceIPAddress": "203.0.113.7"},
        "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810", "x-amz-id-2": "FMyUVURIY8/IgAtTv8xRjskZQpcIZ9KG4V5Wp6S7S/JRWeUWerMUE5JgHvANOjpD"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "5eed",
            "bucket": {"name": bucket, "ownerIdentity": ACCOUNT, "arn": f"arn:aws:s3:::{bucket}"},
            "object": {
                "key": key,
                "size": len(content),
                "eTag": hashlib.md5(content).hexdigest(),
                "versionId": "096fKKXTRTtl3on89fVO.nfljtsv6qko",
                "sequencer": f"0055AED6DCD90281{number:02}",
            },
        },
    }


def test_event():
    return {
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": "2026-01-01T00:00:00.000Z",
        "Bucket": BUCKET,
        "RequestId": "5582815E1AEA5ADF",
        "HostId": "8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR+YstdA6Knx4Ip8EXAMPLE",
    }
