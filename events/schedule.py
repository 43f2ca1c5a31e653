"""What EventBridge sends on a schedule."""


def each_minute():
    return {
        "version": "0",
        "id": "5eed0000-0000-4000-8000-0000000005c4",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": "2026-01-01T00:00:00Z",
        "region": "ap-east-1",
        "resources": ["arn:aws:events:ap-east-1:123456789012:rule/each-minute"],
        "detail": {},
    }
