"""A snapshot held open elsewhere for the whole run: dead rows stay in every index, and claims cost what they did."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise

import psycopg
import pytest

from tests.integration.engine import PROJECT, Engine
from worker.api.outcome import Accepted

ROUNDS = 30


@pytest.fixture
def busy(make_engine: Callable[..., Engine]) -> Engine:
    """An engine whose API accepts at once, without a limit."""
    engine = make_engine(RINGOSTAT_RATE_LIMIT="1000000/s")
    engine.contacts(1, 1000 * ROUNDS)
    engine.parts.pusher.departures.client.post = lambda *_: Accepted(200)  # type: ignore[method-assign]
    return engine


def reads(engine: Engine) -> list[int]:
    """Collect and push a thousand changes at a time, every half second; how many index entries each round read."""
    read = [engine.entries_read()]
    for turn in range(ROUNDS):
        engine.parts.collector._clock = lambda turn=turn: turn / 2  # type: ignore[misc]
        engine.change(*range(turn * 1000 + 1, turn * 1000 + 1001))
        while engine.push():
            pass
        read.append(engine.entries_read())
    return [after - before for before, after in pairwise(read)]


def test_an_old_snapshot_does_not_slow_claims_down(busy: Engine) -> None:
    """Behind 30,000 dead rows a round reads as many index entries as behind 10,000; those that sweep apart."""
    with psycopg.connect(busy.database_url) as old:
        old.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        old.execute("SELECT count(*) FROM ringostat_sync.outbox")
        read = reads(busy)

    assert busy.lane().sent == 1000 * ROUNDS
    assert min(read[-5:]) < 1.5 * min(read[10:15])


def test_a_change_that_was_committed_late_is_found_behind_the_watermark(engine: Engine) -> None:
    """Ids precede commits: the row of a long transaction lies below rows that were taken in long before."""
    engine.contacts(1, 400)
    with psycopg.connect(engine.database_url) as late:
        late.execute("INSERT INTO ringostat_sync.outbox (source, key) VALUES ('contacts', '400')")
        end = time.monotonic() + 5
        while time.monotonic() < end:
            engine.change(*range(1, 20))
            engine.push()
    engine.drain(timeout=5)

    assert "400" in engine.names()


def test_a_backfill_is_behind_every_change(engine: Engine) -> None:
    """Its ids lie below any outbox id, and rise, so that claims may start after those that are gone."""
    engine.contacts(1, 20)
    engine.backfill()
    ids = [row[0] for row in engine.sql("SELECT outbox_id FROM ringostat_sync.pending WHERE project = %s", PROJECT)]

    assert max(ids) < 0
