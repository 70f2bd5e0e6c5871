"""Pauses: a project whose API is down, or wrong, waits, probes and resumes."""

from __future__ import annotations

import socket
from collections.abc import Callable, MutableMapping, Sequence

import psycopg
import pytest
from structlog.testing import capture_logs

from tests.support.engine import Engine
from worker.api.outcome import Failed
from worker.local.sandbox.faults import (
    Status,
)
from worker.upkeep.recover import recover

TEN_SECONDS_AGO = "UPDATE ringostat_sync.lanes SET failing_since = clock_timestamp() - interval '10 seconds'"
FOR_EVER = 0


def down(engine: Engine, count: int = 3) -> int:
    """An API that has been down long enough to be called down; returns the fault's id."""
    engine.contacts(1, count)
    fault = engine.sandbox.faults.add(Status(status=503, times=FOR_EVER))
    engine.change(*range(1, count + 1))
    engine.fail(1)
    engine.sql(TEN_SECONDS_AGO)
    engine.fail(4)
    return fault


def until(engine: Engine) -> float:
    """Seconds to the pause's deadline."""
    return float(engine.sql("SELECT extract(epoch FROM until - clock_timestamp()) FROM ringostat_sync.pauses")[0][0])


def test_five_failures_over_ten_seconds_pause_the_project(engine: Engine) -> None:
    """`api_down`, with a deadline; nobody is buried, and nothing more is posted until a probe."""
    down(engine)
    lane = engine.lane()

    assert lane.paused is not None
    assert lane.paused.reason == "api_down"
    assert lane.paused.until is not None
    assert (lane.pending, lane.dead) == (3, 0)
    engine.sql("UPDATE ringostat_sync.pauses SET until = now() + interval '1 hour'")
    engine.fail(3)
    assert len(engine.posted()) == 5


def test_four_failures_are_no_pause(engine: Engine) -> None:
    """However long they took."""
    engine.contacts(1, 3)
    engine.sandbox.faults.add(Status(status=503, times=4))
    engine.change(1, 2, 3)
    engine.fail(1)
    engine.sql(TEN_SECONDS_AGO)
    engine.fail(3)

    assert engine.lane().paused is None


def test_failures_within_ten_seconds_are_no_pause(engine: Engine) -> None:
    """However many."""
    engine.contacts(1, 3)
    engine.sandbox.faults.add(Status(status=503, times=7))
    engine.change(1, 2, 3)
    engine.fail(7)

    assert engine.lane().paused is None


def test_an_answer_ends_the_row_of_failures(engine: Engine) -> None:
    """In a row means that nothing was answered between: also a refusal is an answer."""
    engine.contacts(1, 3)
    engine.sandbox.faults.add(Status(status=503, times=3))
    engine.sandbox.faults.add(Status(status=422))
    engine.sandbox.faults.add(Status(status=503, times=3))
    engine.change(1, 2, 3)
    engine.fail(1)
    engine.sql(TEN_SECONDS_AGO)
    engine.fail(6)

    assert engine.lane().paused is None


def test_a_probe_is_one_batch_and_costs_no_attempt(engine: Engine) -> None:
    """An outage of days buries nothing: probe after probe, attempts stay as they were."""
    down(engine, count=250)
    before = {key: row.attempts for key, row in engine.waiting().items()}
    seen = len(engine.posted())
    for _ in range(15):
        engine.probe_now()
        assert engine.push() == 1
        assert engine.push() == 0

    assert len(engine.posted()) == seen + 15
    assert {key: row.attempts for key, row in engine.waiting().items()} == before
    assert engine.lane().dead == 0


def test_probes_become_rarer(make_engine: Callable[..., Engine]) -> None:
    """Each that fails doubles the time to the next, up to ten minutes."""
    engine = make_engine(SYNC_RETRY_BASE="8", SYNC_RETRY_MAX="3600", SYNC_MAX_ATTEMPTS="50")
    down(engine)
    waits = [until(engine)]
    for _ in range(6):
        engine.probe_now()
        engine.push()
        waits.append(until(engine))

    assert [round(wait, -1) for wait in waits] == [40, 80, 160, 320, 600, 600, 600]


def test_a_probe_heals(engine: Engine) -> None:
    """One accepted batch lifts the pause, and everything that waits may go now."""
    fault = down(engine, count=250)
    engine.sandbox.faults.remove(fault)
    engine.probe_now()
    engine.sql("UPDATE ringostat_sync.pending SET due_at = now() + interval '1 hour' WHERE key::int > 100")
    engine.push()

    assert engine.lane().paused is None
    assert not any(row.later for row in engine.waiting().values())
    engine.drain()
    assert engine.lane().sent == 250


def test_after_a_pause_the_count_begins_anew(engine: Engine) -> None:
    """One more failure after the API has come back is one failure."""
    fault = down(engine)
    engine.sandbox.faults.remove(fault)
    engine.probe_now()
    engine.drain()
    engine.sandbox.faults.add(Status(status=500))
    engine.contacts(1, 1, "New")
    engine.change(1)
    engine.push()

    assert engine.lane().paused is None


def test_a_probe_that_a_429_meets_proves_nothing(engine: Engine) -> None:
    """The pause stays, the next probe comes when the API allows."""
    fault = down(engine)
    engine.sandbox.faults.remove(fault)
    engine.sandbox.faults.add(Status(status=429, headers={"Retry-After": "30"}))
    engine.probe_now()
    engine.push()

    assert engine.lane().paused is not None
    assert 25 < until(engine) <= 30


def test_a_probe_that_finds_nothing_to_send_proves_nothing(engine: Engine) -> None:
    """A batch of which nothing was posted leaves the pause to the next probe, now."""
    fault = down(engine)
    engine.sql("UPDATE crm.contacts SET hidden = true")
    engine.probe_now()
    engine.push()
    assert engine.lane().paused is not None
    assert until(engine) <= 0

    engine.sandbox.faults.remove(fault)
    engine.contacts(9, 9)
    engine.change(9)
    engine.push()
    assert engine.lane().paused is None


def test_a_lost_probe_is_followed_by_another(engine: Engine) -> None:
    """A worker that dies with the probe does not leave the project paused for longer than its lease."""
    fault = down(engine)
    engine.sandbox.faults.remove(fault)
    engine.probe_now()
    assert len(engine.collect()) == 1
    assert engine.collect() == []
    assert until(engine) > 100

    engine.sql("UPDATE ringostat_sync.batches SET state = 'pushing', lease_until = now() - interval '1 s'")
    recover(engine.wiring.engine)
    engine.push()
    assert (engine.lane().sent, engine.lane().paused) == (3, None)


def test_the_pause_says_why_the_api_cannot_be_reached(make_engine: Callable[..., Engine]) -> None:
    """The cause by its word, and a sentence that says what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    engine = make_engine(RINGOSTAT_BASE_URL=f"http://127.0.0.1:{port}")
    engine.contacts(1, 1)
    engine.change(1)
    engine.fail(4)
    engine.sql(TEN_SECONDS_AGO)
    engine.fail(1)
    paused = engine.lane().paused

    assert paused is not None
    assert (
        paused.detail == f"The API has failed 5 times in a row (refused). {Failed('refused', unknown=False).sentence}"
    )


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_key_pauses_and_heals(engine: Engine, status: int) -> None:
    """One request, no attempt, nobody buried; when the key is right again, a probe finds out by itself."""
    engine.contacts(1, 150)
    fault = engine.sandbox.faults.add(Status(status=status, times=FOR_EVER))
    engine.change(*range(1, 151))
    [one, _] = engine.collect()
    engine.wiring.pusher.push(one)
    lane = engine.lane()
    assert lane.paused is not None
    assert (lane.paused.reason, lane.dead) == ("unauthorized", 0)
    assert {row.attempts for row in engine.waiting().values()} == {0}

    engine.sandbox.faults.remove(fault)
    engine.probe_now()
    engine.push()
    assert engine.lane().paused is None


def test_a_pause_stops_batches_that_are_on_their_way(engine: Engine) -> None:
    """What was cut before the pause is not posted any more; it waits, at no cost."""
    engine.contacts(1, 200)
    engine.sandbox.faults.add(Status(status=401, times=FOR_EVER))
    engine.change(*range(1, 201))
    first, second = engine.collect()
    engine.wiring.pusher.push(first)
    engine.wiring.pusher.push(second)

    assert len(engine.posted()) == 1
    assert (engine.lane().pending, engine.lane().in_flight) == (200, 0)


@pytest.mark.parametrize("status", [302, 307, 402, 404, 405, 410, 418])
def test_an_unexpected_answer_pauses(engine: Engine, status: int) -> None:
    """A redirect or an unknown 4xx is about the address, not about a contact; it is not followed."""
    engine.contacts(1, 1)
    engine.sandbox.faults.add(Status(status=status, headers={"Location": engine.sandbox.url + "/elsewhere"}))
    engine.change(1)
    engine.push()

    assert engine.lane().paused is not None
    assert engine.lane().paused.reason == "unexpected_answer"
    assert len(engine.posted()) == 1
    engine.drain()
    assert (engine.lane().sent, engine.lane().paused) == (1, None)


def test_a_pause_by_hand_holds_until_resume(engine: Engine) -> None:
    """It has no deadline and no probe; afterwards everything that waits is due now."""
    engine.contacts(1, 2)
    engine.pause()
    engine.change(1, 2)
    engine.collect()
    engine.sql("UPDATE ringostat_sync.pending SET due_at = now() + interval '1 hour'")
    engine.probe_now()
    assert engine.push() == 0
    assert engine.lane().paused.until is None

    assert engine.resume()
    assert engine.push() == 1
    assert engine.lane().sent == 2


def test_a_pause_by_hand_is_not_overruled(engine: Engine) -> None:
    """No failure, no probe and no acceptance of what was under way lifts or replaces it."""
    engine.contacts(1, 2)
    engine.change(1)
    [batch] = engine.collect()
    engine.sandbox.faults.add(Status(status=401))
    post = engine.wiring.pusher.sender.client.post

    def pause_while_posting(*arguments):
        engine.pause()
        return post(*arguments)

    engine.wiring.pusher.sender.client.post = pause_while_posting  # type: ignore[method-assign]
    engine.wiring.pusher.push(batch)

    assert engine.lane().paused.reason == "by_hand"
    assert engine.push() == 0


def test_a_pause_by_hand_stops_a_probe(engine: Engine) -> None:
    """A probe that was cut before is not posted after an operator has said stop."""
    fault = down(engine)
    engine.sandbox.faults.remove(fault)
    engine.probe_now()
    [probe] = engine.collect()
    seen = len(engine.posted())
    engine.pause()
    engine.wiring.pusher.push(probe)

    assert len(engine.posted()) == seen
    assert engine.lane().pending == 3


def test_resume_lifts_any_pause(engine: Engine) -> None:
    """An operator who knows better need not wait for the probe."""
    fault = down(engine)
    engine.sandbox.faults.remove(fault)
    assert engine.resume()
    assert not engine.resume()
    engine.push()

    assert engine.lane().sent == 3


def test_a_probe_that_fails_once_keeps_the_reason_and_the_pace(make_engine: Callable[..., Engine]) -> None:
    """The API refuses everything, and answers one probe with a 500: the next ones come as rarely as before."""
    engine = make_engine(SYNC_RETRY_BASE="8", SYNC_RETRY_MAX="3600")
    engine.contacts(1, 5)
    engine.change(*range(1, 6))
    engine.sandbox.faults.add(Status(status=422, times=0))
    waits, reasons = [], []
    for probe in range(6):
        if probe == 3:
            engine.sandbox.faults.clear()
            engine.sandbox.faults.add(Status(status=500))
            engine.sandbox.faults.add(Status(status=422, times=0))
        engine.probe_now()
        engine.push()
        waits.append(round(until(engine), -1))
        reasons.append(engine.lane().paused)

    assert waits == [40, 80, 160, 320, 600, 600]
    assert {paused.reason for paused in reasons if paused} == {"refusing_all"}


def test_an_api_that_finds_everything_too_large_buries_nobody(make_engine: Callable[..., Engine]) -> None:
    """Each 413 has made the batches smaller, down to a single one, which as a probe is buried no more than any other."""
    engine = make_engine(SYNC_RETRY_BASE="1", SYNC_RETRY_MAX="3600")
    engine.contacts(1, 20)
    fault = engine.sandbox.faults.add(Status(status=413, times=FOR_EVER))
    engine.change(*range(1, 21))
    engine.push()
    waits = []
    for _ in range(4):
        engine.probe_now()
        engine.push()
        waits.append(round(until(engine)))
    lane = engine.lane()
    assert lane.paused is not None
    assert (lane.paused.reason, lane.dead, lane.pending) == ("refusing_all", 0, 20)
    assert waits == [10, 20, 40, 80]

    engine.sandbox.faults.remove(fault)
    engine.probe_now()
    engine.drain()
    assert (engine.lane().sent, engine.lane().paused) == (20, None)


def test_an_api_that_was_down_and_then_refuses_everything_buries_four(engine: Engine) -> None:
    """Its failures have narrowed every batch to one: after five of them in a row the project pauses as well."""
    engine.contacts(1, 20)
    engine.change(*range(1, 21))
    engine.collect()
    engine.sql("UPDATE ringostat_sync.batches SET state = 'pushing', lease_until = now() - interval '1 s'")
    recover(engine.wiring.engine)
    engine.sql("UPDATE ringostat_sync.pending SET attempts = 8")
    fault = engine.sandbox.faults.add(Status(status=400, times=FOR_EVER))
    for _ in range(8):
        engine.push()
    lane = engine.lane()
    assert lane.paused is not None
    assert (lane.paused.reason, lane.dead, lane.pending) == ("refusing_all", 4, 16)

    engine.sandbox.faults.remove(fault)
    engine.probe_now()
    engine.drain()
    assert (engine.lane().sent, engine.lane().paused) == (16, None)


def test_single_contacts_that_are_refused_one_after_the_other_are_buried_each(engine: Engine) -> None:
    """Nothing has narrowed their batches: each is at fault itself."""
    engine.contacts(1, 7)
    engine.sandbox.faults.add(Status(status=422, times=7))
    for contact in range(1, 8):
        engine.change(contact)
        engine.push()

    assert (engine.lane().dead, engine.lane().paused) == (7, None)


def test_a_probe_that_is_to_come_back_at_once_comes_as_rarely_as_any(make_engine: Callable[..., Engine]) -> None:
    """`Retry-After: 0` in a pause is no leave to knock without a rest."""
    engine = make_engine(SYNC_RETRY_BASE="1", SYNC_RETRY_MAX="3600")
    fault = down(engine)
    engine.sandbox.faults.remove(fault)
    engine.sandbox.faults.add(Status(status=503, times=FOR_EVER, headers={"Retry-After": "0"}))
    waits = []
    for _ in range(3):
        engine.sql("UPDATE ringostat_sync.service_health SET throttled_until = NULL")
        engine.wiring.redis.flushall()
        engine.probe_now()
        engine.push()
        waits.append(round(until(engine)))

    assert waits == [10, 20, 40]


def test_the_end_of_a_pause_waits_for_nobody(engine: Engine) -> None:
    """It stands in transactions that hold other contacts; one that somebody has locked just then is left to him."""
    engine.contacts(1, 2)
    engine.sandbox.faults.add(Status(status=500))
    engine.change(1, 2)
    engine.push()
    engine.pause()
    engine.sql("UPDATE ringostat_sync.pending SET due_at = now() + interval '1 hour'")
    with psycopg.connect(engine.database_url) as taking_in:
        taking_in.execute("SELECT FROM ringostat_sync.pending WHERE key = '1' FOR UPDATE")
        assert engine.resume()

    assert {key: row.due_at is None for key, row in engine.waiting().items()} == {"1": False, "2": True}


def told(logs: Sequence[MutableMapping[str, object]], *events: str) -> list[tuple[object, ...]]:
    """What the log says of these events: event, level, and reason or outcome."""
    return [
        (entry["event"], entry["log_level"], entry.get("reason", entry.get("outcome")))
        for entry in logs
        if entry["event"] in events
    ]


def test_a_pause_is_told_when_it_begins_and_when_it_ends(engine: Engine) -> None:
    """Once each, however many probes are refused in between; the answer is told as what it is."""
    engine.contacts(1, 3)
    engine.change(1, 2, 3)
    engine.sandbox.faults.add(Status(status=401, times=2))
    with capture_logs() as logs:
        engine.push()
        engine.probe_now()
        engine.push()
        engine.probe_now()
        engine.drain()

    assert told(logs, "pushed", "paused", "resumed") == [
        ("paused", "error", "unauthorized"),
        ("pushed", "error", "unauthorized"),
        ("pushed", "error", "unauthorized"),
        ("resumed", "info", "unauthorized"),
        ("pushed", "info", "accepted"),
    ]


def test_no_reason_that_a_pause_by_hand_keeps_away_is_told(engine: Engine) -> None:
    """It has not begun."""
    engine.pause()
    with capture_logs() as logs:
        engine.pause("api_down")

    assert told(logs, "paused") == []


def test_burials_are_told_by_reason(engine: Engine) -> None:
    """With their number, and no key."""
    engine.contacts(1, 3)
    engine.sql(
        "UPDATE crm.contacts SET name = '' WHERE id = 1; UPDATE crm.contacts SET phone = 'none' WHERE id IN (2, 3)"
    )
    engine.change(1, 2, 3)
    with capture_logs() as logs:
        engine.drain()
    buried = [(entry["reason"], entry["contacts"], entry["log_level"]) for entry in logs if entry["event"] == "buried"]

    assert sorted(buried) == [("invalid", 1, "warning"), ("no_directions", 2, "warning")]
