"""Which TCP port of 127.0.0.1 a server takes."""

from __future__ import annotations

import socket

HOST = "127.0.0.1"
PORTS_TRIED = 200


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` now; connections that an earlier one left behind do no harm."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Servers set it too; without it a port counts as taken for a minute after a server that was killed.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def next_free(first: int) -> int | None:
    """The first free port from `first` on, or None if none of the next 200 is."""
    return next((port for port in range(first, min(first + PORTS_TRIED, 65536)) if is_free(port)), None)
