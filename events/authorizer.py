"""What API Gateway asks a Lambda authorizer of another back end, here one with the route GET /orders."""

from http_api import CLIENT_ADDRESS, HOST, call


def of_http_api(headers, identity_source=()):
    """Payload format 2.0. `identity_source` has the values of the headers that the authorizer insists on, if any."""
    event = call("GET", "GET /orders", headers)
    # It is asked before anybody reads the body.
    del event["isBase64Encoded"]
    question = {"version": "2.0", "type": "REQUEST", "routeArn": arn("$default")}
    if identity_source:
        question["identitySource"] = list(identity_source)
    return question | event


def of_http_api_in_format_1(headers):
    """Payload format 1.0, as an HTTP API sends it where that is asked for: without `multiValueHeaders`."""
    return {"version": "1.0"} | format_1(headers, "$default")


def of_rest_api(headers, sent_before=()):
    """Payload format 1.0. Of a header that was sent twice, `headers` has the last value and `multiValueHeaders` both."""
    event = format_1(headers, "prod")
    values = {name: [value] for name, value in event["headers"].items()}
    for name, value in sent_before:
        values[name].insert(0, value)
    return event | {"multiValueHeaders": values, "multiValueQueryStringParameters": {}}


def format_1(headers, stage):
    return {
        "type": "REQUEST",
        "methodArn": arn(stage),
        "resource": "/orders",
        "path": "/orders",
        "httpMethod": "GET",
        # Names as they were sent.
        "headers": headers | {"Accept": "*/*", "Host": HOST, "X-Forwarded-For": CLIENT_ADDRESS},
        "queryStringParameters": {},
        "pathParameters": {},
        "stageVariables": {},
        "requestContext": {
            "path": "/orders",
            "accountId": "123456789012",
            "resourceId": "05c7jb",
            "stage": stage,
            "requestId": "7f1d0c5e-2c1b-4a55-9f0a-3f6d2a9c1e42",
            "identity": {"sourceIp": CLIENT_ADDRESS},
            "resourcePath": "/orders",
            "httpMethod": "GET",
            "apiId": "abcdef1234",
        },
    }


def arn(stage):
    return f"arn:aws:execute-api:ap-east-1:123456789012:abcdef1234/{stage}/GET/orders"
