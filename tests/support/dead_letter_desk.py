"""Dead letters: how a test comes by them, and what an operator does with them."""

from __future__ import annotations

from typing import Any

from tests.support.engine import Engine
from worker.local.sandbox.faults import Refuse
from worker.operate import dead_letters
from worker.operate.dead_letters import OpenDeadLetter

POISON = Refuse(field="fullName", contains="POISON")


def bury(engine: Engine, *keys: int) -> list[OpenDeadLetter]:
    """Have contacts refused, and list their dead letters."""
    engine.sandbox.faults.add(POISON)
    for key in keys:
        engine.contacts(key, key, "POISON")
    engine.change(*keys)
    engine.drain()
    return listed(engine)


def listed(engine: Engine, **filters: Any) -> list[OpenDeadLetter]:
    with engine.wiring.engine.connect() as connection:
        return dead_letters.list_dead_letters(connection, dead_letters.Filter(**filters))


def requeue(engine: Engine, *ids: str) -> None:
    with engine.wiring.engine.begin() as connection:
        dead_letters.requeue_dead_letters(connection, [int(one) for one in ids])


def discard(engine: Engine, *ids: str) -> None:
    with engine.wiring.engine.begin() as connection:
        dead_letters.discard_dead_letters(connection, [int(one) for one in ids])


def states(engine: Engine) -> list[tuple[str, str]]:
    return engine.sql("SELECT key, state::text FROM ringostat_sync.dead_letters ORDER BY id")
