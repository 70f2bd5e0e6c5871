"""As whom PostgreSQL runs: it refuses root, so that root has to lend it another user's numbers."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from worker.errors import ConfigError
from worker.local.up.embedded import namespace
from worker.local.up.embedded.server import server_environment

ROOT = 0
PROBE = 'cd "$1" && exec "$2" --version'


@dataclass(frozen=True, slots=True)
class Account:
    """The numbers that a program runs under; in a namespace it only has them, and its files stay root's."""

    uid: int
    gid: int
    namespaced: bool = False

    @property
    def dropped(self) -> bool:
        """Whether the process really becomes somebody else."""
        return not self.namespaced and self.uid != os.geteuid()

    def command(self, *arguments: str) -> list[str]:
        """The command line that runs `arguments` under this account."""
        if not self.namespaced:
            return list(arguments)
        script = (sys.executable, "-I", "-S", namespace.__file__)
        return [*script, str(self.uid), str(self.gid), *arguments]

    def popen(self) -> dict[str, Any]:
        """The arguments for `Popen` that go with `command`."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.dropped else {}

    def adopt(self, folder: Path) -> None:
        """Make `folder` and all in it this account's, as PostgreSQL wants; root alone can and must."""
        if os.geteuid() != ROOT:
            return
        owner = (ROOT, ROOT) if self.namespaced else (self.uid, self.gid)
        for path in (folder, *folder.rglob("*")):
            with suppress(FileNotFoundError):  # the last children of a killed server still tidy up
                status = path.lstat()
                if (status.st_uid, status.st_gid) != owner:
                    os.lchown(path, *owner)

    def can_run(self, program: Path, folder: Path) -> bool:
        """Whether `program` starts and `folder` is within reach under this account; found out by trying."""
        command = self.command("/bin/sh", "-c", PROBE, "sh", str(folder), str(program))
        answer = subprocess.run(  # noqa: S603 - our own binary and folder
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            env=server_environment(),
            **self.popen(),
        )
        return answer.returncode == 0


def ourselves() -> Account:
    """The account of this very process."""
    return Account(os.geteuid(), os.getegid())


def choose_account(program: Path, home: Path, data: Path) -> Account:
    """Who runs `program` on `data`, a folder below `home` that may yet have to be made.

    We ourselves, unless we are root: then the first who reaches the program and `home`, of the data's owner,
    nobody, the owners of `home` and of the folder above, and at last ourselves in a namespace. No permissions
    are changed for it. Raises `ConfigError` if none reaches them.
    """
    if os.geteuid() != ROOT:
        return ourselves()
    for account in _candidates(home, data):
        if account.can_run(program, home):
            return account
    raise ConfigError(
        "PostgreSQL does not run as root, and the user nobody does not reach its program and its data here: "
        "run this as another user, set SYNC_HOME to a folder that it can reach, or set DATABASE_URL."
    )


def _candidates(home: Path, data: Path) -> Iterator[Account]:
    nobody = _account("nobody")
    owners = [_account(folder.stat().st_uid) for folder in (data, home, home.parent) if folder.exists()]
    known = [*owners[:-2], nobody, *owners[-2:]]
    yield from (each for each in known if each is not None and each.uid != ROOT)
    if nobody is not None and sys.platform == "linux":
        yield Account(nobody.uid, nobody.gid, namespaced=True)


def _account(user: str | int) -> Account | None:
    """A user of the password file; initdb does not work for one who is not in it."""
    try:
        entry = pwd.getpwnam(user) if isinstance(user, str) else pwd.getpwuid(user)
    except KeyError:
        return None
    return Account(entry.pw_uid, entry.pw_gid)
