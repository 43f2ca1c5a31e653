"""Tells the whole stories (local/gateway/tests/it/story.rs) of a stack that is running already."""

import os
import subprocess
from collections.abc import Iterable, Mapping

from local_stack import ROOT

STORIES = [os.environ.get("CARGO", "cargo"), "test", "--quiet", "--package", "gateway", "--test", "it"]


def tell(endpoint: str, left_out: Mapping[str, str], sessions: Iterable[str] = ()) -> None:
    """Tells all of them but those in `left_out`, by name and reason.

    `sessions` (`<user id>:<session id>`) are for a stack where the stories cannot sign in by themselves. Raises SystemExit
    when one of them does not hold, and when one that is left out is gone.
    """
    known = names()
    if gone := left_out.keys() - set(known):
        raise SystemExit(f"there are no such stories to leave out: {', '.join(sorted(gone))}")
    for name, reason in left_out.items():
        print(f"left out: {name}: {reason}", flush=True)
    told = [name for name in known if name not in left_out]
    # In the environment, where other users of this machine do not see it, as they would see arguments.
    environment = os.environ | {"MINI_TEST_ENDPOINT": endpoint, "MINI_TEST_SESSIONS": " ".join(sessions)}
    if subprocess.run([*STORIES, "--", "--exact", *told], cwd=ROOT, env=environment, check=False).returncode != 0:
        raise SystemExit(f"not every story holds of {endpoint}")
    print(f"{len(told)} stories told of {endpoint}, {len(left_out)} left out", flush=True)


def names() -> list[str]:
    """What the test program calls them."""
    listed = subprocess.run(
        [*STORIES, "story::", "--", "--list", "--format", "terse"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False
    )
    if listed.returncode != 0:
        raise SystemExit("the stories cannot be built")
    return [line.removesuffix(": test") for line in listed.stdout.splitlines() if line.endswith(": test")]
