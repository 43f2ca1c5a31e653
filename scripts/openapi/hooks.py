"""What schemathesis has to know of this API beyond its document: how to sign in, and what a picture is."""

from itertools import count
from pathlib import Path
from typing import Any

import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis import AuthContext, Case, HookContext, Response
from schemathesis.core.failures import AcceptedNegativeData, Failure

SMALL_PICTURES = Path(__file__).resolve().parents[2] / "fuzz" / "seeds"
EXAMPLE_OF_A_CODE = "dev-alice-1"
EXAMPLE_OF_A_LEAVERS_CODE = "dev-seed-1"

numbers = count()


def fresh_code(user: str) -> str:
    """A code that the fake WeChat takes for this user; each is good once."""
    return f"dev-{user}-{next(numbers)}x"


@schemathesis.auth(refresh_interval=None)
class SignIn:
    """One user for all operations; others for calls that end sessions or accounts, which would end everybody's."""

    def __init__(self) -> None:
        self.shared: dict[str, str] | None = None

    def get(self, case: Case, context: AuthContext) -> dict[str, str]:
        if context.operation.label == "DELETE /session":
            return sign_in(context.operation.base_url, f"leaver{next(numbers)}")
        if context.operation.label == "DELETE /me":
            return sign_in(context.operation.base_url, "goner")
        if self.shared is None:
            self.shared = sign_in(context.operation.base_url, "alice")
        return self.shared

    def set(self, case: Case, data: dict[str, str], context: AuthContext) -> None:
        case.headers.update(data)


def sign_in(base_url: str, user: str) -> dict[str, str]:
    answer = requests.post(f"{base_url}/session", json={"code": fresh_code(user)}, timeout=10)
    answer.raise_for_status()
    session = answer.json()
    return {"session-id": session["session_id"], "user-id": session["user_id"]}


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    if case.operation.label == "POST /session" and case.body == {"code": EXAMPLE_OF_A_CODE}:
        case.body["code"] = fresh_code("bob")
    if case.operation.label == "DELETE /me" and case.body == {"code": EXAMPLE_OF_A_LEAVERS_CODE}:
        case.body["code"] = fresh_code("goner")
    # Unknown fields of a form are ignored, but a part whose name has control characters is no part of a form.
    if case.media_type == "multipart/form-data" and isinstance(case.body, dict):
        for name in [name for name in case.body if not name.isprintable()]:
            del case.body[name]


@schemathesis.hook
def filter_case(context: HookContext, case: Case) -> bool:
    """An upload id in two places must be the same in both, which no schema can say."""
    header = (case.headers or {}).get("Idempotency-Key")
    field = case.body.get("upload_id") if isinstance(case.body, dict) else None
    return header is None or field is None or header == field


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case, response: Response) -> bool:
    """A form that was changed after it was made is judged anew, and then the bytes of its file are taken for a fault."""
    was_valid = case.meta is not None and case.meta.phase.data.description == "Positive test case"
    return not (isinstance(failure, AcceptedNegativeData) and was_valid)


def damaged(picture: bytes) -> st.SearchStrategy[bytes]:
    """The picture cut short, or with a byte of it changed."""
    places = st.integers(1, len(picture) - 1)
    changed = st.builds(lambda at, byte: picture[:at] + bytes([byte]) + picture[at + 1 :], places, st.integers(0, 255))
    return places.map(lambda end: picture[:end]) | changed


pictures = [
    (SMALL_PICTURES / name).read_bytes()
    for name in ("jpeg/baseline.jpg", "png/rgb.png", "webp/lossy.webp", "gif/still.gif")
]
good = st.sampled_from(pictures)
files = good | good | good.flatmap(damaged) | st.binary(min_size=1)
for media_type in ("image/jpeg", "image/png", "image/webp", "image/gif"):
    schemathesis.openapi.media_type(media_type, files)
