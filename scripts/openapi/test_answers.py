"""Real answers of the local stack, at least one for every status in `docs/openapi.yaml`: each is as it says there."""

import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, NamedTuple

import jsonschema
import pytest
import requests
import schemathesis
import yaml
from local_stack import ROOT, local_stack
from schemathesis import Response
from schemathesis.specs.openapi import checks

PATH = ROOT / "docs" / "openapi.yaml"
DOCUMENT = yaml.safe_load(PATH.read_text())
SCHEMA = schemathesis.openapi.from_path(PATH)
CONFORMANCE = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]

PHOTO = (ROOT / "events" / "photos" / "avatar.jpg").read_bytes()
OTHER_PHOTO = (ROOT / "events" / "photos" / "avatar.png").read_bytes()
HEIC = (ROOT / "events" / "photos" / "coffee.heic").read_bytes()
MAX_IMAGE_BYTES = len(PHOTO)
TOO_LARGE = PHOTO + b"."
OVER_THE_LIMIT_OF_THE_GATEWAY = b"." * 11_000_000

SMALL_LIMITS = {"MAX_TASK_IMAGES": "3", "MAX_IMAGE_BYTES": str(MAX_IMAGE_BYTES), "LOGIN_RATE_PER_MINUTE": "0"}
SECONDS_TO_BE_TOLD = 30
CLOSED_PORT = "http://127.0.0.1:9"

numbers = count()


def code(user: str) -> str:
    """A code that the fake WeChat takes for this user; each is good once."""
    return f"dev-{user}-{next(numbers)}"


class Stage(NamedTuple):
    """A stack with everything that the requests below are about."""

    base_url: str
    session: dict[str, str]
    task: str
    full_task: str
    image: str
    deleted_image: str

    def call(self, operation: str, **parts: Any) -> Response:
        return call(self.base_url, operation, **{"headers": self.session, **parts})


def call(base_url: str, operation: str, **parts: Any) -> Response:
    """Sends a request and holds its answer against the document."""
    if isinstance(parts.get("body"), dict):
        parts.setdefault("media_type", "multipart/form-data" if "image" in parts["body"] else "application/json")
    case = SCHEMA.find_operation_by_id(operation).Case(**parts)
    response = case.call(base_url=base_url)
    case.validate_response(response, checks=CONFORMANCE)
    return response


def sign_in(base_url: str, user: str) -> dict[str, str]:
    signed_in = call(base_url, "signIn", body={"code": code(user)}).json()
    return {"session-id": signed_in["session_id"], "user-id": signed_in["user_id"]}


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with local_stack(SMALL_LIMITS) as stack:
        base_url = stack["gateway"]
        session = sign_in(base_url, "alice")
        task, full_task = (call(base_url, "createTask", headers=session, body={}).json()["task_id"] for _ in range(2))
        stage = Stage(base_url, session, task, full_task, image="", deleted_image="")
        for _ in range(3):
            stage.call("uploadTaskImage", path_parameters={"task_id": full_task}, body={"image": PHOTO})
        deleted, image = (
            stage.call("uploadTaskImage", **into_path(task, image=PHOTO, upload_id=upload_id)).json()["name"]
            for upload_id in ("deleted", "kept")
        )
        stage.call("deleteTaskImage", path_parameters={"task_id": task, "name": deleted})
        yield stage._replace(image=image, deleted_image=deleted)


def into_path(task: str, **fields: Any) -> dict[str, Any]:
    return at(task_id=task) | {"body": fields}


def leaver(stage: Stage) -> dict[str, Any]:
    """Another session, to be ended."""
    return {"headers": sign_in(stage.base_url, "leaver")}


def goner(stage: Stage, **body: Any) -> dict[str, Any]:
    """A session of a user whose account is to be removed, and what is sent along."""
    return {"headers": sign_in(stage.base_url, "goner"), "body": body}


def nobody(_: Stage) -> dict[str, Any]:
    return {"headers": {}}


def at(**path_parameters: str) -> dict[str, Any]:
    return {"path_parameters": path_parameters}


class Story(NamedTuple):
    """A request, and what it is answered: a status, and an error or (`None`) none or the gateway's own answer."""

    operation: str
    status: int
    error: str | None
    parts: Callable[[Stage], dict[str, Any]]


def uploads(operation: str, status: int, parts: Callable[..., dict[str, Any]]) -> list[Story]:
    """What is common to all that takes a picture."""
    return [
        Story(operation, status, None, lambda stage: parts(stage.task, image=OTHER_PHOTO, upload_id="stays")),
        Story(operation, 400, "bad_request", lambda stage: parts(stage.task, image=b"")),
        Story(operation, 401, "session_invalid", lambda stage: parts(stage.task, image=PHOTO) | nobody(stage)),
        Story(operation, 409, "upload_id_reused", lambda stage: parts(stage.task, image=PHOTO, upload_id="stays")),
        Story(operation, 413, "image_too_large", lambda stage: parts(stage.task, image=TOO_LARGE)),
        Story(operation, 413, None, lambda stage: parts(stage.task, image=OVER_THE_LIMIT_OF_THE_GATEWAY)),
        Story(operation, 415, "image_unsupported", lambda stage: parts(stage.task, image=b"a text")),
        Story(operation, 415, "image_unsupported", lambda stage: parts(stage.task, image=HEIC)),
        Story(operation, 422, "image_incomplete", lambda stage: parts(stage.task, image=PHOTO[:5000])),
        Story(operation, 422, "image_invalid", lambda stage: parts(stage.task, image=PHOTO[:2] + PHOTO[:-2])),
    ]


def uploads_to_a_task(operation: str, status: int, parts: Callable[..., dict[str, Any]]) -> list[Story]:
    return [
        *uploads(operation, status, parts),
        Story(operation, 404, "task_not_found", lambda stage: parts("unknown", image=PHOTO)),
        Story(operation, 404, "not_found", lambda stage: parts(stage.task, image=PHOTO, upload_id="deleted")),
        Story(operation, 409, "task_full", lambda stage: parts(stage.full_task, image=PHOTO)),
    ]


def announced(task: str, **changes: Any) -> dict[str, Any]:
    return at(task_id=task) | {"body": {"content_type": "image/jpeg", "bytes": len(PHOTO), **changes}}


def into_form(task: str, **fields: Any) -> dict[str, Any]:
    return {"body": {"task_id": task, **fields}}


def as_avatar(_: str, **fields: Any) -> dict[str, Any]:
    return {"body": fields}


# The first of each operation is its plain success.
STORIES = [
    Story("signIn", 201, None, lambda _: {"body": {"code": code("alice")}}),
    Story("signIn", 400, "bad_request", lambda _: {"body": {"code": "a b"}}),
    Story("signIn", 401, "code_invalid", lambda _: {"body": {"code": "sesame"}}),
    Story("signIn", 403, "login_blocked", lambda _: {"body": {"code": "blocked-alice-1"}}),
    Story("signIn", 413, None, lambda _: {"body": {"code": "x" * 11_000_000}}),
    Story("signIn", 503, "wechat_unavailable", lambda _: {"body": {"code": "status-500"}}),
    Story("signIn", 503, "busy", lambda _: {"body": {"code": "limited-alice-1"}}),
    Story("getSession", 200, None, lambda _: {}),
    Story("getSession", 401, "session_invalid", nobody),
    Story("signOut", 204, None, leaver),
    Story("signOut", 204, None, lambda stage: leaver(stage) | {"query": {"scope": "all"}}),
    Story("signOut", 400, "bad_request", lambda stage: leaver(stage) | {"query": {"scope": "some"}}),
    Story("signOut", 401, "session_invalid", nobody),
    Story("createTask", 201, None, lambda _: {"body": {"title": "咖啡"}}),
    Story("createTask", 201, None, lambda _: {}),
    Story("createTask", 400, "bad_request", lambda _: {"body": {"title": "a\nb"}}),
    Story("createTask", 401, "session_invalid", nobody),
    Story("createTask", 413, None, lambda _: {"body": {"title": "x" * 11_000_000}}),
    Story("listTasks", 200, None, lambda _: {}),
    Story("listTasks", 400, "bad_request", lambda _: {"query": {"cursor": "x"}}),
    Story("listTasks", 401, "session_invalid", nobody),
    Story("getTask", 200, None, lambda stage: at(task_id=stage.task)),
    Story("getTask", 401, "session_invalid", lambda stage: at(task_id=stage.task) | nobody(stage)),
    Story("getTask", 404, "task_not_found", lambda _: at(task_id="unknown")),
    *uploads_to_a_task("uploadTaskImage", 201, into_path),
    Story("requestUpload", 201, None, lambda stage: announced(stage.task, upload_id="ticket")),
    Story("requestUpload", 400, "bad_request", lambda stage: announced(stage.task, bytes=0)),
    Story("requestUpload", 401, "session_invalid", lambda stage: announced(stage.task) | nobody(stage)),
    Story("requestUpload", 404, "task_not_found", lambda _: announced("unknown")),
    Story("requestUpload", 404, "not_found", lambda stage: announced(stage.task, upload_id="deleted")),
    Story("requestUpload", 409, "task_full", lambda stage: announced(stage.full_task)),
    Story("requestUpload", 409, "upload_id_reused", lambda stage: announced(stage.task, upload_id="kept")),
    Story("requestUpload", 413, "image_too_large", lambda stage: announced(stage.task, bytes=21_000_000)),
    Story("requestUpload", 413, None, lambda stage: announced(stage.task, upload_id="x" * 11_000_000)),
    Story("requestUpload", 415, "image_unsupported", lambda stage: announced(stage.task, content_type="image/tiff")),
    Story("requestUpload", 415, "image_unsupported", lambda stage: announced(stage.task, content_type="image/heic")),
    Story("deleteTaskImage", 204, None, lambda stage: at(task_id=stage.task, name=stage.deleted_image)),
    Story("deleteTaskImage", 401, "session_invalid", lambda stage: at(task_id=stage.task, name="x") | nobody(stage)),
    Story("deleteTaskImage", 404, "task_not_found", lambda _: at(task_id="unknown", name="x")),
    Story("deleteTaskImage", 404, "not_found", lambda stage: at(task_id=stage.task, name="x")),
    Story("showImage", 302, None, lambda stage: at(name=stage.image) | {"query": {"variant": "thumb"}}),
    Story("showImage", 302, None, lambda _: at(name="unknown.jpg")),
    Story("resolveImages", 200, None, lambda stage: {"body": {"names": [stage.image, "unknown.jpg", stage.image]}}),
    Story("resolveImages", 200, None, lambda stage: {"body": {"names": [stage.image], "variant": "medium"}}),
    Story("resolveImages", 400, "bad_request", lambda _: {"body": {"names": []}}),
    Story("resolveImages", 400, "bad_request", lambda stage: {"body": {"names": [stage.image], "variant": "huge"}}),
    Story("resolveImages", 401, "session_invalid", lambda stage: {"body": {"names": ["x"]}} | nobody(stage)),
    Story("resolveImages", 413, None, lambda _: {"body": {"names": ["x" * 11_000_000]}}),
    Story("getAccount", 200, None, lambda _: {}),
    Story("getAccount", 401, "session_invalid", nobody),
    Story("removeAccount", 202, None, lambda stage: goner(stage, code=code("goner"))),
    Story("removeAccount", 400, "bad_request", lambda stage: goner(stage)),
    Story("removeAccount", 401, "session_invalid", lambda stage: goner(stage, code=code("goner")) | nobody(stage)),
    Story("removeAccount", 401, "code_invalid", lambda stage: goner(stage, code=code("alice"))),
    Story("removeAccount", 403, "login_blocked", lambda stage: goner(stage, code="blocked-goner-1")),
    Story("removeAccount", 413, None, lambda stage: goner(stage, code="x" * 11_000_000)),
    Story("removeAccount", 503, "wechat_unavailable", lambda stage: goner(stage, code="status-500")),
    *uploads("uploadAvatar", 201, as_avatar),
    Story("showAvatar", 302, None, lambda stage: at(user_id=stage.session["user-id"])),
    Story("showAvatar", 302, None, lambda _: at(user_id="nobody")),
    *uploads_to_a_task("uploadTaskImageAsBefore", 200, into_form),
    Story("showImageAsBefore", 302, None, lambda stage: at(imagename=stage.image)),
]
SUCCESSES = {story.operation: story for story in reversed(STORIES) if story.status < 400}


@pytest.mark.parametrize("story", STORIES, ids=lambda story: f"{story.operation}-{story.status}-{story.error}")
def test_an_answer_is_as_the_document_says(stage: Stage, story: Story) -> None:
    answer = stage.call(story.operation, **story.parts(stage))

    assert answer.status_code == story.status, answer.text
    if story.status >= 400:
        assert answer.json().get("error") == story.error, answer.text


def test_every_status_of_the_document_is_answered_here() -> None:
    documented = {
        (operation["operationId"], int(status))
        for path in DOCUMENT["paths"].values()
        for operation in path.values()
        if isinstance(operation, dict)
        for status in operation["responses"]
    }
    answered = {(story.operation, story.status) for story in STORIES} | {(name, 503) for name in SUCCESSES}
    # The gateway's own, or a fault of ours: nobody can ask for them. (The 429 of `signIn` has a test below.)
    out_of_reach = {(name, status) for name in SUCCESSES for status in (429, 500)}
    # Each takes some steps, and has a test of its own.
    answered |= {("requestUpload", 200), ("uploadAvatar", 404)}

    assert answered | out_of_reach == documented


def test_a_ticket_of_which_an_image_has_come_is_answered_with_it(stage: Stage) -> None:
    session = sign_in(stage.base_url, "sender")
    task = call(stage.base_url, "createTask", headers=session).json()["task_id"]
    request = announced(task, upload_id="direct")
    ticket = call(stage.base_url, "requestUpload", headers=session, **request).json()
    requests.post(ticket["url"], data=ticket["fields"], files={"file": PHOTO}, timeout=10).raise_for_status()

    again = until(200, lambda: call(stage.base_url, "requestUpload", headers=session, **request))

    assert (again["name"], again["image"]["state"]) == (ticket["name"], "ready")


def test_an_avatar_that_was_replaced_does_not_come_back(stage: Stage) -> None:
    session = sign_in(stage.base_url, "vain")
    first = {"headers": session, "body": {"image": PHOTO, "upload_id": "first"}}
    call(stage.base_url, "uploadAvatar", **first)
    call(stage.base_url, "uploadAvatar", headers=session, body={"image": OTHER_PHOTO})

    again = until(404, lambda: call(stage.base_url, "uploadAvatar", **first))

    assert again["error"] == "not_found"


def until(status: int, ask: Callable[[], Response]) -> Any:
    """The answer once it has that status: something that S3 or a stream tells of comes before."""
    deadline = time.monotonic() + SECONDS_TO_BE_TOLD
    while (answer := ask()).status_code != status:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.1)
    return answer.json()


def test_an_outage_is_answered_as_the_document_says(stage: Stage) -> None:
    with local_stack({"AWS_ENDPOINT_URL_DYNAMODB": CLOSED_PORT}) as stack:
        for name, story in SUCCESSES.items():
            answer = call(stack["gateway"], name, **{"headers": stage.session, **story.parts(stage)})

            assert (answer.status_code, answer.json()["error"]) == (503, "busy"), name
            assert answer.headers["retry-after"] == ["2"], name


def test_too_many_failed_logins_are_answered_as_the_document_says() -> None:
    with local_stack({"LOGIN_RATE_PER_MINUTE": "1"}) as stack:
        answers = [call(stack["gateway"], "signIn", body={"code": "sesame"}) for _ in range(3)]

    # The minute may end between two of them, but not twice.
    late = [answer for answer in answers if answer.status_code == 429]
    assert late and all(answer.json()["error"] == "too_many_requests" for answer in late)
    assert all(answer.headers["retry-after"] == [str(answer.json()["retry_after"])] for answer in late)


def test_a_long_list_goes_on_at_its_cursor(stage: Stage) -> None:
    session = sign_in(stage.base_url, "busy-user")
    for _ in range(51):
        call(stage.base_url, "createTask", headers=session)

    first = call(stage.base_url, "listTasks", headers=session).json()
    rest = call(stage.base_url, "listTasks", headers=session, query={"cursor": first["cursor"]}).json()

    assert (len(first["tasks"]), len(rest["tasks"]), rest["cursor"]) == (50, 1, None)


@pytest.mark.parametrize("spelling", ["{}_id", "{}-id", "x-{}-id", "X-{}-ID"])
def test_every_documented_spelling_of_the_session_is_taken(stage: Stage, spelling: str) -> None:
    headers = {spelling.format(name): stage.session[f"{name}-id"] for name in ("session", "user")}

    assert call(stage.base_url, "getSession", headers=headers).status_code == 200
    for name in headers:
        scheme = DOCUMENT["components"]["securitySchemes"][f"{name.lower().removeprefix('x-')[:-3]}_id"]
        assert name.lower() in (scheme["name"], *scheme["description"].split("`")), name


@pytest.mark.parametrize(
    ("response", "method", "path"),
    [
        ("MethodNotAllowed", "PATCH", "/tasks"),
        ("MethodNotAllowed", "GET", "/me/avatar"),
        ("RouteNotFound", "GET", "/nowhere"),
    ],
)
def test_another_route_is_answered_as_the_components_say(stage: Stage, response: str, method: str, path: str) -> None:
    answer = requests.request(method, stage.base_url + path, timeout=10)

    documented = DOCUMENT["components"]["responses"][response]
    assert_fits(documented["content"]["application/json"]["schema"], answer.json())
    for name, header in documented["headers"].items():
        assert_fits({"$ref": f"{header['$ref']}/schema"}, answer.headers[name])


def test_every_example_fits_its_schema() -> None:
    examples = list(examples_of(DOCUMENT))
    assert len(examples) > 30
    for schema, example in examples:
        assert_fits(schema, example)


def examples_of(node: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(node, dict) and "schema" in node and "example" in node:
        yield node["schema"], node["example"]
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from examples_of(child)


def assert_fits(schema: Any, value: Any) -> None:
    within_the_document = {"components": DOCUMENT["components"], "allOf": [schema]}
    jsonschema.Draft202012Validator(within_the_document).validate(value)
