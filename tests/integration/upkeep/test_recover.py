"""Recover: whoever dies, and wherever, nothing is lost and no older state follows a newer one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.deaths import LEASES_OVER, KilledError, kill_while, recover_now
from tests.support.engine import Engine, document
from worker.local.sandbox.faults import Refuse
from worker.upkeep.recover import Recovered, recover

MOMENTS = ["reading", "reserving", "reserved", "waiting", "posting", "answered", "settling"]


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_worker_that_dies_loses_nothing(engine: Engine, monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    """Wherever it dies, its contacts wait again when the lease is over, at no cost in attempts, and arrive."""
    engine.contacts(1, 3)
    engine.change(1, 2, 3, 99)
    [batch] = engine.collect()
    kill_while(engine, monkeypatch, moment, batch)
    assert recover(engine.wiring.engine) == Recovered()

    assert recover_now(engine).taken_back == (batch,)
    assert {row.attempts for row in engine.waiting().values()} == {0}
    engine.drain()
    assert (engine.lane().sent, engine.lane().absent) == (3, 1)
    assert engine.sql("SELECT count(*) FROM ringostat_sync.reserved_ids") == [(0,)]
    assert engine.sql("SELECT count(*) FROM ringostat_sync.batches") == [(0,)]


@pytest.mark.parametrize("moment", ["posting", "answered"])
def test_what_a_dead_worker_posted_is_unknown(engine: Engine, monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    """From A to B with the worker killed at B, and back to A: A is sent again."""
    engine.contacts(1, 1, "A")
    engine.change(1)
    engine.drain()
    engine.contacts(1, 1, "B")
    engine.change(1)
    [batch] = engine.collect()
    kill_while(engine, monkeypatch, moment, batch)
    engine.contacts(1, 1, "A")
    recover_now(engine)
    engine.drain()

    assert engine.names() == {"1": "A 1"}
    assert engine.lane().unchanged == 0


@pytest.mark.parametrize("moment", ["reading", "reserving", "reserved", "waiting"])
def test_what_was_not_posted_is_known(engine: Engine, monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    """A worker that dies before its first byte does not cost a request."""
    engine.contacts(1, 1, "A")
    engine.change(1)
    engine.drain()
    engine.contacts(1, 1, "B")
    engine.change(1)
    [batch] = engine.collect()
    kill_while(engine, monkeypatch, moment, batch)
    engine.contacts(1, 1, "A")
    recover_now(engine)
    engine.drain()

    assert len(engine.posted()) == 1
    assert engine.lane().unchanged == 1


def test_a_worker_that_dies_in_a_split_loses_nothing(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Halves that were accepted stay accepted; unconfirmed and halves not posted wait again."""
    engine.contacts(1, 10)
    engine.contacts(4, 4, "POISON")
    engine.sandbox.faults.add(Refuse(field="fullName", contains="POISON"))
    engine.change(*range(1, 11))
    [batch] = engine.collect()
    post, count = engine.wiring.pusher.sender.client.post, []

    def posting(*arguments):
        count.append(arguments)
        if len(count) == 6:
            raise KilledError
        return post(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(engine.wiring.pusher.sender.client, "post", posting)
        with pytest.raises(KilledError):
            engine.wiring.pusher.push(batch)
    assert 0 < engine.lane().sent < 9
    recover_now(engine)
    engine.drain()

    assert engine.dead_letters() == [("4", "refused")]
    assert len(engine.names()) == 9


def test_lost_leases_narrow_the_company(engine: Engine) -> None:
    """A contact on which workers die travels in ever smaller company, and is never buried for it."""
    engine.contacts(1, 100)
    engine.change(*range(1, 101))
    sizes = []
    for _ in range(9):
        batches = engine.collect()
        sizes += engine.sql(
            "SELECT size FROM ringostat_sync.batches b JOIN ringostat_sync.in_flight f ON f.batch_id = b.id WHERE key = '1'"
        )
        for batch in batches:
            engine.wiring.pusher._lease([batch])
        recover_now(engine)

    assert [size for (size,) in sizes] == [100, 100, 50, 25, 12, 6, 3, 1, 1]
    assert engine.lane().dead == 0


def test_a_newer_change_survives_the_taking_back(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """What came while the lost batch was in flight wins over what it held."""
    engine.payload(1, document("Old"))
    [batch] = engine.collect()
    engine.payload(1, document("New"))
    engine.collect()
    kill_while(engine, monkeypatch, "posting", batch)
    recover_now(engine)
    engine.drain()

    assert engine.history(1) == ["New"]


def test_a_lost_message_is_sent_again(engine: Engine) -> None:
    """A batch that nobody took is named again after some seconds, and again after as many."""
    engine.contacts(1, 1)
    engine.change(1)
    [batch] = engine.collect()
    assert recover(engine.wiring.engine).unsent == ()

    engine.sql("UPDATE ringostat_sync.batches SET sent_at = now() - interval '6 s'")
    assert recover(engine.wiring.engine).unsent == (batch,)
    assert recover(engine.wiring.engine).unsent == ()


def test_one_recovers_at_a_time(engine: Engine) -> None:
    """Many at once take each batch back once, and lose none."""
    engine.contacts(1, 500)
    engine.change(*range(1, 501))
    batches = engine.collect()
    for batch in batches:
        engine.wiring.pusher._lease([batch])
    engine.sql(LEASES_OVER)
    with ThreadPoolExecutor(4) as pool:
        found = [future.result() for future in [pool.submit(recover, engine.wiring.engine) for _ in range(8)]]

    assert sorted(batch for one in found for batch in one.taken_back) == sorted(batches)
    assert engine.lane().pending == 500


def test_a_batch_that_can_not_be_taken_back_holds_up_no_other(engine: Engine) -> None:
    """Whatever PostgreSQL objects to."""
    engine.contacts(1, 200)
    engine.change(*range(1, 201))
    first, second = engine.collect()
    engine.wiring.pusher._lease([first])
    engine.wiring.pusher._lease([second])
    engine.sql(
        "CREATE FUNCTION ringostat_sync.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$"
    )
    engine.sql(
        "CREATE TRIGGER refuse BEFORE DELETE ON ringostat_sync.batches FOR EACH ROW"
        f" WHEN (OLD.id = {first}) EXECUTE FUNCTION ringostat_sync.refuse()"
    )

    assert recover_now(engine).taken_back == (second,)
    assert len(engine.waiting()) == 100


def test_leases_can_be_lost_without_end(engine: Engine) -> None:
    """A contact that kills its worker each time is taken back each time."""
    engine.contacts(1, 1)
    engine.change(1)
    engine.collect()
    engine.sql("UPDATE ringostat_sync.in_flight SET lost_leases = 32767")
    engine.sql("UPDATE ringostat_sync.batches SET state = 'pushing', lease_until = now()")

    assert len(recover_now(engine).taken_back) == 1
    engine.drain()
    assert engine.lane().sent == 1
