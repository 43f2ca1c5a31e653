"""Ports of this machine. Standard library only."""

import socket
import time

SECONDS_TO_START = 60


def free_ports() -> tuple[int, int]:
    """Two ports; both are held until both are known, else they could be the same."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]


def wait_for(port: int) -> None:
    """Waits until somebody listens there."""
    deadline = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
