"""A Docker daemon and an image for `sam local`, or a clear word on why there is none. Standard library only.

Where no daemon answers, and this is root on a Debian, Docker is installed and a private daemon started under
target/docker, to be stopped at the end. Where AWS's base image cannot be pulled, a stand-in is made of this machine's own
glibc: it shows that packages start and answer under SAM, not that they need no newer glibc than Amazon Linux has (that is
what linking with zig is for).
"""

import os
import platform
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / "target" / "docker"
BASE_IMAGE = "public.ecr.aws/lambda/provided:al2023"
STAND_IN = "mini-functions-stand-in:al2023"
SECONDS_TO_PULL = 120
SECONDS_TO_START = 30
LIBRARIES = ["libc.so.6", "libm.so.6", "libgcc_s.so.1", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libresolv.so.2"]


class CannotRun(Exception):
    """Docker cannot run here; the text says why."""


@dataclass
class Docker:
    environment: dict[str, str]
    bridge: str
    """The address at which containers reach this machine."""
    image: str | None
    """What SAM is to use in place of AWS's own image."""


@contextmanager
def docker() -> Iterator[Docker]:
    environment = dict(os.environ)
    daemon = None
    if not answers(environment):
        install("dockerd", ["docker.io", "iptables"])
        daemon = start_daemon(environment)
    try:
        inspect = ["network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}"]
        bridge = run(["docker", *inspect], environment).strip() or "172.17.0.1"
        yield Docker(environment, bridge, None if can_pull(environment) else make_stand_in(environment))
    finally:
        if daemon:
            daemon.terminate()
            daemon.wait()


def answers(environment: dict[str, str]) -> bool:
    return bool(shutil.which("docker")) and succeeds(["docker", "info"], environment)


def start_daemon(environment: dict[str, str]) -> subprocess.Popen[bytes]:
    STATE.mkdir(parents=True, exist_ok=True)
    (STATE / "pid").unlink(missing_ok=True)
    environment["DOCKER_HOST"] = f"unix://{STATE}/docker.sock"
    options = ["--data-root", STATE / "data", "--exec-root", STATE / "exec", "--pidfile", STATE / "pid"]
    with (STATE / "log").open("w") as log:
        daemon = subprocess.Popen(["dockerd", *options, "--host", environment["DOCKER_HOST"]], stderr=log, stdout=log)
    deadline = time.monotonic() + SECONDS_TO_START
    while not answers(environment):
        if daemon.poll() is not None or time.monotonic() > deadline:
            daemon.terminate()
            raise CannotRun("dockerd does not start:\n" + (STATE / "log").read_text()[-500:])
        time.sleep(0.2)
    return daemon


def install(program: str, packages: list[str]) -> None:
    if shutil.which(program):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise CannotRun(f"no Docker daemon answers, and {program} can be installed only by root on a Debian")
    run(["apt-get", "update", "-qq"], dict(os.environ))
    quietly = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    run(["apt-get", "install", "-qq", "--no-install-recommends", *packages], quietly)


def can_pull(environment: dict[str, str]) -> bool:
    return succeeds(["docker", "pull", "--quiet", BASE_IMAGE], environment)


def make_stand_in(environment: dict[str, str]) -> str:
    """Only what SAM (`mv`, `chmod`) and a program linked with glibc need."""
    install("busybox", ["busybox-static"])
    root = STATE / "image"
    shutil.rmtree(root, ignore_errors=True)
    for folder in ["bin", "lib", "lib64", "tmp", "opt", "etc/pki/tls/certs", "var/task", "var/runtime", "var/rapid"]:
        (root / folder).mkdir(parents=True)
    shutil.copy(shutil.which("busybox"), root / "bin/busybox")
    for command in ["sh", "mv", "chmod", "cp", "rm", "ls", "cat", "env"]:
        (root / "bin" / command).symlink_to("busybox")
    libraries = Path("/lib") / f"{platform.machine()}-linux-gnu"
    for library in filter(Path.exists, map(libraries.joinpath, LIBRARIES)):
        shutil.copy(library, root / "lib64")
    loader = next(path for path in [Path("/lib64/ld-linux-x86-64.so.2"), Path("/lib/ld-linux-aarch64.so.1")] if path.exists())
    shutil.copy(loader, root / loader.relative_to("/"))
    roots = Path("/etc/ssl/certs/ca-certificates.crt")
    if roots.exists():
        shutil.copy(roots, root / "etc/pki/tls/certs/ca-bundle.crt")
    (root / "etc/passwd").write_text("root:x:0:0:root:/:/bin/sh\nsbx_user1051:x:993:990::/:/bin/sh\n")
    (root / "etc/nsswitch.conf").write_text("hosts: files dns\n")
    (root / "Dockerfile").write_text(
        "FROM scratch\nCOPY . /\nWORKDIR /var/task\n"
        "ENV PATH=/bin:/var/task LD_LIBRARY_PATH=/lib64 LAMBDA_TASK_ROOT=/var/task LAMBDA_RUNTIME_DIR=/var/runtime "
        "SSL_CERT_FILE=/etc/pki/tls/certs/ca-bundle.crt\n"
    )
    # Without BuildKit: Debian's docker.io comes without buildx.
    run(["docker", "build", "--quiet", "--tag", STAND_IN, str(root)], environment | {"DOCKER_BUILDKIT": "0"})
    return STAND_IN


def succeeds(command: list[str], environment: dict[str, str]) -> bool:
    try:
        result = subprocess.run(command, env=environment, capture_output=True, timeout=SECONDS_TO_PULL, check=False)
    except subprocess.TimeoutExpired:
        return False
    return result.returncode == 0


def run(command: list[str], environment: dict[str, str]) -> str:
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise CannotRun(f"{' '.join(command)}: {result.stderr.strip()[-500:]}")
    return result.stdout
