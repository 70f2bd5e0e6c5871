"""Push: what is sent, what need not be, and what may not travel together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from redis import Redis

from tests.integration.engine import DIRECTIONS, PROJECT, Engine
from tests.waiting import wait_until
from worker.api.outcome import Accepted
from worker.backfill.backfill import Backfill
from worker.database.engines import crm_engine
from worker.limiter.bucket import Limiter, Posted
from worker.reading.reader import Reader
from worker.sandbox.faults import Latency, ResetAfter, Status


def document(name: str, **more: object) -> dict[str, object]:
    return {"fullName": name, "contactDirections": DIRECTIONS, **more}


def forced(engine: Engine, where: str = "") -> None:
    """Backfill by force."""
    source = engine.parts.mapping.sources["contacts"]
    list(Backfill(engine.parts.engine, engine.parts.crm, source, where, forced=True).run())


def test_the_document_is_read_after_the_claim(engine: Engine) -> None:
    """A change between collecting and pushing is already in what is sent."""
    engine.contacts(1, 1, "Old")
    engine.change(1)
    [batch] = engine.collect()
    engine.contacts(1, 1, "New")
    engine.parts.pusher.push(batch)

    assert engine.history(1) == ["New 1"]


def test_an_unchanged_document_is_not_sent_again(engine: Engine) -> None:
    """A change that changes nothing that the API sees costs no request, and no quota."""
    engine.contacts(1, 3)
    engine.change(1, 2, 3)
    engine.drain()
    engine.contacts(2, 2, "Changed")
    engine.change(1, 2, 3)
    engine.drain()
    engine.change(1, 2, 3)
    engine.drain()

    assert engine.posted() == [["1", "2", "3"], ["2"]]
    assert (engine.lane().sent, engine.lane().unchanged) == (4, 5)


def test_a_contact_that_the_mapping_leaves_out_is_absent(engine: Engine) -> None:
    """Hidden, deleted and impossible keys are counted, without a request and without a letter."""
    engine.contacts(1, 1)
    engine.sql("UPDATE crm.contacts SET hidden = true")
    engine.change(1, 99, "no number", "99999999999999999999", "", "1; DROP TABLE crm.contacts", "%s", "{1}", "NULL")
    engine.drain()

    assert engine.posted() == []
    assert engine.lane().absent == 9
    assert engine.letters() == []


def test_an_absent_contact_that_comes_back_is_sent(engine: Engine) -> None:
    """What the API holds was not touched by the absence, so a changed document goes, and an equal one need not."""
    engine.contacts(1, 1, "Old")
    engine.change(1)
    engine.drain()
    engine.sql("UPDATE crm.contacts SET hidden = true")
    engine.change(1)
    engine.drain()
    engine.sql("UPDATE crm.contacts SET hidden = false, name = 'New'")
    engine.change(1)
    engine.drain()

    assert engine.history(1) == ["Old 1", "New"]
    assert engine.lane().absent == 1


def test_an_invalid_contact_is_buried_before_it_is_sent(engine: Engine) -> None:
    """What breaks the API's own rules never reaches the API, and harms nobody else."""
    engine.contacts(1, 4)
    engine.sql("UPDATE crm.contacts SET name = '  ' WHERE id = 2")
    engine.sql("UPDATE crm.contacts SET phone = 'none' WHERE id = 3")
    engine.change(1, 2, 3, 4)
    engine.drain()

    assert engine.posted() == [["1", "4"]]
    assert engine.letters() == [("2", "invalid"), ("3", "no_directions")]


def test_a_key_returned_twice_is_buried(engine: Engine) -> None:
    """Which of the two would be right is not ours to guess; the others arrive."""
    engine.sql("CREATE TABLE crm.twice AS SELECT n %% 3 AS id, n FROM generate_series(0, 3) n")
    directions = """'[{"type":"phone","value":"0671234567"}]'::json AS "contactDirections\""""
    engine.remap(
        '[[sources]]\nname = "twice"\nmethod = "contacts"\nquery = "twice.sql"\n',
        twice=f"SELECT id AS key, 'Name ' || n AS \"fullName\", {directions} FROM crm.twice",
    )
    engine.change(0, 1, 2, source="twice")
    engine.drain()

    assert engine.letters() == [("0", "duplicate_key")]
    assert engine.lane().sent == 2


def test_only_the_row_at_fault_is_buried(engine: Engine) -> None:
    """An error of SQLSTATE class 22 splits by key: the one row that cannot be computed becomes a letter."""
    engine.remap(
        '[[sources]]\nname = "fractions"\nmethod = "contacts"\nquery = "fractions.sql"\n',
        fractions="""SELECT id AS key, 'Name ' || 100 / (id - 7) AS "fullName",
            json_build_array(json_build_object('type', 'phone', 'value', phone)) AS "contactDirections" FROM crm.contacts""",
    )
    engine.contacts(1, 50)
    engine.change(*range(1, 51), source="fractions")
    engine.drain()

    assert engine.letters() == [("7", "mapping_error")]
    assert engine.lane().sent == 49
    [(detail,)] = engine.sql("SELECT detail FROM ringostat_sync.dead_letters")
    assert "22012" in detail


def test_a_row_at_fault_among_the_first_harms_nobody_either(engine: Engine) -> None:
    """Also where PostgreSQL computes every column of the rows by which we look at the source first."""
    engine.remap(
        '[[sources]]\nname = "fractions"\nmethod = "contacts"\nquery = "fractions.sql"\n',
        fractions="""SELECT DISTINCT id AS key, 'Name ' || 100 / (id - 1) AS "fullName", phone AS "staffId",
            '[{"type":"phone","value":"0671234567"}]'::jsonb AS "contactDirections" FROM crm.contacts""",
    )
    engine.contacts(1, 4)
    engine.change(1, 2, 3, 4, source="fractions")
    engine.push()

    assert engine.lane().paused is None
    assert engine.letters() == [("1", "mapping_error")]
    assert engine.lane().sent == 3


@pytest.mark.parametrize(
    ("breaks", "mends"),
    [
        ("ALTER TABLE crm.contacts RENAME phone TO gone", "ALTER TABLE crm.contacts RENAME gone TO phone"),
        ("ALTER TABLE crm.contacts RENAME TO gone", "ALTER TABLE crm.gone RENAME TO contacts"),
    ],
    ids=["a column", "the table"],
)
def test_a_broken_mapping_pauses_and_heals(engine: Engine, breaks: str, mends: str) -> None:
    """A query that fails buries nobody and costs no attempt; when it runs again, a probe finds out by itself."""
    engine.contacts(1, 5)
    engine.sql(breaks)
    engine.change(*range(1, 6))
    engine.push()
    engine.probe_now()
    engine.push()
    paused = engine.lane()

    assert paused.paused is not None
    assert paused.paused.reason == "mapping_broken"
    assert (paused.pending, paused.dead) == (5, 0)
    assert {row.attempts for row in engine.waiting().values()} == {0}

    engine.sql(mends)
    engine.drain()
    assert (engine.lane().sent, engine.lane().paused) == (5, None)


def test_a_key_of_another_type_is_noticed(engine: Engine) -> None:
    """A migration of the CRM that changes the key's type under a running worker is no reason to restart it."""
    engine.contacts(1, 2)
    engine.change(1, 2)
    engine.drain()
    engine.sql("ALTER TABLE crm.contacts ALTER id TYPE text USING 'c-' || id")
    engine.change("c-1")
    engine.drain()

    assert engine.history("c-1") == ["Name 1"]


def test_a_payload_is_normalised_and_sent(engine: Engine) -> None:
    """A producer's own document goes the same way as a mapped one; the CRM is not asked."""
    engine.payload(5, {"fullName": "Оля", "contactDirections": [{"type": "phone", "value": "050 123 45 67"}]})
    engine.payload(6, [])
    engine.payload(7, document(" "))
    engine.drain()

    sent = engine.sandbox.book.contact(PROJECT, external_id="5")
    assert sent is not None
    assert (sent["fullName"], sent["origin"], sent["projectId"]) == ("Оля", "CRM", PROJECT)
    assert sent["contactDirections"] == [{"type": "phone", "name": "phone", "value": "+380501234567"}]
    assert engine.letters() == [("6", "invalid"), ("7", "invalid")]


def test_a_payload_below_the_last_accepted_is_superseded(engine: Engine) -> None:
    """An older state never follows a newer one, however late its row was committed; it is not counted."""
    engine.payload(1, document("New"), outbox_id=200)
    engine.drain()
    engine.payload(1, document("Old"), outbox_id=100)
    engine.drain()

    assert engine.history(1) == ["New"]
    assert (engine.lane().sent, engine.lane().unchanged, engine.lane().dead) == (1, 0, 0)


def test_a_payload_below_the_last_unchanged_is_superseded(engine: Engine) -> None:
    """That the newer state needed no request does not make the older one newer."""
    engine.payload(1, document("New"), outbox_id=100)
    engine.drain()
    engine.payload(1, document("New"), outbox_id=300)
    engine.drain()
    engine.payload(1, document("Old"), outbox_id=200)
    engine.drain()

    assert engine.history(1) == ["New"]
    assert engine.lane().unchanged == 1


def test_a_row_without_payload_is_read_however_late_it_comes(engine: Engine) -> None:
    """What is read now is never old."""
    engine.contacts(1, 1, "Now")
    engine.payload(1, document("Payload"), outbox_id=200)
    engine.drain()
    engine.sql("INSERT INTO ringostat_sync.outbox (source, id, key) VALUES ('contacts', 100, '1')")
    engine.drain()

    assert engine.history(1) == ["Payload", "Now 1"]


@pytest.mark.parametrize("fault", [ResetAfter(), Status(status=500), Status(status=422, times=1)], ids=str)
def test_what_the_api_holds_is_unknown_after_anything_but_acceptance(engine: Engine, fault) -> None:
    """From A to B with B's answer lost or bad, and back to A before the next try: A is sent again."""
    engine.contacts(1, 1, "A")
    engine.change(1)
    engine.drain()
    engine.contacts(1, 1, "B")
    engine.change(1)
    engine.sandbox.faults.add(fault)
    engine.push()
    engine.contacts(1, 1, "A")
    engine.change(1)
    engine.drain()

    assert len(engine.posted()) == 3
    assert engine.names() == {"1": "A 1"}
    assert engine.lane().unchanged == 0


def test_a_lead_and_its_contact_never_travel_together(engine: Engine) -> None:
    """They share the leadId: a request each, the later change last."""
    engine.sql("INSERT INTO crm.contacts VALUES (1, 'Іван', '0671112233', 'L1')")
    engine.change("L1", source="leads")
    engine.change(1)
    engine.drain()

    assert [request.ids for request in engine.sandbox.requests] == [((None, "L1"),), (("1", "L1"),)]


@pytest.mark.parametrize("shared", ["externalId", "leadId"])
def test_documents_that_share_an_id_go_one_by_one(engine: Engine, shared: str) -> None:
    """Five keys whose documents name the same contact: five requests, in the order of their changes."""
    for number in range(5):
        engine.payload(number, document(f"Version {number}", **{shared: "same"}))
    engine.drain()

    names = {"external_id": "same"} if shared == "externalId" else {"lead_id": "same"}
    assert [len(ids) for ids in engine.posted()] == [1] * 5
    assert engine.sandbox.book.contact(PROJECT, **names)["fullName"] == "Version 4"
    assert engine.lane().sent == 5


@pytest.mark.parametrize("shared", ["externalId", "leadId"])
def test_documents_that_share_an_id_are_not_in_flight_at_once(engine: Engine, shared: str) -> None:
    """While one is with the API, the other is postponed, at no cost; the rest of its batch goes."""
    engine.payload(1, document("First", **{shared: "same"}))
    [first] = engine.collect()
    engine.payload(2, document("Second", **{shared: "same"}))
    engine.payload(3, document("Third"))
    [second] = engine.collect()
    engine.sandbox.faults.add(Latency(ms=400))
    pushing = threading.Thread(target=engine.parts.pusher.push, args=[first])
    pushing.start()
    wait_until(lambda: len(engine.sandbox.requests) == 1, what="the first request")
    engine.parts.pusher.push(second)

    assert engine.posted()[1] == ["3"]
    assert engine.waiting()["2"].attempts == 0
    pushing.join()
    engine.drain()
    assert engine.posted()[2:] == [["same"] if shared == "externalId" else ["2"]]


def test_a_document_that_was_overwritten_by_another_is_sent_again(engine: Engine) -> None:
    """Two keys, one id on the wire: what the API holds of the one is not what was last accepted for it."""
    engine.payload(1, document("One", externalId="same"))
    engine.drain()
    engine.payload(2, document("Two", externalId="same"))
    engine.drain()
    engine.payload(1, document("One", externalId="same"))
    engine.drain()

    assert engine.history("same") == ["One", "Two", "One"]


def test_a_document_that_another_may_have_overwritten_is_sent_again(engine: Engine) -> None:
    """Also where the other's answer was lost."""
    engine.payload("L1", document("Lead"), source="leads")
    engine.drain()
    engine.sandbox.faults.add(ResetAfter())
    engine.payload(2, document("Contact", leadId="L1"))
    engine.push()
    engine.sql("DELETE FROM ringostat_sync.pending")
    engine.payload("L1", document("Lead"), source="leads")
    engine.drain()

    assert engine.lane().unchanged == 0
    assert len(engine.posted()) == 3


@pytest.mark.xfail(strict=True, reason="the last accepted outbox id is that of the key, not of the ids on the wire")
def test_a_payload_below_the_last_accepted_of_its_ids_is_superseded(engine: Engine) -> None:
    """On the wire, documents that share an id are one contact: an older one does not follow a newer one."""
    engine.payload(1, document("New", externalId="same"), outbox_id=200)
    engine.drain()
    engine.payload(2, document("Old", externalId="same"), outbox_id=100)
    engine.drain()

    assert engine.history("same") == ["New"]


def test_a_forced_contact_is_sent_unchanged(engine: Engine) -> None:
    """Force overrides the comparison, for this time."""
    engine.contacts(1, 3)
    engine.change(1, 2, 3)
    engine.drain()
    forced(engine, "q.key <= 2")
    engine.drain()
    engine.change(1, 2, 3)
    engine.drain()

    assert engine.posted() == [["1", "2", "3"], ["1", "2"]]


def test_force_survives_a_change(engine: Engine) -> None:
    """A live change of a contact that waits to be sent by force does not take the force away."""
    engine.contacts(1, 1)
    engine.change(1)
    engine.drain()
    forced(engine)
    engine.change(1)
    engine.drain()

    assert engine.posted() == [["1"], ["1"]]


def test_force_survives_coming_back(engine: Engine) -> None:
    """A forced contact that had to wait, and changed in the meantime, is still sent by force."""
    engine.contacts(1, 1)
    engine.change(1)
    engine.drain()
    forced(engine)
    [batch] = engine.collect()
    engine.change(1)
    engine.collect()
    engine.parts.limiter.hold(engine.project, 1.2)
    engine.parts.pusher.push(batch)
    engine.drain()

    assert engine.posted() == [["1"], ["1"]]


def test_a_batch_is_pushed_once(engine: Engine) -> None:
    """A message that comes twice finds the batch taken, or gone, and does nothing."""
    engine.contacts(1, 1)
    engine.change(1)
    [batch] = engine.collect()
    engine.sandbox.faults.add(Latency(ms=200))
    pushing = [threading.Thread(target=engine.parts.pusher.push, args=[batch]) for _ in range(3)]
    for thread in pushing:
        thread.start()
    for thread in pushing:
        thread.join()
    engine.parts.pusher.push(batch)

    assert engine.posted() == [["1"]]


def test_nothing_is_left_behind(engine: Engine) -> None:
    """When all is settled, no batch, no held id and no contact in flight remains."""
    engine.contacts(1, 120)
    engine.sql("UPDATE crm.contacts SET name = '' WHERE id %% 7 = 0")
    engine.sql("UPDATE crm.contacts SET lead = 'L' || id %% 40")
    engine.change(*range(1, 130))
    engine.drain()

    for table in ("batches", "in_flight", "held_ids", "pending", "outbox"):
        assert engine.sql(f"SELECT count(*) FROM ringostat_sync.{table}") == [(0,)]


def test_a_busy_redis_postpones_at_no_cost(make_engine: Callable[..., Engine]) -> None:
    """Where the limit lets nobody out within a second, the batch gives its slot back."""
    engine = make_engine(RINGOSTAT_RATE_LIMIT="1/m")
    engine.contacts(1, 2)
    engine.change(1)
    [batch] = engine.collect()
    engine.parts.limiter.take(engine.project, 0.0)
    engine.parts.pusher.push(batch)

    assert engine.posted() == []
    assert (engine.waiting()["1"].attempts, engine.waiting()["1"].later) == (0, True)


def test_without_redis_nothing_is_posted_and_nothing_lost(engine: Engine) -> None:
    """A limiter that does not answer grants nothing; the contacts wait, at no cost."""
    engine.contacts(1, 1)
    engine.change(1)
    [batch] = engine.collect()
    limiter = engine.parts.pusher.limiter
    with Redis(port=1, retry=None) as away:
        engine.parts.pusher.limiter = Limiter(away, "test", lambda *_: Posted([], 0.0), time.sleep)
        engine.parts.pusher.push(batch)
    assert engine.posted() == []
    assert engine.waiting()["1"].attempts == 0

    engine.parts.pusher.limiter = limiter
    engine.drain()
    assert engine.posted() == [["1"]]


def test_a_replica_that_is_away_costs_nothing(engine: Engine) -> None:
    """A CRM that does not answer is waited for, and nobody is called absent."""
    engine.contacts(1, 1)
    engine.change(1)
    [batch] = engine.collect()
    reader = engine.parts.pusher.reader
    away = crm_engine(engine.database_url + "_away")
    engine.parts.pusher.reader = Reader(away)
    engine.parts.pusher.push(batch)
    away.dispose()
    assert (engine.waiting()["1"].attempts, engine.lane().absent, engine.lane().paused) == (0, 0, None)

    engine.parts.pusher.reader = reader
    engine.due_now()
    engine.drain()
    assert engine.lane().sent == 1


def test_no_project_speaks_for_another(make_engine: Callable[..., Engine]) -> None:
    """Each project posts with its own id and key, its own contacts alone."""
    engine = make_engine(RINGOSTAT_PROJECT_ID="106", RINGOSTAT_AUTH_KEY="one", AUTH_KEY_2="two")
    text = (engine.folder / "sync.toml").read_text()
    (engine.folder / "sync.toml").write_text(
        text.replace('query = "contacts.sql"', 'query = "contacts.sql"\nproject = 106')
        .replace('query = "leads.sql"', 'query = "leads.sql"\nproject = 107')
        .replace('query = "companies.sql"', 'query = "companies.sql"\nproject = 106')
    )
    engine.remap(
        '[[projects]]\nid = 106\nauth_key_env = "RINGOSTAT_AUTH_KEY"\nrate_limit = "1000/s"\n'
        '[[projects]]\nid = 107\nauth_key_env = "AUTH_KEY_2"\nrate_limit = "1000/s"\n'
    )
    seen: list[tuple[int, str | None, bytes]] = []
    engine.parts.pusher.client.post = lambda project, _method, body: (  # type: ignore[method-assign]
        seen.append((project.id, project.auth_key, body)) or Accepted(200)
    )
    engine.sql("INSERT INTO crm.contacts VALUES (1, 'Іван', '0671112233', 'L1')")
    engine.change(1)
    engine.change("L1", source="leads")
    for project in (106, 107):
        for message in engine.parts.collector.round(project).messages:
            for batch in message:
                engine.parts.pusher.push(batch)

    assert [(project, key) for project, key, _ in seen] == [(106, "one"), (107, "two")]
    assert b'"projectId":107' in seen[1][2]
    assert b'"projectId":106' not in seen[1][2]
