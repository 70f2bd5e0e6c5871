"""Which watches are in place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from worker.capture.functions import Installed, resolve
from worker.config.model import Mapping
from worker.errors import ConfigError

FOUND = """
SELECT t.tgname, quote_ident(n.nspname) || '.' || quote_ident(c.relname), p.proname, t.tgenabled
FROM pg_catalog.pg_trigger AS t
JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_proc AS p ON p.oid = t.tgfoid
JOIN pg_catalog.pg_namespace AS f ON f.oid = p.pronamespace
WHERE f.nspname = 'ringostat_sync' AND t.tgname LIKE 'ringostat\\_sync\\_%' AND t.tgparentid = 0
ORDER BY 2, 1
"""


@dataclass(frozen=True, slots=True)
class WatchStatus:
    """How a watch stands: `ok`, `missing`, `disabled`, or `no table`."""

    source: str
    table: str
    state: str


def status(connection: psycopg.Connection[Any], mapping: Mapping) -> list[WatchStatus]:
    """How every watch of the mapping stands; a changed definition counts as missing, as its triggers bear another name."""
    found: list[WatchStatus] = []
    for source in mapping.sources.values():
        for watch in source.watches:
            try:
                state = _state(connection, resolve(connection, source, watch))
            except ConfigError:
                state = "no table"
            found.append(WatchStatus(source.name, watch.table, state))
    return found


def in_place(connection: psycopg.Connection[Any], watch: Installed) -> bool:
    """Whether both triggers of a watch are there and fire always."""
    return _state(connection, watch) == "ok"


def _state(connection: psycopg.Connection[Any], watch: Installed) -> str:
    names = {watch.trigger, f"{watch.trigger}_truncate"}
    rows = [row for row in connection.execute(FOUND).fetchall() if row[1] == watch.table.name and row[0] in names]
    if len(rows) < len(names):
        return "missing"
    return "ok" if all(row[3] == "A" for row in rows) else "disabled"
