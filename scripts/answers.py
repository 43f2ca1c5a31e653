"""The event files, what functions answer to them, and when two answers are the same. Standard library only."""

import json
import re
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SECONDS_TO_ANSWER = 30

# What differs from one answer to the next although nothing is wrong; only what has the right form is let through.
VARYING = [
    (r"http://[0-9.]+:[0-9]+", "[address]"),
    (r"X-Amz-Date=[0-9]{8}T[0-9]{6}Z", "X-Amz-Date=[time]"),
    (r"X-Amz-Credential=[A-Za-z0-9]+%2F[0-9]{8}%2F", "X-Amz-Credential=[key]/[day]/"),
    (r"X-Amz-Expires=[0-9]+", "X-Amz-Expires=[seconds]"),
    (r"X-Amz-Signature=[0-9a-f]{64}", "X-Amz-Signature=[signature]"),
    (r'x-amz-date\\":\\"[0-9]{8}T[0-9]{6}Z', "x-amz-date [time]"),
    (r'x-amz-credential\\":\\"[A-Za-z0-9]+/[0-9]{8}/', "x-amz-credential [key]/[day]/"),
    (r'x-amz-signature\\":\\"[0-9a-f]{64}', "x-amz-signature [signature]"),
    (r'policy\\":\\"[A-Za-z0-9+/]+=*', "policy [policy]"),
    (r"max-age=[0-9]+", "max-age=[seconds]"),
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z", "[time]"),
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b", "[uuid]"),
    (r"\b[0-9a-f]{32}\b", "[id]"),
    (r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])", "[session id]"),
]


def events() -> list[tuple[str, Path]]:
    """Every function with each of its event files."""
    functions = sorted(folder.name for folder in (ROOT / "functions").iterdir())
    return [(function, file) for function in functions for file in sorted((ROOT / "events" / function).glob("*.json"))]


def invoke(address: str, function: str, event: Path) -> Any:
    """The answer of a function behind a server that speaks Lambda's Invoke API."""
    url = f"{address}/2015-03-31/functions/{function}/invocations"
    with urllib.request.urlopen(url, event.read_bytes(), SECONDS_TO_ANSWER) as answer:
        return json.loads(answer.read())


def redacted(answer: Any) -> str:
    """An answer without what may differ, as text to compare and to read."""
    text = json.dumps(answer, ensure_ascii=False, indent=1, sort_keys=True)
    for form, name in VARYING:
        text = re.sub(form, name, text)
    return text
