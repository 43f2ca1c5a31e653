"""The seed set: one signed-in user with a task, a photo in it and an avatar. Everything here is public and fixed."""

import base64
import hashlib
from pathlib import Path

HERE = Path(__file__).parent


def base64url(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def hashed(raw):
    return base64url(hashlib.sha256(raw).digest())


def photo(name):
    return (HERE / "photos" / name).read_bytes()


APP_ID = "wxdev0000000000001"  # the local stack's
# Of the fake WeChat's user `seed`: codes `dev-seed-<nonce>` sign the seeded user in.
OPENID = "o" + hashed(f"{APP_ID}\nseed".encode())[:27]
OPENID_HASH = hashed(f"{APP_ID}\n{OPENID}".encode())
USER_SEED = base64.b64encode(b"the seed of the user in the seed").decode()

USER = "5e550000-0000-4000-8000-00000000a11c"
SESSION = base64url(b"the seed session, no secret here")
TASK = "seed-task"
IMAGE, IMAGE_ATTEMPT = "5eed0000000040008000000000000001.jpg", "5eed0000000040008000000000000a01"
AVATAR, AVATAR_ATTEMPT = "5eed0000000040008000000000000002.jpg", "5eed0000000040008000000000000a02"

# A ticket's, of which a test makes the row and the object.
TICKET_IMAGE, TICKET_ATTEMPT = "5eed0000000040008000000000000003.jpg", "5eed0000000040008000000000000a03"

# Well formed, and not in the set.
UNKNOWN_USER = "5e550000-0000-4000-8000-00000000ffff"
UNKNOWN_SESSION = base64url(b"an unknown session, well formed.")
UNKNOWN_TASK = "no-such-task"
UNKNOWN_IMAGE = "5eed00000000400080000000000000ff.jpg"


def stem(name):
    return name.split(".")[0]


def object_key(name, attempt):
    return f"images/{stem(name)}/{attempt}/original.jpg"


def incoming_key(name, attempt):
    return f"incoming/{stem(name)}/{attempt}"


def image_row(name, attempt, target, file, width, height):
    return {
        "stem": {"S": stem(name)},
        "state": {"S": "ready"},
        "owner_id": {"S": USER},
        "target": {"S": target},
        "content_hash": {"S": hashed(photo(file))},
        "attempt": {"S": attempt},
        "object_key": {"S": object_key(name, attempt)},
        "extension": {"S": "jpg"},
        "bytes": {"N": str(len(photo(file)))},
        "width": {"N": str(width)},
        "height": {"N": str(height)},
        "touched_at": {"N": "$now"},
    }


SEED = {
    "rows": {
        "SessionsTable": [{
            "user_id": {"S": USER},
            "session_hash": {"S": hashed(SESSION.encode())},
            "user_seed": {"B": USER_SEED},
            "created_at_ms": {"N": "$now_ms"},
            "renewed_at_ms": {"N": "$now_ms"},
            "expires_at": {"N": "$in_15_days"},
        }],
        "UsersTable": [
            {
                "openid_hash": {"S": OPENID_HASH},
                "user_id": {"S": USER},
                "user_seed": {"B": USER_SEED},
                "created_at_ms": {"N": "1767225600000"},  # 2026-01-01T00:00:00Z
                "first_login": {"S": "seed"},
            },
            {
                "openid_hash": {"S": f"user#{USER}"},
                "user_keys": {"SS": [OPENID_HASH]},
                "created_at_ms": {"N": "1767225600000"},
            },
        ],
        "TasksTable": [{
            "task_id": {"S": TASK},
            "owner_id": {"S": USER},
            "title": {"S": "Launch pad"},
            "created_at_ms": {"N": "1767225600000"},  # 2026-01-01T00:00:00Z
            "images": {"L": [{"S": IMAGE}]},
            "version": {"N": "1"},
        }],
        "ImagesTable": [
            image_row(IMAGE, IMAGE_ATTEMPT, f"task#{TASK}", "seed-task.jpg", 320, 240),
            image_row(AVATAR, AVATAR_ATTEMPT, "avatar", "seed-avatar.jpg", 240, 240),
            {
                "stem": {"S": f"avatar#{USER}"},
                "image_name": {"S": AVATAR},
                "attempt": {"S": AVATAR_ATTEMPT},
                "object_key": {"S": object_key(AVATAR, AVATAR_ATTEMPT)},
            },
        ],
    },
    "objects": [
        {"key": object_key(IMAGE, IMAGE_ATTEMPT), "file": "photos/seed-task.jpg", "content_type": "image/jpeg"},
        {"key": object_key(AVATAR, AVATAR_ATTEMPT), "file": "photos/seed-avatar.jpg", "content_type": "image/jpeg"},
    ] + [
        {
            "key": f"defaults/{kind}",
            "file": f"../shared/images/defaults/{kind}.png",
            "content_type": "image/png",
            "cache_control": "max-age=86400",
        }
        for kind in ("missing", "avatar", "in-preparation", "not-available")
    ],
}
