"""Purge: what is settled and old goes; what is counted on stays."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.support.engine import Engine
from worker.local.sandbox.faults import Refuse
from worker.upkeep.purge import purge


def count(engine: Engine, table: str) -> int:
    return int(engine.sql(f"SELECT count(*) FROM ringostat_sync.{table}")[0][0])


def test_settlements_are_folded_into_totals(engine: Engine) -> None:
    """Their rows go, the figures stay, also with purges at once and contacts settling meanwhile."""
    engine.contacts(1, 60)
    for start in (1, 21, 41):
        engine.change(*range(start, start + 20))
        with ThreadPoolExecutor(3) as pool:
            futures = [pool.submit(purge, engine.wiring.engine) for _ in range(3)]
            engine.drain()
            for future in futures:
                future.result()
    purge(engine.wiring.engine)

    assert count(engine, "settlements") == 0
    assert engine.lane().sent == 60


def test_old_requests_go(engine: Engine) -> None:
    """Those of the last day stay: a bucket that Redis has lost is refilled from them."""
    engine.contacts(1, 1)
    engine.change(1)
    engine.drain()
    engine.sql("UPDATE ringostat_sync.requests SET posted_at = now() - interval '25 hours'")
    purge(engine.wiring.engine)
    assert count(engine, "requests") == 1

    engine.sql("UPDATE ringostat_sync.requests SET posted_at = now() - interval '27 hours'")
    purge(engine.wiring.engine)
    assert count(engine, "requests") == 0


def test_old_letters_go_when_they_are_closed(engine: Engine) -> None:
    """A closed or discarded one after a month; an open or requeued one never."""
    engine.contacts(1, 4, "POISON")
    engine.sandbox.faults.add(Refuse(field="fullName", contains="POISON"))
    engine.change(1, 2, 3, 4)
    engine.drain()
    engine.sql(
        "UPDATE ringostat_sync.dead_letters SET state = 'closed', closed_at = now() - interval '31 days' WHERE key = '1'"
    )
    engine.sql(
        "UPDATE ringostat_sync.dead_letters SET state = 'discarded', closed_at = now() - interval '29 days' WHERE key = '2'"
    )
    engine.sql("UPDATE ringostat_sync.dead_letters SET first_failed_at = '2000-01-01', last_failed_at = '2000-01-01'")
    engine.sql("UPDATE ringostat_sync.dead_letters SET state = 'requeued' WHERE key = '4'")
    purge(engine.wiring.engine)

    assert engine.sql("SELECT key FROM ringostat_sync.dead_letters ORDER BY key") == [("2",), ("3",), ("4",)]


def test_what_the_api_holds_is_remembered(engine: Engine) -> None:
    """However long ago: an unchanged contact is not sent again after a purge."""
    engine.contacts(1, 1)
    engine.change(1)
    engine.drain()
    engine.sql("UPDATE ringostat_sync.deliveries SET accepted_at = now() - interval '5 years'")
    purge(engine.wiring.engine)
    engine.change(1)
    engine.drain()

    assert len(engine.posted()) == 1


def test_what_waits_is_not_purged(engine: Engine) -> None:
    """However long it has been waiting."""
    engine.change(1)
    engine.collect()
    engine.change(1, 2)
    engine.sql("UPDATE ringostat_sync.outbox SET created_at = now() - interval '5 years'")
    engine.sql("UPDATE ringostat_sync.in_flight SET captured_at = now() - interval '5 years'")
    purge(engine.wiring.engine)

    assert (count(engine, "outbox"), count(engine, "in_flight")) == (2, 1)
