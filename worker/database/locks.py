"""Advisory locks: one of a kind at a time, over all processes and machines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, text

TRY = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))")
WAIT = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
TRY_TO_KEEP = text("SELECT pg_try_advisory_lock(hashtextextended(:name, 0))")
LET_GO = text("SELECT pg_advisory_unlock(hashtextextended(:name, 0))")


def alone(connection: Connection, name: str) -> bool:
    """Take the lock `name` until this transaction ends; False if another process has it.

    A statement of its own: a later statement's snapshot is then younger than the lock.
    """
    return bool(connection.execute(TRY, _bind(name)).scalar_one())


def take_turn(connection: Connection, name: str) -> None:
    """Take the lock `name` until this transaction ends, after the process that has it; a statement of its own, as in `alone`."""
    connection.execute(WAIT, _bind(name))


@contextmanager
def kept(engine: Engine, name: str) -> Iterator[bool]:
    """Keep the lock `name` over many transactions, on a connection of its own; False if another process has it."""
    with engine.connect() as keeper:
        is_ours = bool(keeper.execute(TRY_TO_KEEP, _bind(name)).scalar_one())
        keeper.commit()
        try:
            yield is_ours
        finally:
            if is_ours:
                keeper.execute(LET_GO, _bind(name))


def collecting(project: int, method: str) -> str:
    """The lock under which contacts of a project and method are ingested and claimed."""
    return f"collect {project} {method}"


def _bind(name: str) -> dict[str, str]:
    return {"name": f"ringostat-sync {name}"}
