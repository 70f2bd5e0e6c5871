"""The way of a change, on real servers."""

from __future__ import annotations

import json
import time

import pytest

from tests.integration.engine import PROJECT, Engine
from tests.waiting import wait_until
from worker.backfill.backfill import Backfill
from worker.backfill.poll import poll
from worker.errors import RefusedError
from worker.letters import letters
from worker.projects import pauses
from worker.recover.recover import recover
from worker.sandbox.faults import Break, HangAfter, MaxEntries, Refuse, ResetAfter, Status


def test_contacts_waiting_together_make_as_few_requests_as_fit(engine: Engine) -> None:
    """Changes of N contacts, however many, make N / batch size requests rounded up."""
    engine.contacts(1, 250)
    engine.change(*[1 + n % 250 for n in range(2000)])
    engine.drain()

    assert engine.outcomes() == ["accepted"] * 3
    assert engine.lane().sent == 250
    assert len(engine.names()) == 250


def test_the_document_is_read_at_the_time_of_sending(engine: Engine) -> None:
    """A change between collecting and pushing is already in what is sent."""
    engine.contacts(1, 1, "Old")
    engine.change(1)
    [batch] = engine.collect()
    engine.contacts(1, 1, "New")
    engine.parts.pusher.push(batch)

    assert engine.names() == {"1": "New 1"}


def test_an_unchanged_document_is_not_sent_again(engine: Engine) -> None:
    """A change that changes nothing that the API sees costs no request."""
    engine.contacts(1, 3)
    engine.change(1, 2, 3)
    engine.drain()
    engine.change(1, 2, 3)
    engine.drain()

    assert engine.outcomes() == ["accepted"]
    assert (engine.lane().sent, engine.lane().unchanged) == (3, 3)


def test_a_contact_that_the_mapping_leaves_out_is_absent(engine: Engine) -> None:
    """Hidden, deleted and impossible keys are settled as absent, without a request."""
    engine.contacts(1, 1)
    engine.sql("UPDATE crm.contacts SET hidden = true")
    engine.change(1, 99, "no number", "99999999999999999999")
    engine.drain()

    assert engine.outcomes() == []
    assert engine.lane().absent == 4
    assert engine.letters() == []


def test_a_contact_in_flight_is_left_alone(engine: Engine) -> None:
    """A change of a contact that is in flight waits until that is settled."""
    engine.contacts(1, 1)
    engine.change(1)
    [batch] = engine.collect()
    engine.change(1)

    assert engine.collect() == []

    engine.parts.pusher.push(batch)
    engine.drain()
    assert engine.lane().unchanged == 1


def test_only_the_contact_at_fault_is_buried(engine: Engine) -> None:
    """Of a refused batch, the refused single becomes a dead letter and the others arrive."""
    engine.contacts(1, 100)
    engine.contacts(37, 37, "POISON")
    engine.sandbox.faults.add(Refuse(field="fullName", contains="POISON"))
    engine.change(*range(1, 101))
    engine.drain()

    assert engine.letters() == [("37", "refused")]
    assert engine.lane().sent == 99
    assert len(engine.outcomes()) <= 20


def test_a_letter_closes_by_itself(engine: Engine) -> None:
    """A later change of the contact that arrives closes its letter."""
    engine.contacts(1, 1, "POISON")
    engine.sandbox.faults.add(Refuse(field="fullName", contains="POISON"))
    engine.change(1)
    engine.drain()
    assert engine.lane().dead == 1

    engine.contacts(1, 1, "Fine")
    engine.change(1)
    engine.drain()

    assert (engine.lane().dead, engine.lane().sent) == (0, 1)


def test_a_letter_that_fails_again_keeps_its_id(engine: Engine) -> None:
    """Requeueing hides a letter; failing again opens the same one."""
    engine.contacts(1, 1, "POISON")
    engine.sandbox.faults.add(Refuse(field="fullName", contains="POISON"))
    engine.change(1)
    engine.drain()
    with engine.parts.engine.begin() as connection:
        [letter] = letters.list_letters(connection)
        letters.requeue_letters(connection, [int(letter.id)])
    assert engine.lane().dead == 0
    engine.drain()

    with engine.parts.engine.begin() as connection:
        [again] = letters.list_letters(connection)
    assert again.id == letter.id


def test_an_unknown_letter_is_refused(engine: Engine) -> None:
    """Requeueing an id that is no open letter changes nothing and says so."""
    with pytest.raises(RefusedError, match="No open dead letter"), engine.parts.engine.begin() as connection:
        letters.requeue_letters(connection, [7])


def test_an_api_that_refuses_everything_pauses_the_project(engine: Engine) -> None:
    """Five refused singles with nothing accepted: a pause, nobody buried, and the probe heals it."""
    engine.contacts(1, 100)
    rule = engine.sandbox.faults.add(Refuse(field="fullName", contains="Name"))
    engine.change(*range(1, 101))
    engine.push()

    assert engine.lane().paused is not None
    assert engine.lane().paused.reason == "refusing_all"
    assert (engine.lane().dead, engine.lane().pending) == (0, 100)

    engine.sandbox.faults.remove(rule)
    engine.drain()
    assert (engine.lane().sent, engine.lane().paused) == (100, None)


def test_a_wrong_key_pauses_and_heals(engine: Engine) -> None:
    """401 pauses the project with one request, costs no attempt, and the probe lifts it."""
    engine.contacts(1, 10)
    engine.sandbox.faults.add(Status(status=401))
    engine.change(*range(1, 11))
    engine.push()

    assert engine.lane().paused.reason == "unauthorized"
    assert engine.sql("SELECT max(attempts) FROM ringostat_sync.pending") == [(0,)]

    engine.drain()
    assert (engine.lane().sent, engine.lane().paused) == (10, None)


def test_an_unexpected_answer_pauses(engine: Engine) -> None:
    """A redirect or an unknown 4xx says that the address is wrong, not the contact."""
    engine.contacts(1, 1)
    engine.sandbox.faults.add(Status(status=404))
    engine.change(1)
    engine.push()

    assert engine.lane().paused.reason == "unexpected_answer"
    assert engine.letters() == []


def test_passing_failures_are_retried(engine: Engine) -> None:
    """500s, a reset after processing and a time-out after processing lose nothing."""
    for fault in (Status(status=500, times=2), ResetAfter(), HangAfter()):
        engine.sandbox.faults.add(fault)
    engine.contacts(1, 30)
    engine.change(*range(1, 31))
    engine.drain()

    assert engine.lane().sent == 30
    assert engine.outcomes()[:4] == ["failed", "failed", "unknown", "unknown"]
    assert engine.letters() == []


def test_retry_after_is_obeyed_and_costs_no_attempt(engine: Engine) -> None:
    """429 with seconds holds the project back for so long."""
    engine.sandbox.faults.add(Status(status=429, headers={"Retry-After": "1"}))
    engine.contacts(1, 2)
    engine.change(1, 2)
    engine.push()
    started = time.monotonic()
    assert engine.sql("SELECT max(attempts) FROM ringostat_sync.pending") == [(0,)]
    engine.drain()

    assert time.monotonic() - started > 0.8
    assert engine.outcomes() == ["throttled", "accepted"]


def test_a_contact_on_which_the_api_breaks_takes_nobody_along(engine: Engine) -> None:
    """Where the API answers 500 because of one contact, that one is buried for its attempts and the rest arrive."""
    engine.contacts(1, 20)
    engine.contacts(7, 7, "BREAKS")
    engine.sandbox.faults.add(Break(field="fullName", contains="BREAKS"))
    engine.change(*range(1, 21))
    engine.drain(timeout=30)

    assert engine.letters() == [("7", "attempts")]
    assert engine.lane().sent == 19


def test_too_large_batches_are_halved(engine: Engine) -> None:
    """413 splits the batch and makes the next ones smaller."""
    engine.sandbox.faults.add(MaxEntries(limit=30))
    engine.contacts(1, 100)
    engine.change(*range(1, 101))
    engine.drain()

    assert engine.lane().sent == 100
    assert engine.sql("SELECT batch_limit IS NOT NULL FROM ringostat_sync.lanes WHERE method = 'contacts'") == [(True,)]


def test_what_the_api_holds_after_a_lost_answer_is_unknown(engine: Engine) -> None:
    """A to B with its answer lost, then back to A: A is sent again."""
    engine.contacts(1, 1, "A")
    engine.change(1)
    engine.drain()
    engine.contacts(1, 1, "B")
    engine.change(1)
    engine.sandbox.faults.add(ResetAfter())
    engine.push()
    assert engine.names() == {"1": "B 1"}

    engine.contacts(1, 1, "A")
    engine.change(1)
    engine.drain()
    assert engine.names() == {"1": "A 1"}


def test_a_broken_mapping_pauses_and_buries_nobody(engine: Engine) -> None:
    """A column that is gone pauses the project; when it is back, everything goes on."""
    engine.contacts(1, 5)
    engine.sql("ALTER TABLE crm.contacts RENAME phone TO gone")
    engine.change(*range(1, 6))
    engine.push()
    assert engine.lane().paused.reason == "mapping_broken"
    assert engine.letters() == []

    engine.sql("ALTER TABLE crm.contacts RENAME gone TO phone")
    engine.drain()
    assert (engine.lane().sent, engine.lane().paused) == (5, None)


def test_a_payload_is_validated_and_sent(engine: Engine) -> None:
    """A producer's own document goes the same way; one that is no object is a dead letter."""
    document = {"fullName": "Оля", "contactDirections": [{"type": "phone", "value": "050 123 45 67"}]}
    engine.sql(
        "INSERT INTO ringostat_sync.outbox (source, key, payload) VALUES ('contacts', '5', %s)", json.dumps(document)
    )
    engine.sql("INSERT INTO ringostat_sync.outbox (source, key, payload) VALUES ('contacts', '6', '[]')")
    engine.drain()

    assert engine.names() == {"5": "Оля"}
    assert engine.letters() == [("6", "invalid")]


def test_documents_that_share_an_id_never_travel_together(engine: Engine) -> None:
    """A lead and its contact share the leadId: one request each, the later change last."""
    engine.sql("INSERT INTO crm.contacts VALUES (1, 'Іван', '0671112233', 'L1')")
    engine.change("L1", source="leads")
    engine.change(1)
    engine.drain()

    assert engine.outcomes() == ["accepted", "accepted"]
    assert [row["fullName"] for row in engine.sandbox_json("contacts")] == ["Іван"]


def test_organizations_go_before_contacts(engine: Engine) -> None:
    """Within a round, a contact's batch follows the organizations' in the same message."""
    engine.contacts(1, 1)
    engine.sql("INSERT INTO crm.companies VALUES (1, 'ТОВ «Ромашка»')")
    engine.change(1)
    engine.change(1, source="companies")
    [message] = engine.parts.collector.round(PROJECT).messages

    methods = [engine.sql("SELECT method::text FROM ringostat_sync.batches WHERE id = %s", b)[0][0] for b in message]
    assert methods == ["organizations", "contacts"]


def test_a_batch_whose_lease_is_over_is_taken_back(engine: Engine) -> None:
    """A worker that died after taking a batch loses nothing."""
    engine.contacts(1, 3)
    engine.change(1, 2, 3)
    [batch] = engine.collect()
    engine.sql(
        "UPDATE ringostat_sync.batches SET state = 'pushing', token = 1, posted = true, lease_until = now() - interval '1 s'"
    )
    found = recover(engine.parts.engine)
    engine.drain()

    assert found.taken_back == (batch,)
    assert engine.lane().sent == 3


def test_a_worker_that_lost_its_lease_posts_nothing(engine: Engine) -> None:
    """The last check before the first byte sees that the batch was taken back."""
    engine.contacts(1, 1)
    engine.change(1)
    [batch] = engine.collect()
    prepare = engine.parts.pusher.reader.read

    def frozen(source, keys):
        engine.sql("UPDATE ringostat_sync.batches SET lease_until = now() - interval '1 s'")
        recover(engine.parts.engine)
        return prepare(source, keys)

    engine.parts.pusher.reader = type("Frozen", (), {"read": staticmethod(frozen)})()
    engine.parts.pusher.push(batch)

    assert engine.outcomes() == []
    assert engine.lane().pending == 1


def test_a_message_that_the_broker_lost_is_sent_again(engine: Engine) -> None:
    """A batch that nobody took for some seconds is named for another message."""
    engine.contacts(1, 1)
    engine.change(1)
    [batch] = engine.collect()
    engine.sql("UPDATE ringostat_sync.batches SET sent_at = now() - interval '1 min'")

    assert recover(engine.parts.engine).unsent == (batch,)


def test_a_pause_by_hand_holds_until_resume(engine: Engine) -> None:
    """Nothing goes out during a pause by hand; after `resume` all of it does."""
    engine.contacts(1, 2)
    with engine.parts.engine.begin() as connection:
        pauses.pause(connection, PROJECT, "by_hand", "test")
    engine.change(1, 2)
    assert engine.push() == 0
    assert engine.lane().paused.until is None

    with engine.parts.engine.begin() as connection:
        pauses.resume(connection, PROJECT)
    engine.drain()
    assert engine.lane().sent == 2


def test_a_lost_bucket_is_refilled_from_postgresql(engine: Engine) -> None:
    """When Redis is flushed, requests of the last period still count."""
    engine.contacts(1, 1)
    engine.change(1)
    engine.drain()
    engine.parts.redis.flushall()
    project = engine.parts.mapping.projects[PROJECT]
    engine.parts.limiter.slots(project, 1.0)

    wait_until(
        lambda: engine.parts.redis.llen(f"{{ringostat-sync:{PROJECT}}}:grants") == 1, what="the grant to be back"
    )


def test_a_replica_without_triggers_is_polled(engine: Engine) -> None:
    """A poll finds what is new, and sends only what has changed."""
    parts = engine.parts
    engine.contacts(1, 120)
    assert poll(parts.engine, parts.crm, parts.mapping) == 120
    engine.drain()
    engine.contacts(7, 7, "Changed")
    poll(parts.engine, parts.crm, parts.mapping)
    engine.drain()

    assert (engine.lane().sent, engine.lane().unchanged) == (121, 119)
    assert engine.names()["7"] == "Changed 7"


def test_a_backfill_stays_behind_live_changes(engine: Engine) -> None:
    """A live change overtakes a backfill of its own project."""
    engine.contacts(1, 300)
    list(Backfill(engine.parts.engine, engine.parts.crm, engine.parts.mapping.sources["contacts"]).run())
    engine.change(300)
    batches = engine.collect()

    [(first,)] = engine.sql("SELECT batch_id FROM ringostat_sync.in_flight WHERE key = '300'")
    assert first == batches[0]


def test_a_stopped_backfill_resumes(engine: Engine) -> None:
    """The same command goes on after the last chunk that is in."""
    engine.contacts(1, 6000)
    backfill = Backfill(engine.parts.engine, engine.parts.crm, engine.parts.mapping.sources["contacts"])
    progress = backfill.run()
    assert [next(progress), next(progress)] == [0, 5000]
    progress.close()

    assert list(backfill.run()) == [5000, 6000]


def test_a_forced_backfill_sends_the_unchanged(engine: Engine) -> None:
    """`--force` and `--where` together: these keys, whatever was accepted."""
    engine.contacts(1, 10)
    engine.change(*range(1, 11))
    engine.drain()
    source = engine.parts.mapping.sources["contacts"]
    list(Backfill(engine.parts.engine, engine.parts.crm, source, "q.key <= 3", forced=True).run())
    engine.drain()

    assert engine.lane().sent == 13
