"""Split: one bad contact harms itself alone, and an API that refuses everything buries nobody."""

from __future__ import annotations

import pytest

from tests.support.engine import Engine
from worker.local.sandbox.faults import ErrorIn2xx, Refuse
from worker.operate import dead_letters

POISON = Refuse(field="fullName", contains="POISON")


def poison(engine: Engine, *keys: int) -> None:
    for key in keys:
        engine.contacts(key, key, "POISON")


@pytest.mark.parametrize("at_fault", [(37,), (1,), (100,), (1, 2), (13, 88)], ids=str)
def test_only_those_at_fault_are_buried(engine: Engine, at_fault: tuple[int, ...]) -> None:
    """Of a refused batch the refused singles become dead letters, the others arrive, in few requests."""
    engine.contacts(1, 100)
    poison(engine, *at_fault)
    engine.sandbox.faults.add(POISON)
    engine.change(*range(1, 101))
    engine.drain()

    assert engine.dead_letters() == [(str(key), "refused") for key in at_fault]
    assert engine.lane().sent == 100 - len(at_fault)
    assert len(engine.posted()) <= 1 + 14 * len(at_fault)


def test_a_split_goes_depth_first(engine: Engine) -> None:
    """The left half is decided to the end before the right half is posted."""
    engine.contacts(1, 8)
    poison(engine, 3)
    engine.sandbox.faults.add(POISON)
    engine.change(*range(1, 9))
    engine.drain()

    assert engine.posted() == [
        ["1", "2", "3", "4", "5", "6", "7", "8"],
        ["1", "2", "3", "4"],
        ["1", "2"],
        ["3", "4"],
        ["3"],
        ["4"],
        ["5", "6", "7", "8"],
    ]


def test_an_error_in_a_2xx_body_splits_too(engine: Engine) -> None:
    """It is a refusal, whatever its status says; nobody counts as sent by it."""
    engine.contacts(1, 2)
    engine.sandbox.faults.add(ErrorIn2xx())
    engine.change(1, 2)
    engine.drain()

    assert engine.posted() == [["1", "2"], ["1"], ["2"]]
    assert engine.outcomes() == ["refused", "accepted", "accepted"]
    assert engine.lane().sent == 2


def test_a_letter_shows_document_and_answer(engine: Engine) -> None:
    """Everything that an operator needs to understand a refusal."""
    engine.contacts(1, 2)
    poison(engine, 2)
    engine.sandbox.faults.add(POISON)
    engine.change(1, 2)
    engine.drain()
    with engine.wiring.engine.connect() as connection:
        [dead_letter] = dead_letters.list_dead_letters(connection)
        shown = dead_letters.show_dead_letter(connection, int(dead_letter.id))

    assert (shown["reason"], shown["http_status"]) == ("refused", 422)
    assert "POISON 2" in shown["document"]
    assert "refused on request" in shown["answer"]
    assert "POISON" not in shown["detail"]


@pytest.mark.parametrize("count", [5, 100])
def test_an_api_that_refuses_everything_pauses_the_project(engine: Engine, count: int) -> None:
    """Five refused singles with nothing accepted between: a pause, nobody buried, no attempt spent."""
    engine.contacts(1, count)
    engine.sandbox.faults.add(Refuse(field="fullName", contains="Name"))
    engine.change(*range(1, count + 1))
    engine.push()
    lane = engine.lane()

    assert lane.paused is not None
    assert lane.paused.reason == "refusing_all"
    assert (lane.dead, lane.pending, lane.in_flight) == (0, count, 0)
    assert {row.attempts for row in engine.waiting().values()} == {0}
    assert len([ids for ids in engine.posted() if len(ids) == 1]) == 5


def test_an_api_that_refuses_everything_is_not_hammered(engine: Engine) -> None:
    """While it lasts, one batch a probe; when it is over, everything arrives."""
    engine.contacts(1, 300)
    rule = engine.sandbox.faults.add(Refuse(field="fullName", contains="Name"))
    engine.change(*range(1, 301))
    engine.push()
    engine.sql("UPDATE ringostat_sync.pauses SET until = now() + interval '1 hour'")
    seen = len(engine.posted())
    assert [engine.push() for _ in range(3)] == [0, 0, 0]

    for _ in range(3):
        engine.probe_now()
        assert engine.push() == 1
    assert engine.lane().dead == 0
    assert len(engine.posted()) > seen

    engine.sandbox.faults.remove(rule)
    engine.probe_now()
    engine.drain()
    assert (engine.lane().sent, engine.lane().paused) == (300, None)


@pytest.mark.parametrize("count", [1, 4])
def test_smaller_batches_bury_each(engine: Engine, count: int) -> None:
    """Fewer than five contacts prove nothing about the API."""
    engine.contacts(1, count, "POISON")
    engine.sandbox.faults.add(POISON)
    engine.change(*range(1, count + 1))
    engine.drain()

    assert engine.dead_letters() == [(str(key), "refused") for key in range(1, count + 1)]
    assert engine.lane().paused is None


def test_four_bad_ones_in_front_are_buried(engine: Engine) -> None:
    """The fifth is accepted, so the API is sound and the four are not."""
    engine.contacts(1, 20)
    poison(engine, 1, 2, 3, 4)
    engine.sandbox.faults.add(POISON)
    engine.change(*range(1, 21))
    engine.drain()

    assert engine.dead_letters() == [(str(key), "refused") for key in (1, 2, 3, 4)]
    assert engine.lane().sent == 16


def test_five_bad_ones_in_front_do_not_block_the_rest_for_ever(engine: Engine) -> None:
    """They pause the project once; a probe drawn from more contacts finds out that it was them."""
    engine.contacts(1, 300)
    poison(engine, 1, 2, 3, 4, 5)
    engine.sandbox.faults.add(POISON)
    engine.change(*range(1, 301))
    engine.drain()

    assert engine.dead_letters() == [(str(key), "refused") for key in (1, 2, 3, 4, 5)]
    assert (engine.lane().sent, engine.lane().paused) == (295, None)


def test_a_split_waits_for_the_limit_outside_the_workers_slot(engine: Engine) -> None:
    """In the middle of a split it keeps its contacts, and goes on where it stopped."""
    engine.contacts(1, 8)
    poison(engine, 3)
    engine.sandbox.faults.add(POISON)
    engine.after_each_request(lambda number: engine.throttle() if number == 3 else None)
    engine.change(*range(1, 9))
    engine.push()
    assert engine.sql("SELECT state::text, accepted FROM ringostat_sync.batches") == [("snoozed", True)]
    assert (engine.lane().sent, engine.lane().in_flight, engine.lane().pending) == (2, 6, 0)

    engine.end_throttle()
    engine.drain()
    assert [ids for ids in engine.posted() if "1" in ids] == [[str(key) for key in range(1, n)] for n in (9, 5, 3)]
    assert engine.posted()[3:] == [["3", "4"], ["3"], ["4"], ["5", "6", "7", "8"]]
    assert engine.dead_letters() == [("3", "refused")]


def test_suspects_survive_a_wait(engine: Engine) -> None:
    """That the API refuses everything is decided over the whole batch, also where it waited between."""
    engine.contacts(1, 6)
    engine.sandbox.faults.add(Refuse(field="fullName", contains="Name"))
    engine.after_each_request(lambda number: engine.throttle() if number == 5 else None)
    engine.change(*range(1, 7))
    engine.push()
    assert engine.sql("SELECT key FROM ringostat_sync.in_flight WHERE refusal_status = 422") == [("1",), ("2",)]

    engine.end_throttle()
    engine.push()
    assert engine.lane().paused is not None
    assert (engine.lane().dead, engine.lane().pending) == (0, 6)
    assert len([ids for ids in engine.posted() if len(ids) == 1]) == 5


def test_a_suspect_that_waited_keeps_its_document(engine: Engine) -> None:
    """Its dead letter shows what was refused, as every other dead letter does."""
    engine.contacts(1, 2, "POISON")
    engine.sandbox.faults.add(POISON)
    engine.after_each_request(lambda number: engine.throttle() if number == 2 else None)
    engine.change(1, 2)
    engine.push()
    assert engine.sql("SELECT key FROM ringostat_sync.in_flight WHERE refusal_status = 422") == [("1",)]

    engine.end_throttle()
    engine.drain()
    buried = engine.sql("SELECT key, document IS NULL FROM ringostat_sync.dead_letters ORDER BY key")
    assert buried == [("1", False), ("2", False)]


def test_a_change_during_a_split_is_not_lost(engine: Engine) -> None:
    """A contact corrected while its batch is being split is sent as it is now, and its dead letter closes."""
    engine.contacts(1, 4)
    poison(engine, 2)
    engine.sandbox.faults.add(POISON)

    def correct(number: int) -> None:
        if number == 1:
            engine.contacts(2, 2, "Fine")
            engine.change(2)

    engine.after_each_request(correct)
    engine.change(1, 2, 3, 4)
    engine.drain()

    assert engine.names()["2"] == "Fine 2"
    assert engine.dead_letters() == []


def test_organizations_are_split_as_contacts_are(engine: Engine) -> None:
    """The other method goes the same way."""
    engine.sql(
        "INSERT INTO crm.companies SELECT g, CASE g WHEN 4 THEN 'POISON' ELSE 'Company ' || g END FROM generate_series(1, 9) g"
    )
    engine.sandbox.faults.add(Refuse(field="name", contains="POISON"))
    engine.change(*range(1, 10), source="companies")
    engine.drain()

    assert engine.dead_letters() == [("4", "refused")]
    assert engine.lane("organizations").sent == 8


def test_a_split_that_waits_twice_goes_on_where_it_was(engine: Engine) -> None:
    """Where somebody else took the permit that it came back for, it waits once more, in its slices."""
    engine.contacts(1, 4, "POISON")
    engine.sandbox.faults.add(POISON)
    engine.after_each_request(lambda _: engine.throttle())
    engine.change(1, 2, 3, 4)
    engine.push()
    engine.sql("UPDATE ringostat_sync.batches SET due_at = now() WHERE state = 'snoozed'")
    [batch] = engine.wiring.collector._resend(engine.project)
    engine.wiring.pusher.push(batch)

    assert engine.sql("SELECT state::text FROM ringostat_sync.batches") == [("snoozed",)]
    assert engine.sql("SELECT count(*), count(DISTINCT slice) FROM ringostat_sync.in_flight") == [(4, 2)]
