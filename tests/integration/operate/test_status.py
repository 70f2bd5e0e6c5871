"""Status: the figures that scripts rely on."""

from __future__ import annotations

import re
from datetime import datetime

from models.states import Method
from tests.support.engine import PROJECT, Engine, document
from worker.cli.status import why_paused
from worker.local.sandbox.faults import Refuse, Status
from worker.operate.status import read_status
from worker.upkeep.purge import purge

KEYS = [
    "project",
    "method",
    "pending",
    "in_flight",
    "oldest_pending_s",
    "sent",
    "unchanged",
    "absent",
    "dead",
    "paused",
    "requests_last_minute",
    "limit",
    "used",
    "eta_s",
    "last_accepted_at",
    "dead_by_reason",
    "drift",
]


def test_a_fresh_installation_has_zeros_and_nulls(engine: Engine) -> None:
    """One entry per project and method, organizations first, with exactly the promised keys."""
    with engine.wiring.engine.connect() as connection:
        found = [lane.as_json() for lane in read_status(connection, engine.wiring.mapping)]

    assert [list(lane) for lane in found] == [KEYS, KEYS]
    assert found == [
        {
            "project": PROJECT,
            "method": method,
            "pending": 0,
            "in_flight": 0,
            "oldest_pending_s": None,
            "sent": 0,
            "unchanged": 0,
            "absent": 0,
            "dead": 0,
            "paused": None,
            "requests_last_minute": 0,
            "limit": "1000/s",
            "used": 0.0,
            "eta_s": None,
            "last_accepted_at": None,
            "dead_by_reason": {},
            "drift": None,
        }
        for method in ("organizations", "contacts")
    ]


def test_waiting_contacts_are_counted_once(engine: Engine) -> None:
    """Contacts, not rows: in the outbox, ingested or both; each identity for itself."""
    engine.change(1, 1, 2)
    assert engine.lane().pending == 2

    engine.pause()
    engine.collect()
    engine.change(2, 3, 3)
    engine.change(3, source="leads")
    assert engine.lane().pending == 4


def test_those_backed_off_are_pending(engine: Engine) -> None:
    """Waiting for the next try is waiting."""
    engine.sandbox.faults.add(Status(status=500))
    engine.contacts(1, 3)
    engine.change(1, 2, 3)
    engine.push()

    assert (engine.lane().pending, engine.lane().in_flight) == (3, 0)


def test_those_claimed_are_in_flight(engine: Engine) -> None:
    """Contacts, not batches."""
    engine.contacts(1, 150)
    engine.change(*range(1, 151))
    engine.collect()

    assert (engine.lane().pending, engine.lane().in_flight) == (0, 150)


def test_a_contact_that_changed_in_flight_is_in_both(engine: Engine) -> None:
    """One document is on its way, and another one will have to follow."""
    engine.contacts(1, 1)
    engine.change(1)
    engine.collect()
    engine.change(1)

    assert (engine.lane().pending, engine.lane().in_flight) == (1, 1)


def test_a_backfill_is_pending(engine: Engine) -> None:
    """Behind live changes, but waiting."""
    engine.contacts(1, 30)
    engine.backfill()

    assert engine.lane().pending == 30


def test_a_changed_row_of_a_keys_watch_waits(engine: Engine) -> None:
    """Until it is fanned out it counts as one, before and after it is ingested."""
    engine.sql("INSERT INTO ringostat_sync.outbox (source, watch, changed) VALUES ('contacts', 'w', '{\"id\": 1}')")
    assert engine.lane().pending == 1

    engine.collect()
    assert engine.lane().pending == 1
    assert engine.lane().oldest_pending_s is not None


def test_the_age_is_that_of_the_oldest_change(engine: Engine) -> None:
    """In seconds since it was captured; neither taking in nor a newer change of the same contact makes it younger."""
    engine.sql(
        "INSERT INTO ringostat_sync.outbox (source, key, created_at) VALUES ('contacts', '1', now() - interval '1 h')"
    )
    assert 3600 <= engine.lane().oldest_pending_s < 3660

    engine.pause()
    engine.collect()
    engine.change(1)
    engine.collect()
    assert 3600 <= engine.lane().oldest_pending_s < 3660

    engine.resume()
    engine.drain()
    assert engine.lane().oldest_pending_s is None


def test_a_failure_makes_no_change_younger(engine: Engine) -> None:
    """Also where a newer one has come in the meantime: the contact has been waiting since the first."""
    engine.sql(
        "INSERT INTO ringostat_sync.outbox (source, key, created_at) VALUES ('contacts', '1', now() - interval '1 h')"
    )
    engine.contacts(1, 1)
    engine.sandbox.faults.add(Status(status=500))
    [batch] = engine.collect()
    engine.change(1)
    engine.collect()
    assert engine.lane().oldest_pending_s < 60

    engine.wiring.pusher.push(batch)
    assert 3600 <= engine.lane().oldest_pending_s < 3660


def test_settled_contacts_are_counted_by_how(engine: Engine) -> None:
    """Sent, unchanged and absent; superseded rows and dead letters are none of them."""
    engine.contacts(1, 3)
    engine.change(1, 2, 3, 3, 3)
    engine.drain()
    engine.contacts(1, 1, "New")
    engine.change(1, 2, 99)
    engine.drain()
    engine.payload(5, {"fullName": ""})
    engine.drain()
    lane = engine.lane()

    assert (lane.sent, lane.unchanged, lane.absent, lane.dead) == (4, 1, 1, 1)


def test_methods_are_counted_apart(engine: Engine) -> None:
    """An organization is no contact."""
    engine.contacts(1, 2)
    engine.sql("INSERT INTO crm.companies VALUES (1, 'ТОВ «Ромашка»')")
    engine.change(1, 2)
    engine.change(1, source="companies")
    engine.drain()

    assert (engine.lane("organizations").sent, engine.lane("contacts").sent) == (1, 2)
    assert (engine.lane("organizations").requests_last_minute, engine.lane("contacts").requests_last_minute) == (1, 1)


def test_requests_of_the_last_minute_are_all_of_them(engine: Engine) -> None:
    """Retries, splits and probes included; older ones are not."""
    engine.contacts(1, 4)
    engine.contacts(2, 2, "POISON")
    engine.sandbox.faults.add(Refuse(field="fullName", contains="POISON"))
    engine.change(1, 2, 3, 4)
    engine.drain()
    assert engine.lane().requests_last_minute == len(engine.posted()) == 5

    engine.sandbox.faults.add(Status(status=401))
    engine.contacts(1, 1, "New")
    engine.change(1)
    engine.push()
    engine.probe_now()
    engine.push()
    assert engine.lane().requests_last_minute == 7

    engine.sql("UPDATE ringostat_sync.requests SET posted_at = posted_at - interval '1 minute'")
    assert engine.lane().requests_last_minute == 0


def test_dead_are_open_letters(engine: Engine) -> None:
    """One per contact."""
    for name in ("", " "):
        engine.payload(1, document(name))
        engine.payload(2, document(name))
        engine.drain()

    assert engine.lane().dead == 2


def test_a_pause_is_shown_with_its_deadline(engine: Engine) -> None:
    """On both methods; ISO 8601 in UTC; none for a pause by hand."""
    engine.contacts(1, 1)
    engine.sandbox.faults.add(Status(status=401))
    engine.change(1)
    engine.push()
    paused = engine.lane("organizations").as_json()["paused"]
    assert list(paused) == ["reason", "until"]
    assert paused["reason"] == "unauthorized"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", paused["until"])
    assert datetime.fromisoformat(paused["until"]).utcoffset().total_seconds() == 0

    engine.pause()
    assert engine.lane().as_json()["paused"] == {"reason": "by_hand", "until": None}


def test_a_pause_is_told_in_its_own_words(engine: Engine) -> None:
    """Once a project, below the table; a project that is not paused has no line."""
    with engine.wiring.engine.connect() as connection:
        assert why_paused(read_status(connection, engine.wiring.mapping)) == []

    engine.contacts(1, 1)
    engine.sandbox.faults.add(Status(status=401))
    engine.change(1)
    engine.push()
    with engine.wiring.engine.connect() as connection:
        told = why_paused(read_status(connection, engine.wiring.mapping))

    assert told == ["106 is paused, unauthorized: The API answered 401: check the project's auth key."]


def test_counts_survive_purges(engine: Engine) -> None:
    """What is folded away is still counted, once, however often the purge runs and whatever settles after it."""
    engine.contacts(1, 3)
    engine.change(1, 2, 3, 99)
    engine.drain()
    purge(engine.wiring.engine)
    purge(engine.wiring.engine)
    engine.change(1, 98)
    engine.drain()
    lane = engine.lane()

    assert (lane.sent, lane.unchanged, lane.absent) == (3, 1, 2)


RECONCILED = """
INSERT INTO ringostat_sync.reconciliations
    (source, project, method, started_at, finished_at, known, differing, never_sent, gone, held, confirmed)
VALUES (%s, %s, 'contacts', %s, %s, 500, %s, %s, %s, %s, false)
"""


def reconciled(
    engine: Engine, source: str, at: str, found: tuple[int, int, int], *, project: int = PROJECT, held: bool = False
) -> None:
    """A reconciliation of a source that ended at `at` and found so many differing, never sent and gone."""
    engine.sql(RECONCILED, source, project, at, at, *found, held)


def test_drift_is_the_sum_over_the_sources_of_a_lane(engine: Engine) -> None:
    """Each figure summed, the latest end, held if any is held; a lane that no source belongs to has none."""
    reconciled(engine, "contacts", "2026-11-01T02:00:00Z", (1, 2, 3))
    reconciled(engine, "leads", "2026-11-02T02:00:00Z", (40, 50, 60), held=True)

    assert engine.lane().drift == {
        "differing": 41,
        "never_sent": 52,
        "gone": 63,
        "at": "2026-11-02T02:00:00Z",
        "held": True,
    }
    assert engine.lane(Method.ORGANIZATIONS).drift is None


def test_a_source_that_went_to_another_project_has_no_drift(engine: Engine) -> None:
    """What was found for a project that the mapping no longer names says nothing of the one it names now."""
    reconciled(engine, "contacts", "2026-11-01T02:00:00Z", (1, 2, 3), project=PROJECT + 1)

    assert engine.lane().drift is None
