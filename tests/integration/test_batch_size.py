"""The batch size: halved by a 413, grown back by acceptances."""

from __future__ import annotations

import itertools

from tests.integration.engine import PROJECT, Engine
from worker.sandbox.faults import MaxBytes, MaxEntries


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
    assert max(len(ids) for ids in engine.posted()[seen:]) <= 31
    assert engine.lane().sent == 200
    assert engine.letters() == []


def _limit(engine: Engine) -> int | None:
    found = engine.sql(
        "SELECT batch_limit FROM ringostat_sync.lanes WHERE method = 'contacts' AND project = %s", PROJECT
    )
    return found[0][0] if found else None


def test_the_batch_size_grows_back(engine: Engine) -> None:
    """By a tenth with each full request that is accepted, until the setting is reached again."""
    rule = engine.sandbox.faults.add(MaxEntries(limit=30))
    engine.contacts(1, 1000)
    engine.change(*range(1, 101))
    engine.drain()
    engine.sandbox.faults.remove(rule)
    sizes = [_limit(engine)]
    for turn in range(1, 10):
        engine.change(*range(100 * turn, 100 * turn + 100))
        engine.drain()
        sizes.append(_limit(engine))

    assert sizes[0] is not None
    assert sizes[0] <= 30
    assert all(later > earlier for earlier, later in itertools.pairwise(sizes) if earlier and later)
    while (limit := _limit(engine)) is not None:
        engine.contacts(1, 1000, f"Again {limit}")
        engine.change(*range(1, 1000))
        engine.drain()
    seen = len(engine.posted())
    engine.contacts(1, 100, "Last")
    engine.change(*range(1, 101))
    engine.drain()
    assert len(engine.posted()[seen:]) == 1


def test_a_contact_that_is_too_large_alone_is_buried(engine: Engine) -> None:
    """413 for a single contact is that contact's fault."""
    engine.contacts(1, 3)
    engine.sql("UPDATE crm.contacts SET name = repeat('x', 5000) WHERE id = 2")
    engine.sandbox.faults.add(MaxBytes(limit=2000))
    engine.change(1, 2, 3)
    engine.drain()

    assert engine.letters() == [("2", "too_large")]
    assert engine.lane().sent == 2
