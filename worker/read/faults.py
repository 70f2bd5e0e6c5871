"""Whose fault an error of the CRM's is: a contact's, the mapping's, or one that passes. Pure."""

from __future__ import annotations

import psycopg
from psycopg import errors

from worker.config.model import Source
from worker.errors import MappingBrokenError, ReplicaUnavailableError, SyncError

AWAY = "The CRM replica does not answer: check CRM_DATABASE_URL and the server."
PASSING_CLASSES = {"08", "40", "53", "57", "58", "XX"}
TIMED_OUT = "57014"
IN_A_ROW = {"21", "22", "23", "2F", "38", "39", "44", "54", "P0", "XX"}
"""Classes of SQLSTATEs that may come of a row's values: two rows in place of one, a value that can't be, one that a domain refuses,
RAISE, a function in another language, a recursion without end, an extension's function that fails or a row that is damaged."""
RAISED = "exec_stmt_raise"
"""The place in PostgreSQL where PL/pgSQL's RAISE comes from, whatever SQLSTATE it gives."""
HIDES_ROWS = "check_enable_rls"
"""The place in PostgreSQL that raises 42501 for a policy; its words are in the server's language."""


def is_in_a_row(error: psycopg.Error) -> bool:
    """Whether a row's values may be at fault, and the same query be well without it; so with whatever a RAISE gives."""
    state = error.sqlstate or ""
    if state[:2] in IN_A_ROW or error.diag.source_function == RAISED:
        return True
    return bool(state) and not _is_known(state)


def named(error: psycopg.Error) -> str:
    """An error without its words, which may quote values."""
    return f"{error.sqlstate} {type(error).__name__}"


def hides_rows(error: psycopg.Error) -> bool:
    """Whether the query was refused as a policy of row level security would apply to it."""
    return isinstance(error, errors.InsufficientPrivilege) and error.diag.source_function == HIDES_ROWS


def broken_or_unavailable(source: Source, error: psycopg.Error, what: str = "The query") -> SyncError:
    """Whether a failed query is the mapping's fault (it pauses the project) or the replica's (it passes)."""
    state = error.sqlstate or ""
    if not state or (state[:2] in PASSING_CLASSES and state != TIMED_OUT):
        return ReplicaUnavailableError(AWAY)
    if hides_rows(error):
        return MappingBrokenError(
            f"Row level security would hide rows from source {source.name!r} (42501): give the role BYPASSRLS, or, if what its"
            " policies leave is meant to be all, write `row_security = true` into the source."
        )
    return MappingBrokenError(
        f"{what} of source {source.name!r} fails ({named(error)}): run `ringostat-sync check` to see why."
    )


def _is_known(state: str) -> bool:
    try:
        errors.lookup(state)
    except KeyError:
        return False
    return True
