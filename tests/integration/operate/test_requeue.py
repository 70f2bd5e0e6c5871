"""Requeue and discard: what an operator does with dead letters."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner, Result

from tests.support.dead_letter_desk import POISON, bury, discard, listed, requeue, states
from tests.support.engine import Engine, document
from worker.cli import session
from worker.cli.app import make_app
from worker.errors import RefusedError
from worker.operate import dead_letters


@pytest.mark.parametrize("step", [dead_letters.requeue_dead_letters, dead_letters.discard_dead_letters])
def test_an_unknown_id_is_refused(engine: Engine, step) -> None:
    """And nothing is done to the known ones beside it."""
    [dead_letter] = bury(engine, 1)
    with pytest.raises(RefusedError, match="99"), engine.wiring.engine.begin() as connection:
        step(connection, [int(dead_letter.id), 99])

    assert states(engine) == [("1", "open")]
    assert engine.waiting() == {}


@pytest.mark.parametrize("step", ["requeue", "discard"])
def test_a_dry_run_counts_what_could_be_done(engine: Engine, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """It refuses what the step itself would refuse, and does nothing."""
    [dead_letter] = bury(engine, 1)
    for name, value in engine.wiring.settings.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(session, "set_up_logs", lambda *_: None)  # it would outlive the runner's standard error

    def run(*ids: str) -> Result:
        return CliRunner().invoke(make_app(), ["dead-letters", step, "--dry-run", *ids])

    assert run(dead_letter.id).output == f"1 would be {step.removesuffix('e')}ed.\n"
    assert run("--all").exit_code == 0
    assert isinstance(run(dead_letter.id, "99").exception, RefusedError)
    assert states(engine) == [("1", "open")]
    assert engine.waiting() == {}


def test_requeueing_reads_the_contact_anew(engine: Engine) -> None:
    """Corrected in the CRM without a captured change: requeued, it is sent as it is now, and the dead letter closes."""
    [dead_letter] = bury(engine, 1)
    engine.contacts(1, 1, "Fine")
    requeue(engine, dead_letter.id)
    assert (engine.lane().dead, engine.lane().pending) == (0, 1)

    engine.drain()
    assert engine.history(1) == ["Fine 1"]
    assert states(engine) == [("1", "closed")]


def test_a_requeued_letter_that_fails_again_keeps_its_id(engine: Engine) -> None:
    """Requeueing hides it; failing opens the same one, with the first time of failing kept."""
    [dead_letter] = bury(engine, 1)
    requeue(engine, dead_letter.id)
    assert listed(engine) == []
    with pytest.raises(RefusedError):
        requeue(engine, dead_letter.id)
    engine.drain()
    [again] = listed(engine)

    assert (again.id, again.first_failed_at) == (dead_letter.id, dead_letter.first_failed_at)
    assert again.last_failed_at > dead_letter.last_failed_at


def test_a_requeued_letter_may_fail_for_another_reason(engine: Engine) -> None:
    """The same id shows the newest reason."""
    [dead_letter] = bury(engine, 1)
    engine.sql("UPDATE crm.contacts SET phone = 'none'")
    requeue(engine, dead_letter.id)
    engine.drain()
    [again] = listed(engine)

    assert (again.id, again.reason, again.http_status) == (dead_letter.id, "no_directions", None)


def test_discarding_gives_a_contact_up(engine: Engine) -> None:
    """It is no open dead letter any more, and nothing is sent."""
    dead_letter, _ = bury(engine, 1, 2)
    seen = len(engine.posted())
    discard(engine, dead_letter.id)
    engine.drain()

    assert engine.lane().dead == 1
    assert states(engine) == [("1", "discarded"), ("2", "open")]
    assert len(engine.posted()) == seen


def test_a_discarded_contact_that_changes_is_sent(engine: Engine) -> None:
    """What was given up is that change, not the contact."""
    [dead_letter] = bury(engine, 1)
    discard(engine, dead_letter.id)
    engine.contacts(1, 1, "Fine")
    engine.change(1)
    engine.drain()

    assert engine.history(1) == ["Fine 1"]
    assert states(engine) == [("1", "discarded")]


def test_requeueing_a_payload_letter_sends_its_payload(engine: Engine) -> None:
    """A producer's document is not to be found in the CRM."""
    rule = engine.sandbox.faults.add(POISON)
    engine.payload(1, document("POISON payload"))
    engine.drain()
    [dead_letter] = listed(engine)
    engine.sandbox.faults.remove(rule)
    requeue(engine, dead_letter.id)
    engine.drain()

    assert engine.history(1) == ["POISON payload"]
    assert engine.lane().dead == 0


def test_a_newer_change_wins_over_a_requeued_payload(engine: Engine) -> None:
    """It waits already when the dead letter is requeued: the newer one is sent, once, and closes the dead letter."""
    rule = engine.sandbox.faults.add(POISON)
    engine.payload(1, document("POISON old"))
    engine.drain()
    [dead_letter] = listed(engine)
    engine.sandbox.faults.remove(rule)
    engine.payload(1, document("New"))
    requeue(engine, dead_letter.id)
    engine.drain()

    assert engine.history(1) == ["New"]
    assert states(engine) == [("1", "closed")]


def test_a_requeued_payload_wins_over_a_backfill(engine: Engine) -> None:
    """A backfill's row is older than any change: the dead letter's payload is sent."""
    rule = engine.sandbox.faults.add(POISON)
    engine.payload(1, document("POISON payload"))
    engine.drain()
    [dead_letter] = listed(engine)
    engine.sandbox.faults.remove(rule)
    engine.contacts(1, 1, "Mapped")
    engine.backfill()
    requeue(engine, dead_letter.id)
    engine.drain()

    assert engine.history(1) == ["POISON payload"]


def test_a_requeued_contact_waits_while_it_is_in_flight(engine: Engine) -> None:
    """A dead letter may be requeued at any moment; the contact is still never in flight twice."""
    [dead_letter] = bury(engine, 1)
    engine.contacts(1, 1, "Fine")
    engine.change(1)
    [batch] = engine.collect()
    requeue(engine, dead_letter.id)
    assert engine.collect() == []

    engine.wiring.pusher.push(batch)
    engine.drain()
    assert engine.history(1) == ["Fine 1"]
    assert states(engine) == [("1", "closed")]


def test_requeued_contacts_start_with_all_their_attempts(engine: Engine) -> None:
    """A dead letter for attempts is tried as often again."""
    [dead_letter] = bury(engine, 1)
    engine.sql("UPDATE ringostat_sync.dead_letters SET attempts = 12, reason = 'attempts'")
    requeue(engine, dead_letter.id)

    assert engine.waiting()["1"].attempts == 0


def test_an_id_named_twice_is_one_letter(engine: Engine) -> None:
    """A person who repeats an id on the command line means it once."""
    [dead_letter] = bury(engine, 1)
    requeue(engine, dead_letter.id, dead_letter.id)

    assert states(engine) == [("1", "requeued")]


@pytest.mark.parametrize("late", [document("Fine"), document("POISON late")], ids=["accepted", "refused"])
def test_an_older_payload_that_comes_late_leaves_the_letter_of_a_newer_one(engine: Engine, late: object) -> None:
    """Ids precede commits: whatever becomes of the older document, the newer one is still to be decided on."""
    rule = engine.sandbox.faults.add(POISON)
    engine.payload(1, document("POISON new"), outbox_id=200)
    engine.drain()
    [dead_letter] = listed(engine)
    engine.payload(1, late, outbox_id=100)
    engine.drain()
    assert listed(engine) == [dead_letter]

    engine.sandbox.faults.remove(rule)
    requeue(engine, dead_letter.id)
    engine.drain()
    assert engine.history(1)[-1] == "POISON new"
    assert states(engine) == [("1", "closed")]


def test_a_requeued_payload_that_is_superseded_closes_its_letter(engine: Engine) -> None:
    """A newer document of the same id, under another key, was accepted: no dead letter stays on its way for ever."""
    rule = engine.sandbox.faults.add(POISON)
    engine.payload(1, document("POISON old", externalId="same"), outbox_id=100)
    engine.drain()
    [dead_letter] = listed(engine)
    engine.sandbox.faults.remove(rule)
    engine.payload(2, document("New", externalId="same"), outbox_id=200)
    engine.drain()
    requeue(engine, dead_letter.id)
    engine.drain()

    assert engine.history("same") == ["New"]
    assert states(engine) == [("1", "closed")]
