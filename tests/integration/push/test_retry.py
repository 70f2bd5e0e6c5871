"""Retry: failures of the service lose nothing, cost what they may cost, and hammer nobody."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.support.dice import Longest
from tests.support.engine import Engine
from worker.local.sandbox.faults import (
    Break,
    Half,
    Hang,
    HangAfter,
    NotJson,
    Reset,
    ResetAfter,
    SlowDrip,
    Status,
)

FOR_EVER = 0


@pytest.mark.parametrize(
    ("fault", "outcome", "status"),
    [
        (Status(status=500), "failed", 500),
        (Status(status=502), "failed", 502),
        (Status(status=408), "failed", 408),
        (Status(status=425), "failed", 425),
        (Reset(), "unknown", None),
        (ResetAfter(), "unknown", None),
        (Half(), "unknown", None),
        (Hang(), "unknown", None),
        (HangAfter(), "unknown", None),
        (SlowDrip(seconds=0.2), "unknown", None),
    ],
    ids=lambda value: getattr(value, "__struct_config__", None) and value.__struct_config__.tag,
)
def test_a_failure_is_tried_again(engine: Engine, fault, outcome: str, status: int | None) -> None:
    """Nothing is lost by it, the try is counted, and the next one succeeds; a slow drip is a time-out as a whole."""
    engine.sandbox.faults.add(fault)
    engine.contacts(1, 3)
    engine.change(1, 2, 3)
    engine.push()
    assert [row.attempts for row in engine.waiting().values()] == [1, 1, 1]

    engine.drain()
    assert engine.sql("SELECT outcome, http_status FROM ringostat_sync.requests ORDER BY id") == [
        (outcome, status),
        ("accepted", 200),
    ]
    assert (engine.lane().sent, engine.lane().dead) == (3, 0)


def test_a_2xx_that_is_no_json_is_accepted(engine: Engine) -> None:
    """Answers are undocumented; a 2xx is an acceptance."""
    engine.sandbox.faults.add(NotJson())
    engine.contacts(1, 1)
    engine.change(1)
    engine.drain()

    assert engine.outcomes() == ["accepted"]


def test_an_api_that_is_not_there_is_waited_for(engine: Engine) -> None:
    """No connection at all: the same contacts are tried again until it is back."""
    engine.contacts(1, 2)
    engine.change(1, 2)
    engine.sandbox.stop()
    engine.push()
    assert engine.outcomes() == ["failed"]

    engine.sandbox.start()
    engine.drain()
    assert engine.lane().sent == 2


def test_a_try_waits_in_the_database(engine: Engine) -> None:
    """The time of the next try stands in a row: until then nothing is collected."""
    engine.sandbox.faults.add(Status(status=500))
    engine.contacts(1, 1)
    engine.change(1)
    engine.push()
    engine.sql("UPDATE ringostat_sync.pending SET due_at = now() + interval '1 hour'")

    assert engine.collect() == []
    assert engine.waiting()["1"].later


def test_waits_grow_with_the_tries(make_engine: Callable[..., Engine]) -> None:
    """The latest moment of the next try doubles from the base with each try, up to the longest."""
    engine = make_engine(SYNC_RETRY_BASE="10", SYNC_RETRY_MAX="50", SYNC_MAX_ATTEMPTS="99")
    engine.wiring.pusher.receiver.dice = Longest()
    engine.sandbox.faults.add(Status(status=500, times=FOR_EVER))
    engine.contacts(1, 1)
    engine.change(1)
    waits = []
    for _ in range(4):
        engine.fail(1)
        waits += engine.sql("SELECT extract(epoch FROM due_at - clock_timestamp())::float FROM ringostat_sync.pending")

    assert [wait for (wait,) in waits] == pytest.approx([10, 20, 40, 50], abs=5)


def test_attempts_end_in_a_letter(make_engine: Callable[..., Engine]) -> None:
    """A contact on which the API breaks is tried as often as set, the last time alone; the others arrive."""
    engine = make_engine(SYNC_MAX_ATTEMPTS="4")
    engine.contacts(1, 20)
    engine.contacts(7, 7, "BREAKS")
    engine.sandbox.faults.add(Break(field="fullName", contains="BREAKS"))
    engine.change(*range(1, 21))
    engine.drain()

    assert engine.dead_letters() == [("7", "attempts")]
    assert engine.sql("SELECT attempts, http_status FROM ringostat_sync.dead_letters") == [(4, 500)]
    assert engine.lane().sent == 19
    tries = [ids for ids in engine.posted() if "7" in ids]
    assert len(tries) == 4
    assert tries[-1] == ["7"]


def test_company_is_halved_from_the_third_try_on(engine: Engine) -> None:
    """A hundred, a hundred, fifty, twenty-five …, and alone at last."""
    engine.contacts(1, 100)
    engine.contacts(1, 1, "BREAKS")
    engine.sandbox.faults.add(Break(field="fullName", contains="BREAKS"))
    engine.change(*range(1, 101))
    engine.drain()
    tries = [len(ids) for ids in engine.posted() if "1" in ids]

    assert tries[:2] == [100, 100]
    assert all(size <= most for size, most in zip(tries[2:], (50, 25, 12, 6, 3, 1, 1, 1, 1, 1), strict=True))
    assert engine.dead_letters() == [("1", "attempts")]


def test_a_push_never_raises_for_what_the_api_does(engine: Engine) -> None:
    """Whatever comes back, the batch is settled, and no lease has to run out."""
    faults = [Status(status=n, body="x" * 3000) for n in (200, 204, 304, 400, 401, 404, 413, 422, 429, 500, 599)]
    for fault in [*faults, Status(status=200, body="[" * 50_000), Half(), Reset()]:
        engine.sandbox.faults.add(fault)
        engine.contacts(1, 1, f"Name {time.monotonic()}")
        engine.change(1)
        engine.resume()
        engine.sql("DELETE FROM ringostat_sync.service_health")
        engine.wiring.redis.flushall()
        assert engine.push() == 1

        assert engine.sql("SELECT count(*) FROM ringostat_sync.batches") == [(0,)]
