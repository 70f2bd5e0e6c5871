"""Purge: what is settled and old goes; its counts stay."""

from __future__ import annotations

from sqlalchemy import Engine

from worker.database.locks import alone
from worker.database.sql import sql

KEEP_REQUESTS = 26 * 3600.0
"""Seconds; longer than the longest period of a rate, as lost buckets are refilled from these rows."""
KEEP_DEAD_LETTERS = 30 * 86400.0
CHUNK = 20_000


def purge(engine: Engine) -> dict[str, int]:
    """Fold settled counts into the totals, and delete old requests and closed dead letters, a chunk of each; returns rows by step."""
    steps = {
        "fold_settlements": {},
        "old_requests": {"age": KEEP_REQUESTS, "limit": CHUNK},
        "old_dead_letters": {"age": KEEP_DEAD_LETTERS, "limit": CHUNK},
    }
    done: dict[str, int] = {}
    for step, values in steps.items():
        with engine.begin() as connection:
            if not alone(connection, "purge"):
                return done
            done[step] = connection.execute(sql(__package__, step), values).rowcount
    return done
