"""Advisory locks: one of a kind at a time, over all processes and machines."""

from __future__ import annotations

from sqlalchemy import Connection, text

TRY = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))")


def alone(connection: Connection, name: str) -> bool:
    """Take the lock `name` until this transaction ends; False where somebody else has it.

    A statement of its own: a later statement's snapshot is then younger than the lock.
    """
    return bool(connection.execute(TRY, {"name": f"ringostat-sync {name}"}).scalar_one())
