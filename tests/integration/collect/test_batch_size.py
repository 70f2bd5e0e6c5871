"""The batch size: halved by a 413, grown back by acceptances."""

from __future__ import annotations

from tests.support.engine import PROJECT, Engine
from worker.local.sandbox.faults import MaxBytes, MaxEntries


def test_too_large_requests_teach_the_batch_size(engine: Engine) -> None:
    """413 halves the batch, and the next ones from the start."""
    engine.sandbox.faults.add(MaxEntries(limit=30))
    engine.contacts(1, 200)
    engine.change(*range(1, 101))
    engine.drain()
    seen = len(engine.posted())
    engine.change(*range(101, 201))
    engine.drain()

    assert [len(ids) for ids in engine.posted()[:3]] == [100, 50, 25]
    assert [len(ids) for ids in engine.posted()[seen:]] == [25] * 4
    assert engine.lane().sent == 200
    assert engine.dead_letters() == []


def learnt(engine: Engine, limit: int) -> None:
    """A 413 has taught how many contacts a request may carry."""
    engine.sql(
        "INSERT INTO ringostat_sync.lanes (project, method, batch_limit) VALUES (%s, 'contacts', %s)", PROJECT, limit
    )


def after_a_request(engine: Engine, entries: int) -> int | None:
    """How many contacts the next request may carry, after so many were accepted in one."""
    before = len(engine.posted())
    engine.contacts(1, entries, f"Name {before}")
    engine.change(*range(1, entries + 1))
    engine.drain()
    [(limit,)] = engine.sql(
        "SELECT batch_limit FROM ringostat_sync.lanes WHERE method = 'contacts' AND project = %s", PROJECT
    )

    assert [len(ids) for ids in engine.posted()[before:]] == [entries]
    return limit


def test_the_batch_size_grows_back(engine: Engine) -> None:
    """By a tenth with each full request that is accepted."""
    learnt(engine, 30)

    assert [after_a_request(engine, entries) for entries in (30, 33, 36)] == [33, 36, 39]


def test_a_request_that_is_not_full_teaches_nothing(engine: Engine) -> None:
    """That fewer were accepted says nothing of one more."""
    learnt(engine, 30)

    assert after_a_request(engine, 29) == 30


def test_the_batch_size_grows_until_the_setting_is_reached(engine: Engine) -> None:
    """Then nothing is remembered, and requests are as large as set."""
    learnt(engine, 95)

    assert after_a_request(engine, 95) is None
    assert after_a_request(engine, 100) is None


def test_a_contact_that_is_too_large_alone_is_buried(engine: Engine) -> None:
    """413 for a single contact is that contact's fault."""
    engine.contacts(1, 3)
    engine.sql("UPDATE crm.contacts SET name = repeat('x', 5000) WHERE id = 2")
    engine.sandbox.faults.add(MaxBytes(limit=2000))
    engine.change(1, 2, 3)
    engine.drain()

    assert engine.dead_letters() == [("2", "too_large")]
    assert engine.lane().sent == 2
