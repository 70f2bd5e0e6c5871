"""A script that `account.py` runs: has another user's numbers in a user namespace and becomes a program.

Outside of the namespace we stay who we are, so that our own files stay within reach; root's power over
the files of others ends here, though.

    python namespace.py UID GID PROGRAM ARGUMENT…
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

CLONE_NEWUSER = 0x10000000


def unshare_users() -> None:
    """`unshare(CLONE_NEWUSER)`, from the C library as `os.unshare` came with Python 3.12.

    Raises `OSError` if the system forbids it.
    """
    library = ctypes.CDLL(None, use_errno=True)
    if library.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "cannot enter a user namespace")


def bear_numbers(uid: int, gid: int) -> None:
    """Be `uid` and `gid` in a new namespace, in which no other user exists (user_namespaces(7))."""
    own_uid, own_gid = os.geteuid(), os.getegid()
    unshare_users()
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {own_uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {own_gid} 1")


if __name__ == "__main__":
    bear_numbers(int(sys.argv[1]), int(sys.argv[2]))
    os.execv(sys.argv[3], sys.argv[3:])  # noqa: S606 - only our own launcher calls this
