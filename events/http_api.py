"""A request as an HTTP API of API Gateway hands it to a function (payload format 2.0), and what clients send in it."""

import base64
import json

HOST = "abcdef1234.execute-api.ap-east-1.amazonaws.com"
CLIENT_ADDRESS = "203.0.113.10"
USER_AGENT = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 MicroMessenger/8.0.56"


def call(method, route, headers, body=None, query="", path=None, **variables):
    """`route` is the route's key; `variables` are those of its path, decoded. Only `$default` needs a `path`."""
    path = path or route.split(" ")[1].format(**variables)
    event = {
        "version": "2.0",
        "routeKey": route,
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers | {
            "accept": "*/*",
            "accept-encoding": "gzip, deflate, br",
            "host": HOST,
            "user-agent": USER_AGENT,
            "x-amzn-trace-id": "Root=1-6955b900-5eed00000000000000000001",
            "x-forwarded-for": CLIENT_ADDRESS,
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abcdef1234",
            "domainName": HOST,
            "domainPrefix": "abcdef1234",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": CLIENT_ADDRESS,
                "userAgent": USER_AGENT,
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": route,
            "stage": "$default",
            "time": "01/Jan/2026:00:00:00 +0000",
            "timeEpoch": 1767225600000,
        },
        "isBase64Encoded": False,
    }
    # What a request does not have is not in the event at all.
    if variables:
        event["pathParameters"] = variables
    if query:
        event["queryStringParameters"] = dict(pair.split("=") for pair in query.split("&"))
    if body:
        add_body(event, *body)
    return event


def add_body(event, content_type, content):
    """Text goes into the event as it is, everything else in base64: the gateway decides by content type."""
    binary = not content_type.startswith(("text/", "application/json"))
    event["headers"] |= {"content-type": content_type, "content-length": str(len(content))}
    event["body"] = base64.b64encode(content).decode() if binary else content.decode()
    event["isBase64Encoded"] = binary


def text(content):
    return "application/json", content.encode()


def as_json(value):
    return text(json.dumps(value, separators=(",", ":")))


def form(*parts, boundary="----MiniFunctionsBoundary7f3a91"):
    """A multipart body of `field`s and `file`s, in the order given."""
    mark = b"--" + boundary.encode()
    body = b"".join(b"%s\r\n%s\r\n\r\n%s\r\n" % (mark, head.encode(), content) for head, content in parts)
    return f"multipart/form-data; boundary={boundary}", body + mark + b"--\r\n"


def field(name, value):
    return f'Content-Disposition: form-data; name="{name}"', value.encode()


def file(content, content_type="image/jpeg", sent_as="tmp_5e7a91c04d.jpg", with_length=False):
    """The file of a form, named as WeChat names it. OkHttp before 5.0 tells its length in a third header."""
    head = f'Content-Disposition: form-data; name="image"; filename="{sent_as}"\r\nContent-Type: {content_type}'
    return head + f"\r\nContent-Length: {len(content)}" * with_length, content
