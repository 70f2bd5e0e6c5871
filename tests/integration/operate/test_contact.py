"""The story of one contact."""

from __future__ import annotations

from typing import Any

from tests.support.engine import Engine
from worker.local.sandbox.faults import Refuse
from worker.operate.contact import read_story


def story(engine: Engine, key: object, source: str = "contacts") -> dict[str, Any]:
    """What `contact --json` prints."""
    wiring = engine.wiring
    with wiring.engine.begin() as connection:
        known = wiring.mapping.sources[source]
        address = wiring.pusher.address.id
        return read_story(connection, wiring.mapping, known, str(key), wiring.pusher.reader.read, address).as_json()


def test_a_contact_that_is_as_in_the_crm(engine: Engine) -> None:
    """Accepted, and equal: it is on the telephone."""
    engine.contacts(1, 1)
    engine.change(1)
    engine.drain()
    told = story(engine, 1)

    assert list(told) == [
        "source", "key", "project", "method", "mapped", "document", "waiting", "in_flight", "accepted", "letter", "verdict",
    ]  # fmt: skip
    assert (told["mapped"], told["waiting"], told["in_flight"]) == ({"state": "ready", "detail": None}, False, False)
    assert told["accepted"]["same"] is True
    assert told["document"]["fullName"] == "Name 1"
    assert told["verdict"].startswith("It is on the telephone as it is in the CRM")


def test_a_change_that_nothing_has_captured(engine: Engine) -> None:
    """The telephone shows an older state, and the sentence names the command."""
    engine.contacts(1, 1)
    engine.change(1)
    engine.drain()
    engine.contacts(1, 1, "New")
    told = story(engine, 1)

    assert told["accepted"]["same"] is False
    assert "ringostat-sync reconcile contacts" in told["verdict"]


def test_a_contact_that_was_never_sent(engine: Engine) -> None:
    """Nothing waits and nothing was accepted."""
    engine.contacts(1, 1)

    assert story(engine, 1)["verdict"].startswith("It is not on the telephone: it was never sent")


def test_a_contact_that_waits(engine: Engine) -> None:
    """In the outbox, in a pause, on its way back from a failure."""
    engine.contacts(1, 1)
    engine.change(1)
    assert (story(engine, 1)["waiting"], story(engine, 1)["verdict"][:8]) == (True, "It waits")

    engine.pause("unauthorized")
    engine.collect()
    assert "is paused (unauthorized)" in story(engine, 1)["verdict"]


def test_a_contact_that_the_query_leaves_out(engine: Engine) -> None:
    """It is absent; the telephone keeps what it has."""
    engine.contacts(1, 1)
    engine.change(1)
    engine.drain()
    engine.sql("UPDATE crm.contacts SET hidden = true")
    assert "still shows its last state" in story(engine, 1)["verdict"]
    assert story(engine, 99)["mapped"] == {"state": "absent", "detail": None}


def test_a_contact_that_can_not_be_sent(engine: Engine) -> None:
    """By its own values, or as the API has refused it: the reason is the last sentence."""
    engine.contacts(1, 2)
    engine.sql("UPDATE crm.contacts SET phone = 'none' WHERE id = 1")
    engine.sandbox.faults.add(Refuse(ids=["2"]))
    engine.change(1, 2)
    engine.drain()

    assert story(engine, 1)["mapped"]["state"] == "no_directions"
    assert story(engine, 1)["letter"]["reason"] == "no_directions"
    assert (story(engine, 2)["mapped"]["state"], story(engine, 2)["letter"]["reason"]) == ("ready", "refused")
    assert "(refused)" in story(engine, 2)["verdict"]
