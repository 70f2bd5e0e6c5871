"""Changes in the CRM, and what became of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import psycopg

from benchmarks.ground import script
from benchmarks.receiver import Request, older_after_newer, states

RAISE = "UPDATE crm.contacts SET patronymic = 'v' || substr(patronymic, 2)::int + 1 WHERE id = ANY(%s::bigint[])"
ENQUEUE = "INSERT INTO ringostat_sync.outbox (source, key) SELECT 'contacts', k FROM unnest(%s::text[]) AS k"
HOT = 400
"""Contacts that live changes concern, over and over."""
TOGETHER = 100

Enqueue = Callable[[Sequence[str]], None]


def wait_in_line(connection: psycopg.Connection[Any], contacts: int, changes: int) -> None:
    """`bench.changes`: so many changes over so many contacts."""
    connection.execute(script("changes", contacts=contacts, changes=changes))
    connection.execute("ANALYZE bench.changes")


def fill_outbox(connection: psycopg.Connection[Any]) -> None:
    """The same changes into the outbox."""
    connection.execute(
        "INSERT INTO ringostat_sync.outbox (source, key) SELECT 'contacts', key FROM bench.changes ORDER BY id"
    )
    connection.execute("VACUUM ANALYZE ringostat_sync.outbox")


def go_live(connection: psycopg.Connection[Any], contacts: int, changes: int, enqueue: Enqueue | None = None) -> None:
    """So many changes to a few hot contacts, a hundred a transaction, one transaction after the other.

    They go into the outbox in the CRM's transaction, or to `enqueue` after it.
    """
    dice = Random(2)
    for _ in range(changes // TOGETHER):
        keys = [str(dice.randint(1, min(HOT, contacts))) for _ in range(TOGETHER)]
        with connection.transaction():
            connection.execute(RAISE, [keys])
            if enqueue is None:
                connection.execute(ENQUEUE, [keys])
        if enqueue is not None:
            enqueue(keys)


def wrong(connection: psycopg.Connection[Any], contacts: int, requests: Sequence[Request]) -> tuple[int, int]:
    """How many contacts the receiver holds in another state than the CRM, and how often an older state came after a newer."""
    found = states(requests)
    rows = connection.execute(
        "SELECT id::text, substr(patronymic, 2)::int FROM crm.contacts WHERE id <= %s", [contacts]
    )
    return sum(key not in found or found[key][-1][1] != version for key, version in rows), older_after_newer(found)
