"""Leases: whoever has lost one posts nothing and settles nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.support.deaths import recover_now
from tests.support.engine import Engine
from worker.api.outcome import Outcome
from worker.limiter.bucket import Later, Permit
from worker.local.sandbox.faults import Refuse
from worker.settle.guard import guard
from worker.upkeep.recover import Recovered, recover


def test_a_batch_under_its_lease_is_left_alone(engine: Engine) -> None:
    """Slow is not dead."""
    engine.contacts(1, 1)
    engine.change(1)
    [batch] = engine.collect()
    engine.wiring.pusher._lease([batch])

    assert recover(engine.wiring.engine) == Recovered()
    assert engine.lane().in_flight == 1


def test_a_worker_that_lost_its_lease_posts_nothing(engine: Engine) -> None:
    """The check immediately before the first byte sees that the batch was taken back, and its successor goes on."""
    engine.contacts(1, 1)
    engine.change(1)
    [batch] = engine.collect()
    reader = engine.wiring.pusher.reader

    class Frozen:
        def read(self, *arguments):
            found = reader.read(*arguments)
            recover_now(engine)
            return found

    engine.wiring.pusher.reader = Frozen()  # type: ignore[assignment]
    engine.wiring.pusher.push(batch)
    assert engine.posted() == []

    engine.wiring.pusher.reader = reader
    engine.drain()
    assert engine.posted() == [["1"]]


def test_a_worker_frozen_before_its_request_posts_nothing(engine: Engine) -> None:
    """Frozen while it waits for the limit, with its ids held: its successor has posted, it does not post after it."""
    engine.contacts(1, 1, "Old")
    engine.change(1)
    [batch] = engine.collect()
    take = engine.wiring.limiter.take
    frozen = []

    def freeze(*arguments):
        if not frozen:
            frozen.append(True)
            recover_now(engine)
            engine.contacts(1, 1, "New")
            engine.drain()
        return take(*arguments)

    engine.wiring.limiter.take = freeze  # type: ignore[method-assign]
    engine.wiring.pusher.push(batch)

    assert engine.history(1) == ["New 1"]
    assert engine.lane().sent == 1


def test_a_lease_too_short_for_a_request_is_no_reason_to_post(engine: Engine) -> None:
    """A request that could outlive the lease does not begin; the batch goes on under a new one."""
    engine.contacts(1, 1)
    engine.change(1)
    [batch] = engine.collect()
    reader = engine.wiring.pusher.reader

    class Slow:
        def read(self, *arguments):
            engine.sql("UPDATE ringostat_sync.batches SET lease_until = clock_timestamp() + interval '1 second'")
            return reader.read(*arguments)

    engine.wiring.pusher.reader = Slow()  # type: ignore[assignment]
    engine.wiring.pusher.push(batch)
    assert engine.posted() == []
    assert engine.lane().in_flight == 1

    engine.wiring.pusher.reader = reader
    engine.drain()
    assert engine.posted() == [["1"]]


@pytest.mark.parametrize("is_split", [False, True])
def test_a_lease_too_short_for_a_request_takes_no_grant(engine: Engine, *, is_split: bool) -> None:
    """The quota is for those who can use it; the batch goes on under a new lease, at once where this one was of use."""
    engine.contacts(1, 2)
    engine.change(1, 2)
    [batch] = engine.collect()
    engine.sandbox.faults.add(Refuse(ids=["1"]))
    permits: list[Permit | Later] = []
    sender, limiter = engine.wiring.pusher.sender, engine.wiring.limiter
    take, post = limiter.take, sender.client.post

    def counted(*arguments: Any) -> Permit | Later:
        permits.append(take(*arguments))
        return permits[-1]

    def shorten() -> None:
        sender.policy = replace(sender.policy, timeout=sender.policy.lease)

    def last(*arguments: Any) -> Outcome:
        shorten()
        return post(*arguments)

    limiter.take = counted  # type: ignore[method-assign]
    sender.client.post = last  # type: ignore[method-assign]
    if not is_split:
        shorten()
    engine.wiring.pusher.push(batch)

    assert len(permits) == len(engine.posted()) == (1 if is_split else 0)
    [(state, waits)] = engine.sql("SELECT state::text, due_at > clock_timestamp() FROM ringostat_sync.batches")
    assert (state, waits) == ("snoozed", not is_split)


def test_the_lease_outlives_the_distance_that_requests_keep(engine: Engine) -> None:
    """In a crowd a request leaves a moment after the check: that moment has to fit into the lease as well."""
    engine.contacts(1, 1)
    engine.change(1)
    [batch] = engine.collect()

    def take(*_: object) -> Permit:
        engine.sql("UPDATE ringostat_sync.batches SET lease_until = clock_timestamp() + interval '1.025 s'")
        return Permit(0.0, "epoch", crowded=True)

    engine.wiring.limiter.take = take  # type: ignore[method-assign]
    engine.wiring.pusher.push(batch)

    assert engine.posted() == []


def test_a_stale_worker_settles_nothing(engine: Engine) -> None:
    """An answer that comes after the lease was lost changes nothing that its successor has done."""
    engine.contacts(1, 1, "Old")
    engine.change(1)
    [batch] = engine.collect()
    group = engine.wiring.pusher._lease([batch])
    assert len(group) == 1
    recover_now(engine)
    engine.drain()

    with engine.wiring.engine.begin() as connection:
        assert guard(connection, [run.lease for run in group]) == set()


def test_a_second_taking_fences_the_first(engine: Engine) -> None:
    """Each taking raises the token: whoever has an older one is told."""
    engine.contacts(1, 1)
    engine.change(1)
    [batch] = engine.collect()
    first = engine.wiring.pusher._lease([batch])
    engine.sql("UPDATE ringostat_sync.batches SET state = 'cut', lease_until = NULL")
    second = engine.wiring.pusher._lease([batch])

    with engine.wiring.engine.begin() as connection:
        assert guard(connection, [run.lease for run in second]) == {batch}
        assert guard(connection, [run.lease for run in first]) == set()


def test_whoever_has_an_older_token_posts_nothing(engine: Engine) -> None:
    """Frozen while it waited for the limit, and the batch is in other hands: the check before the first byte tells."""
    engine.contacts(1, 1)
    engine.change(1)
    [batch] = engine.collect()
    take = engine.wiring.limiter.take

    def freeze(*arguments):
        engine.sql("UPDATE ringostat_sync.batches SET token = token + 1")
        return take(*arguments)

    engine.wiring.limiter.take = freeze  # type: ignore[method-assign]
    engine.wiring.pusher.push(batch)

    assert engine.posted() == []
    assert engine.lane().in_flight == 1


def test_a_late_answer_is_not_believed(engine: Engine) -> None:
    """A push whose lease was lost while the API was thinking leaves the contact to its successor: it is sent again."""
    engine.contacts(1, 1, "Old")
    engine.change(1)
    [batch] = engine.collect()
    engine.after_first_request(lambda: recover_now(engine))
    engine.wiring.pusher.push(batch)
    assert engine.lane().sent == 0

    engine.drain()
    assert engine.lane().sent == 1
    assert len(engine.posted()) == 2
