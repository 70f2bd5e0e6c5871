"""What our sessions rely on, whatever a server, a database, a role or an address sets: said once, after connecting.

After it, and not in the address: `options` of our own would replace the address's, a pooler in between refuses most of what is said
at the start, and libpq takes a session for a standby's that begins with `default_transaction_read_only`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg

Settings = Mapping[str, str]

WRITTEN_FORMS = {
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
}
"""How values are written as text: psycopg reads no other dates, and a key is the same whoever writes it."""
EVERYWHERE = {
    **WRITTEN_FORMS,
    "client_encoding": "UTF8",
    "standard_conforming_strings": "on",
    "quote_all_identifiers": "off",
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
    "lock_timeout": "0",
    "idle_session_timeout": "0",
    "jit": "off",
}
OUTBOX = {
    **EVERYWHERE,
    "TimeZone": "UTC",
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "60s",
    "search_path": "pg_catalog",
    "default_transaction_read_only": "off",
    # Our tables are empty one moment and full the next, and a prepared statement keeps its plan: one that was made for an empty
    # table must not be to read all of it.
    "enable_seqscan": "off",
}
CARELESS = {"synchronous_commit": "off"}
CRM = {
    **EVERYWHERE,
    "statement_timeout": "30s",  # for one batch
    # A backfill reads through a cursor, and writes a chunk elsewhere between two looks.
    "idle_in_transaction_session_timeout": "600s",
    "default_transaction_read_only": "on",
    "row_security": "off",
}
MIGRATION = {**OUTBOX, "statement_timeout": "0", "enable_seqscan": "on"}
CAPTURE = {
    **EVERYWHERE,
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "60s",
    "default_transaction_read_only": "off",
    "row_security": "on",
}
SINCE_17 = {"transaction_timeout": "0"}


def settle_in(connection: psycopg.Connection[Any], settings: Settings) -> None:
    """Make these settings the session's, in one round trip. `connection` is in autocommit. Raises psycopg.Error."""
    wanted = {**settings, **(SINCE_17 if connection.info.server_version >= 170000 else {})}
    changes = ", ".join(f"pg_catalog.set_config('{name}', '{value}', false)" for name, value in wanted.items())
    connection.execute(f"SELECT {changes}".encode())
