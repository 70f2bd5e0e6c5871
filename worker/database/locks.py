"""Advisory locks: one of a kind at a time, over all processes and machines."""

from __future__ import annotations

from sqlalchemy import Connection, text

TRY = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))")
WAIT = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")


def alone(connection: Connection, name: str) -> bool:
    """Take the lock `name` until this transaction ends; False where somebody else has it.

    A statement of its own: a later statement's snapshot is then younger than the lock.
    """
    return bool(connection.execute(TRY, {"name": f"ringostat-sync {name}"}).scalar_one())


def take_turn(connection: Connection, name: str) -> None:
    """Take the lock `name` until this transaction ends, after whoever has it; a statement of its own, as in `alone`."""
    connection.execute(WAIT, {"name": f"ringostat-sync {name}"})


def collecting(project: int, method: str) -> str:
    """The lock under which contacts of a project and method are taken in and claimed."""
    return f"collect {project} {method}"
