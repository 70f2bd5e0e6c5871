"""Groups: batches that are read, held and settled together, each a request of its own, and each with its own end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import pairwise

import pytest
from redis import Redis

from tests.support.engine import PROJECT, Engine, document
from tests.support.waiting import wait_until
from worker.errors import LimiterUnavailableError
from worker.limiter.bucket import MICRO, Limiter, Posted
from worker.local.sandbox.faults import Hang, Latency, MaxEntries, Refuse, Reset, Status
from worker.push.receive import Receiver
from worker.push.send import Sender


@pytest.fixture
def group(make_engine: Callable[..., Engine]) -> Callable[..., tuple[Engine, list[int]]]:
    """Makes an engine, and batches of one contact each: contacts 1 to `count`.

    So many requests a minute, not a second, give a request two seconds to be late for its permit, on however busy a machine.
    """

    def make(count: int = 4, **settings: str) -> tuple[Engine, list[int]]:
        engine = make_engine(**{"RINGOSTAT_BATCH_SIZE": "1", "RINGOSTAT_RATE_LIMIT": "1000/m", **settings})
        engine.contacts(1, count)
        engine.change(*range(1, count + 1))
        return engine, engine.collect()

    return make


def test_each_batch_is_a_request_of_its_own(group) -> None:
    """All arrive, and nothing of them stays behind."""
    engine, batches = group()
    engine.wiring.pusher.push(*batches)

    assert sorted(engine.posted()) == [["1"], ["2"], ["3"], ["4"]]
    assert (engine.lane().sent, engine.lane().in_flight) == (4, 0)
    for table in ("batches", "reserved_ids", "pending"):
        assert engine.sql(f"SELECT count(*) FROM ringostat_sync.{table}") == [(0,)]


def test_the_contacts_of_a_group_are_read_at_once(group) -> None:
    """One question to the CRM, whatever the number of batches."""
    engine, batches = group()
    reader, asked = engine.wiring.pusher.reader, []

    class Counting:
        def read(self, source, keys):
            asked.append(sorted(keys))
            return reader.read(source, keys)

    engine.wiring.pusher.reader = Counting()  # type: ignore[assignment]
    engine.wiring.pusher.push(*batches)

    assert asked == [["1", "2", "3", "4"]]


def test_requests_of_a_group_are_on_the_wire_at_once(group) -> None:
    """Of four that take half a second each, the last has arrived before the first is answered."""
    engine, batches = group()
    engine.sandbox.faults.add(Latency(ms=500))
    engine.wiring.pusher.push(*batches)
    requests = engine.sandbox.requests

    assert len(requests) == 4
    assert max(request.arrived for request in requests) < min(request.finished or 0 for request in requests)


@pytest.mark.parametrize("fault", [Status(status=500), Reset(), Refuse(field="fullName", contains="Name 2")])
def test_what_befalls_one_batch_befalls_no_other(group, fault) -> None:
    """One fails, or is refused; the others have arrived."""
    engine, batches = group()
    engine.sandbox.faults.add(fault)
    engine.wiring.pusher.push(*batches)
    assert engine.lane().sent == 3

    engine.drain()
    assert engine.lane().sent + engine.lane().dead == 4


def test_a_batch_that_splits_goes_on_beside_the_others(make_engine: Callable[..., Engine]) -> None:
    """413 for more than two: each of three batches of four becomes two requests that are accepted."""
    engine = make_engine(RINGOSTAT_BATCH_SIZE="4")
    engine.sandbox.faults.add(MaxEntries(limit=2))
    engine.contacts(1, 12)
    engine.change(*range(1, 13))
    engine.wiring.pusher.push(*engine.collect())

    assert engine.lane().sent == 12
    assert sorted(len(ids) for ids in engine.posted()) == [2] * 6 + [4] * 3


def test_a_lost_lease_costs_its_own_batch_alone(group) -> None:
    """One batch is in other hands when the ids are held: it is neither posted nor settled, the others are."""
    engine, batches = group()
    reader = engine.wiring.pusher.reader

    class Slow:
        def read(self, *arguments):
            engine.sql("UPDATE ringostat_sync.batches SET token = token + 1 WHERE id = %s", batches[1])
            return reader.read(*arguments)

    engine.wiring.pusher.reader = Slow()  # type: ignore[assignment]
    engine.wiring.pusher.push(*batches)

    assert sorted(engine.posted()) == [["1"], ["3"], ["4"]]
    assert (engine.lane().sent, engine.lane().in_flight) == (3, 1)


@pytest.mark.parametrize("moment", ["before the first byte", "after the answer"])
def test_a_lease_that_is_lost_later_costs_its_own_batch_alone(
    group, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Whether the last check or the settlement finds it."""
    engine, batches = group()
    room, step = (Sender, "_open") if moment == "before the first byte" else (Receiver, "receive")
    go_on = getattr(room, step)

    def losing(self, going):
        engine.sql("UPDATE ringostat_sync.batches SET token = token + 1 WHERE id = %s", batches[1])
        return go_on(self, going)

    monkeypatch.setattr(room, step, losing)
    engine.wiring.pusher.push(*batches)

    assert len(engine.posted()) == (3 if moment == "before the first byte" else 4)
    assert (engine.lane().sent, engine.lane().in_flight) == (3, 1)


@pytest.mark.parametrize("shared", ["externalId", "leadId"])
def test_documents_that_share_an_id_never_travel_in_one_group(make_engine, shared: str) -> None:
    """In two batches of it: the earlier change goes, the later one follows it."""
    engine = make_engine(RINGOSTAT_BATCH_SIZE="1")
    engine.payload(1, document("First", **{shared: "same"}))
    engine.payload(2, document("Second", **{shared: "same"}))
    engine.wiring.pusher.push(*engine.collect())
    assert len(engine.posted()) == 1

    engine.drain()
    names = {"external_id": "same"} if shared == "externalId" else {"lead_id": "same"}
    assert engine.sandbox.book.contact(PROJECT, **names)["fullName"] == "Second"
    assert engine.lane().sent == 2


def test_whoever_has_an_answer_does_not_wait_for_a_slow_one(group) -> None:
    """Three are settled while one hangs, until its time-out."""
    engine, batches = group(RINGOSTAT_TIMEOUT="3")
    engine.sandbox.faults.add(Hang())
    pushing = threading.Thread(target=engine.wiring.pusher.push, args=batches)
    pushing.start()
    wait_until(lambda: engine.lane().sent == 3, timeout=2.5, what="the three that were answered")
    assert engine.lane().in_flight == 1

    pushing.join()
    engine.drain()
    assert engine.lane().sent == 4


def test_without_redis_those_that_have_left_are_settled(group) -> None:
    """Redis goes away between two permits: who has one arrives, the others wait, at no cost."""
    engine, batches = group()
    limiter, taken = engine.wiring.limiter, []
    with Redis(port=1, retry=None) as away:
        gone = Limiter(away, "test", lambda *_: Posted([], 0.0), time.sleep)

        class Failing:
            def __getattr__(self, name: str):
                taken.append(name)
                return getattr(limiter if taken.count("take") <= 2 else gone, name)

        engine.wiring.pusher.sender.limiter = Failing()  # type: ignore[assignment]
        engine.wiring.pusher.push(*batches)
    assert (engine.lane().sent, engine.lane().pending, engine.lane().in_flight) == (2, 2, 0)
    assert {row.attempts for row in engine.waiting().values()} == {0}


def test_a_group_keeps_to_the_rate(group) -> None:
    """At ten a second its permits keep their distance, and no request is at the receiver before its own."""
    engine, batches = group(4, RINGOSTAT_RATE_LIMIT="10/s")
    engine.wiring.pusher.push(*batches)
    engine.drain()
    permitted = [int(moment) for moment in engine.wiring.redis.lrange(f"{{ringostat-sync:{PROJECT}}}:permits", 0, -1)]
    arrived = sorted(request.at.timestamp() * MICRO for request in engine.sandbox.requests)

    assert len(arrived) == 4 <= len(permitted)
    assert all(later - earlier >= 96_000 for earlier, later in pairwise(permitted))
    assert all(there >= moment for there, moment in zip(arrived, permitted, strict=False))


def test_a_pause_that_comes_between_stops_those_that_have_not_left(group) -> None:
    """By hand, before the first byte: nothing leaves, everybody waits at no cost."""
    engine, batches = group()
    take = engine.wiring.limiter.take
    engine.wiring.limiter.take = lambda *arguments: (engine.pause(), take(*arguments))[1]  # type: ignore[method-assign]
    engine.wiring.pusher.push(*batches)

    assert engine.posted() == []
    assert (engine.lane().pending, engine.lane().in_flight) == (4, 0)


def test_redis_away_at_a_429_leaves_no_answer_unsettled(group) -> None:
    """One request is told to wait, and nobody can be told of it: the others are settled, and PostgreSQL remembers the wait."""
    engine, batches = group()
    engine.sandbox.faults.add(Status(status=429, times=1, headers={"Retry-After": "60"}))

    def away(*_: object) -> None:
        raise LimiterUnavailableError("away")

    engine.wiring.limiter.throttle = away  # type: ignore[method-assign]
    engine.wiring.pusher.push(*batches)

    assert (engine.lane().sent, engine.lane().pending, engine.lane().in_flight) == (3, 1, 0)
    assert engine.sql("SELECT throttled_until > clock_timestamp() FROM ringostat_sync.service_health") == [(True,)]


READ_WHOLE = """
SELECT relname FROM pg_stat_user_tables
WHERE schemaname = 'ringostat_sync' AND seq_scan > 0 AND relname IN ('outbox', 'pending', 'in_flight', 'reserved_ids', 'deliveries')
"""


def test_no_table_is_read_as_a_whole(engine: Engine) -> None:
    """Neither while they are empty, when plans are made, nor later, when these plans would cost a second a batch."""
    engine.contacts(1, 60)
    engine.sql("SELECT pg_stat_reset()")
    for turn in range(12):
        engine.change(*range(turn * 5 + 1, turn * 5 + 6))
        engine.push()
    engine.change(*range(1, 61))
    engine.push()
    engine.wiring.engine.dispose()

    wait_until(lambda: engine.sql("SELECT sum(n_tup_ins) > 0 FROM pg_stat_user_tables") == [(True,)], what="statistics")
    assert engine.lane().sent == 60
    assert engine.sql(READ_WHOLE) == []
