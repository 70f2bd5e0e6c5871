"""The PostgreSQL that tests run on."""

from __future__ import annotations

import os
from pathlib import Path

import psycopg
from psycopg import sql

from worker.local.up.embedded import EmbeddedPostgres
from worker.local.up.embedded.postgres import server_binary

CARELESS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
SCRAM_ITERATIONS_SINCE = 160_000
PROGRAMS = Path(os.environ["POSTGRES"]).resolve() if os.environ.get("POSTGRES") else None
"""The folder of its programs; the embedded one's, unless `make test POSTGRES=…` says otherwise."""


class QuickPostgres(EmbeddedPostgres):
    """Its password is hashed once instead of 4,096 times: tests connect thousands of times, each a hundredth of a second sooner."""

    def _furnish(self) -> None:
        super()._furnish()
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            if connection.info.server_version >= SCRAM_ITERATIONS_SINCE:
                connection.execute("SET scram_iterations = 1")
                connection.execute(sql.SQL("ALTER ROLE postgres PASSWORD {}").format(self.password))


def programs() -> Path:
    """The folder of its programs, clients among them."""
    return PROGRAMS or server_binary().parent


def postgres_in(home: Path, settings: dict[str, str] = CARELESS) -> QuickPostgres:
    """A server whose data are below `home`; as it is, one that survives no power cut."""
    return QuickPostgres(home, settings=settings, programs=PROGRAMS)
