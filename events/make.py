#!/usr/bin/env python3
"""Writes every event file and seed.json from the table below. With --check it only tells what differs."""

import json
import sys

sys.dont_write_bytecode = True

import seed
from authorizer import of_http_api, of_http_api_in_format_1, of_rest_api
from http_api import as_json, call, field, file, form, text
from s3 import BUCKET, created, test_event
from schedule import each_minute
from stream import TTL, pointer, records, row, tombstone

NOBODY = {}
ALICE = {"session_id": seed.SESSION, "user_id": seed.USER}
ALICE_WITH_HYPHENS = {"session-id": seed.SESSION, "user-id": seed.USER}
ALICE_WITH_CAPITALS = {"Session-Id": seed.SESSION, "User-Id": seed.USER}
TASK, TASK_IMAGE = "ANY /tasks/{task_id}", "ANY /tasks/{task_id}/images/{name}"
USER_AVATAR = "ANY /users/{user_id}/avatar"
OTHER_ATTEMPT = "5eed0000000040008000000000000aff"
SHOWN, REMOVED = row(seed.IMAGE, seed.IMAGE_ATTEMPT, "ready"), tombstone(seed.IMAGE, seed.IMAGE_ATTEMPT)
AVATAR, NEXT_AVATAR = pointer(seed.AVATAR, seed.AVATAR_ATTEMPT), pointer(seed.UNKNOWN_IMAGE, OTHER_ATTEMPT)
ORIGINAL = seed.object_key(seed.IMAGE, seed.IMAGE_ATTEMPT)
INCOMING = seed.incoming_key(seed.TICKET_IMAGE, seed.TICKET_ATTEMPT)
SEEDED_PHOTO, SEEDED_FACE = seed.photo("seed-task.jpg"), seed.photo("seed-avatar.jpg")
PHOTO, PORTRAIT = seed.photo("coffee.jpg"), seed.photo("avatar.jpg")


def login(body):
    return call("POST", "POST /session", NOBODY, body)


def check(headers, method="GET"):
    return call(method, "ANY /session", headers)


def revoke(headers=ALICE, query=""):
    return call("DELETE", "DELETE /session", headers, query=query)


def tasks(method, headers=ALICE, body=None, query=""):
    return call(method, "ANY /tasks", headers, body, query)


def upload(body, headers=ALICE, task_id=seed.TASK, method="POST"):
    return call(method, "ANY /tasks/{task_id}/images", headers, body, task_id=task_id)


def ticket(body, headers=ALICE, task_id=seed.TASK, method="POST"):
    return call(method, "ANY /tasks/{task_id}/uploads", headers, body, task_id=task_id)


def seed_upload(body):
    return call("POST", "ANY /task/postImage", ALICE, body)


def avatar(body, headers=ALICE):
    return call("POST", "ANY /me/avatar", headers, body)


def image(name, method="GET", query=""):
    return call(method, "ANY /images/{name}", NOBODY, query=query, name=name)


def resolve(names, **options):
    return call("POST", "ANY /images/resolve", ALICE, as_json({"names": names, **options}))


def me(method, headers=ALICE, body=None):
    return call(method, f"{'DELETE' if method == 'DELETE' else 'ANY'} /me", headers, body)


EVENTS = {
    "account": {
        "me": me("GET"),
        "missing-headers": me("GET", NOBODY),
        "post-method": me("POST", body=as_json({})),
    },
    "account-remove": {
        "delete": me("DELETE", body=as_json({"code": "dev-seed-1"})),
        "missing-headers": me("DELETE", NOBODY, as_json({"code": "dev-seed-1"})),
        "missing-code": me("DELETE", body=as_json({})),
        "another-users-code": me("DELETE", body=as_json({"code": "dev-bob-1"})),
    },
    "account-sweep": {
        "schedule": each_minute(),
    },
    "session-login": {
        "good": login(as_json({"code": "dev-alice-1"})),
        "used-code": login(as_json({"code": "used-alice-1"})),
        "unknown-code": login(as_json({"code": "no-such-code"})),
        "malformed-json": login(text('{"code":"dev-alice-1"')),
        "missing-code": login(as_json({})),
    },
    "session-check": {
        "good": check(ALICE),
        "hyphen-headers": check(ALICE_WITH_HYPHENS),
        "x-headers": check({"x-session-id": seed.SESSION, "x-user-id": seed.USER}),
        "missing-headers": check(NOBODY),
        "doubled-header": check(ALICE | {"session_id": f"{seed.SESSION},{seed.UNKNOWN_SESSION}"}),
        "two-spellings-differ": check(ALICE | {"session-id": seed.UNKNOWN_SESSION}),
        "unknown-session": check(ALICE | {"session_id": seed.UNKNOWN_SESSION}),
        "malformed-session": check(ALICE | {"session_id": "0d1e9f6c-6a44-4bd0-9d0e-7f4f3a2b1c0d"}),
        "patch-method": check(ALICE, "PATCH"),
    },
    "session-authorizer": {
        "good": of_http_api(ALICE),
        "hyphen-headers": of_http_api(ALICE_WITH_HYPHENS, identity_source=(seed.SESSION, seed.USER)),
        "x-headers": of_http_api({"x-session-id": seed.SESSION, "x-user-id": seed.USER}),
        "missing-headers": of_http_api(NOBODY),
        "doubled-header": of_http_api(ALICE | {"session_id": f"{seed.UNKNOWN_SESSION},{seed.SESSION}"}),
        "two-spellings-differ": of_http_api(ALICE | {"session-id": seed.UNKNOWN_SESSION}),
        "unknown-session": of_http_api(ALICE | {"session_id": seed.UNKNOWN_SESSION}),
        "malformed-session": of_http_api(ALICE | {"session_id": "0d1e9f6c-6a44-4bd0-9d0e-7f4f3a2b1c0d"}),
        "format-1-good": of_http_api_in_format_1(ALICE_WITH_HYPHENS),
        "format-1-missing-headers": of_http_api_in_format_1(NOBODY),
        "rest-good": of_rest_api(ALICE_WITH_CAPITALS),
        "rest-missing-headers": of_rest_api(NOBODY),
        "rest-unknown-session": of_rest_api(ALICE_WITH_CAPITALS | {"Session-Id": seed.UNKNOWN_SESSION}),
        "rest-doubled-header": of_rest_api(ALICE_WITH_CAPITALS, sent_before=[("Session-Id", seed.UNKNOWN_SESSION)]),
    },
    "session-revoke": {
        "one": revoke(),
        "all": revoke(query="scope=all"),
        "unknown-scope": revoke(query="scope=others"),
        "missing-headers": revoke(NOBODY),
    },
    "tasks": {
        "create": tasks("POST", body=as_json({"title": "Shelf 4"})),
        "create-with-key": tasks("POST", ALICE | {"idempotency-key": "create-1"}, as_json({"title": "Shelf 4"})),
        "create-bad-title": tasks("POST", body=as_json({"title": "x" * 101})),
        "list": tasks("GET"),
        "list-bad-cursor": tasks("GET", query="cursor=no-such-cursor"),
        "page": call("GET", TASK, ALICE, task_id=seed.TASK),
        "page-foreign": call("GET", TASK, ALICE, task_id=seed.UNKNOWN_TASK),
        "delete-image": call("DELETE", TASK_IMAGE, ALICE, task_id=seed.TASK, name=seed.IMAGE),
        "delete-unknown-image": call("DELETE", TASK_IMAGE, ALICE, task_id=seed.TASK, name=seed.UNKNOWN_IMAGE),
        "unknown-route": call("GET", "$default", NOBODY, path="/no/such/route"),
        "put-method": tasks("PUT", body=as_json({"title": "Shelf 4"})),
    },
    "task-image-upload": {
        "one-photo": upload(form(file(PHOTO))),
        "seed-route": seed_upload(form(field("task_id", seed.TASK), file(PHOTO))),
        "file-before-fields": seed_upload(form(file(PHOTO), field("task_id", seed.TASK))),
        "third-part-header": upload(form(file(PHOTO, with_length=True), boundary="3f1c9a52-7d0b-4e0e-9d55-0c2b")),
        "with-upload-id": upload(form(field("upload_id", "upload-1"), file(PHOTO))),
        "unknown-task": upload(form(file(PHOTO)), task_id=seed.UNKNOWN_TASK),
        "no-image": upload(form(field("upload_id", "upload-1"))),
        "two-images": upload(form(file(PHOTO), file(PORTRAIT))),
        "text-named-jpg": upload(form(file(seed.photo("text.jpg")))),
        "heic": upload(form(file(seed.photo("coffee.heic"), "image/heic", "tmp_5e7a91c04d.heic"))),
        "truncated": upload(form(file(PHOTO[: len(PHOTO) * 6 // 10]))),
        "get-method": upload(None, method="GET"),
        "missing-headers": upload(form(file(PHOTO)), NOBODY),
    },
    "upload-ticket": {
        "one-photo": ticket(as_json({"content_type": "image/jpeg", "bytes": len(PHOTO)})),
        "jpg": ticket(as_json({"content_type": "image/jpg", "bytes": len(PHOTO)})),
        "with-upload-id": ticket(as_json({"content_type": "image/jpeg", "bytes": len(PHOTO), "upload_id": "ticket-1"})),
        "largest": ticket(as_json({"content_type": "image/png", "bytes": 20 * 1024 * 1024})),
        "too-large": ticket(as_json({"content_type": "image/jpeg", "bytes": 20 * 1024 * 1024 + 1})),
        "missing-bytes": ticket(as_json({"content_type": "image/jpeg"})),
        "no-bytes": ticket(as_json({"content_type": "image/jpeg", "bytes": 0})),
        "heic": ticket(as_json({"content_type": "image/heic", "bytes": len(PHOTO)})),
        "svg": ticket(as_json({"content_type": "image/svg+xml", "bytes": len(PHOTO)})),
        "unknown-task": ticket(as_json({"content_type": "image/jpeg", "bytes": len(PHOTO)}), task_id=seed.UNKNOWN_TASK),
        "get-method": ticket(None, method="GET"),
        "missing-headers": ticket(as_json({"content_type": "image/jpeg", "bytes": len(PHOTO)}), NOBODY),
    },
    "avatar-upload": {
        "one-avatar": avatar(form(file(PORTRAIT))),
        "no-image": avatar(form(field("upload_id", "avatar-1"))),
        "png": avatar(form(file(seed.photo("avatar.png"), "image/png", "tmp_5e7a91c04d.png"))),
        "missing-headers": avatar(form(file(PORTRAIT)), NOBODY),
    },
    "image-ingest": {
        "incoming": created((INCOMING, PHOTO, BUCKET, "Post")),
        "original": created((ORIGINAL, SEEDED_PHOTO)),
        "several": created((ORIGINAL, SEEDED_PHOTO), (seed.object_key(seed.AVATAR, seed.AVATAR_ATTEMPT), SEEDED_FACE)),
        "encoded-key": created((ORIGINAL.replace(".", "%2E"), SEEDED_PHOTO)),
        "own-output": created((ORIGINAL.replace("original", "0f0e0d0c0b0a09080706050403020100/original"), SEEDED_PHOTO)),
        "foreign-bucket": created((ORIGINAL, SEEDED_PHOTO, "another-bucket")),
        "foreign-key": created(("incoming/holiday+photos/beach.jpg", PHOTO)),
        "test": test_event(),
    },
    "image-redirect": {
        "image": image(seed.IMAGE),
        "thumb": image(seed.IMAGE, query="variant=thumb"),
        "unknown-variant": image(seed.IMAGE, query="variant=huge"),
        "missing": image(seed.UNKNOWN_IMAGE),
        "malformed-name": image("..%2f..%2fetc"),
        "seed-route": call("GET", "ANY /task/{imagename}", NOBODY, imagename=seed.IMAGE),
        "avatar": call("GET", USER_AVATAR, NOBODY, user_id=seed.USER),
        "avatar-unknown": call("GET", USER_AVATAR, NOBODY, user_id=seed.UNKNOWN_USER),
        "resolve": resolve([seed.IMAGE, seed.UNKNOWN_IMAGE, "no image name", seed.IMAGE]),
        "resolve-thumb": resolve([seed.IMAGE], variant="thumb"),
        "resolve-too-many": resolve([seed.IMAGE] * 51),
        "resolve-bad-variant": resolve([seed.IMAGE], variant="huge"),
        "head": image(seed.IMAGE, "HEAD"),
    },
    "image-sweep": {
        "removed": records((SHOWN, REMOVED)),
        "shown": records((row(seed.IMAGE, seed.IMAGE_ATTEMPT, "pending"), SHOWN)),
        "ttl": records((row(seed.IMAGE, seed.IMAGE_ATTEMPT, "pending"), None, TTL)),
        "replaced-avatar": records((AVATAR, NEXT_AVATAR)),
        # Other things in the table, and changes of images that leave their objects where they are.
        "foreign-rows": records(
            ({"stem": {"S": "settings"}, "attempt": {"S": seed.IMAGE_ATTEMPT}}, None),
            (SHOWN | {"stem": {"S": "5eed"}}, None, TTL),
            (SHOWN | {"attempt": {"S": ""}}, None, TTL),
            (SHOWN | {"attempt": {"S": "../" + seed.AVATAR_ATTEMPT[3:]}}, REMOVED | {"attempt": {"S": "/"}}),
            (None, row(seed.IMAGE, seed.IMAGE_ATTEMPT, "pending")),
            (row(seed.IMAGE, seed.IMAGE_ATTEMPT, "pending"), SHOWN),
            (None, AVATAR),
            (AVATAR, None),
            (AVATAR | {"image_name": {"S": "5eed.jpg"}}, NEXT_AVATAR),
        ),
        "several": records(
            (None, row(seed.UNKNOWN_IMAGE, OTHER_ATTEMPT, "pending")),
            (AVATAR, NEXT_AVATAR),
            (SHOWN, REMOVED),
            (tombstone(seed.UNKNOWN_IMAGE, OTHER_ATTEMPT), None, TTL),
        ),
    },
}


def main():
    made = {seed.HERE / "seed.json": as_text(seed.SEED)}
    for function, cases in EVENTS.items():
        made |= {seed.HERE / function / f"{case}.json": as_text(event) for case, event in cases.items()}
    differing = [path for path, content in made.items() if not path.exists() or path.read_text("utf-8") != content]
    faults = [f"{path}: no table names it" for path in sorted(set(seed.HERE.rglob("*.json")) - set(made))]
    if sys.argv[1:] == ["--check"]:
        faults += [f"{path}: not as make.py makes it" for path in differing]
    else:
        for path in differing:
            path.parent.mkdir(exist_ok=True)
            path.write_text(made[path], "utf-8")
        print(f"{len(made)} files, {len(differing)} written")
    sys.exit("\n".join(faults) or None)


def as_text(value):
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


main()
