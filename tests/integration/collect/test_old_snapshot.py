"""A snapshot held open elsewhere for the whole run: dead rows stay in every index, and claims cost what they did."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count, pairwise

import psycopg
import pytest

from tests.support.engine import PROJECT, Engine
from tests.support.waiting import wait_until
from worker.api.outcome import Accepted, Failed, Outcome, Refused

ROUNDS = 20
FEW_ROUNDS = 6
ON_THEIR_WAY = ("in_flight", "reserved_ids")
ENTRIES = 15
"""Of these tables' indexes that may be read for a contact, each time that a request carries it, or finds it unchanged."""


@pytest.fixture
def busy(make_engine: Callable[..., Engine]) -> Engine:
    """An engine whose API accepts at once, without a limit."""
    engine = make_engine(RINGOSTAT_RATE_LIMIT="1000000/s")
    engine.wiring.pusher.sender.client.post = lambda *_: Accepted(200)  # type: ignore[method-assign]
    return engine


def reads(engine: Engine) -> list[int]:
    """Collect and push a thousand changes at a time, every half second; how many index entries each round read."""
    read = [engine.entries_read()]
    for turn in range(ROUNDS):
        engine.wiring.collector._clock = lambda turn=turn: turn / 2  # type: ignore[misc]
        engine.change(*range(turn * 1000 + 1, turn * 1000 + 1001))
        while engine.push():
            pass
        if not turn:
            engine.sql("ANALYZE")  # all of our tables are empty: plans are made for empty tables from here on
        read.append(engine.entries_read())
    return [after - before for before, after in pairwise(read)]


def test_an_old_snapshot_does_not_slow_claims_down(busy: Engine) -> None:
    """Behind 20,000 dead rows a round reads as many index entries as behind 5,000; those that sweep apart."""
    busy.contacts(1, 1000 * ROUNDS)
    with psycopg.connect(busy.database_url) as old:
        old.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        old.execute("SELECT count(*) FROM ringostat_sync.outbox")
        read = reads(busy)

    assert busy.lane().sent == 1000 * ROUNDS
    assert min(read[-5:]) < 1.5 * min(read[5:10])


ANSWERS: dict[str, Callable[[int], Outcome]] = {
    "accepted": lambda _: Accepted(200),
    "refused": lambda number: Refused(422, "no") if number % 4 == 1 else Accepted(200),
    "failed": lambda number: Failed("5xx", unknown=False, status=500) if number % 2 else Accepted(200),
}


def drain(engine: Engine) -> None:
    """As the engine's own, but that it does not look into what it counts."""

    def quiet() -> bool:
        engine.due_now()
        engine.push()
        return not engine.sql(
            "SELECT 1 FROM ringostat_sync.outbox UNION ALL SELECT 1 FROM ringostat_sync.pending LIMIT 1"
        )

    wait_until(quiet, timeout=30, what="the queue to drain")


@pytest.mark.parametrize("name", ANSWERS)
def test_contacts_on_their_way_are_looked_up_and_never_searched_for(busy: Engine, name: str) -> None:
    """With plans made for empty tables, and behind ever more dead rows, what is read depends on what is sent alone."""
    numbers = count(1)
    busy.contacts(1, 300 * FEW_ROUNDS)
    busy.wiring.pusher.sender.client.post = lambda *_: ANSWERS[name](next(numbers))  # type: ignore[method-assign]
    with psycopg.connect(busy.database_url) as old:
        old.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        old.execute("SELECT count(*) FROM ringostat_sync.outbox")
        for turn in range(FEW_ROUNDS):
            before = busy.entries_read(*ON_THEIR_WAY)
            for _ in ("changed", "unchanged"):
                busy.change(*range(turn * 300 + 1, turn * 300 + 301))
                drain(busy)
            busy.sql("ANALYZE")
        read = busy.entries_read(*ON_THEIR_WAY) - before

    [(carried,)] = busy.sql("SELECT sum(entries) FROM ringostat_sync.requests")
    assert (busy.lane().sent, busy.lane().unchanged) == (300 * FEW_ROUNDS, 300 * FEW_ROUNDS)
    assert read < ENTRIES * (carried / FEW_ROUNDS + 300)


def test_a_change_that_was_committed_late_is_found_behind_the_watermark(engine: Engine) -> None:
    """Ids precede commits: the row of a long transaction lies below rows that were ingested long before; the next sweep sees it."""
    engine.contacts(1, 400)

    def push_at(now: float) -> None:
        engine.wiring.collector._clock = lambda: now
        engine.push()

    with psycopg.connect(engine.database_url) as late:
        late.execute("INSERT INTO ringostat_sync.outbox (source, key) VALUES ('contacts', '400')")
        for turn in range(8):
            engine.change(*range(1, 20))
            push_at(1000 + turn / 2)
    push_at(1003.6)
    assert "400" not in engine.names()

    push_at(1004.1)
    assert "400" in engine.names()


def test_a_backfill_is_behind_every_change(engine: Engine) -> None:
    """Its ids lie below any outbox id, and rise, so that claims may start after those that are gone."""
    engine.contacts(1, 20)
    engine.backfill()
    ids = [row[0] for row in engine.sql("SELECT outbox_id FROM ringostat_sync.pending WHERE project = %s", PROJECT)]

    assert max(ids) < 0
