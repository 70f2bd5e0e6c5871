"""Ids on the wire: documents that share one are one contact to the API."""

from __future__ import annotations

import pytest

from tests.support.engine import PROJECT, Engine, document
from worker.local.sandbox.faults import ResetAfter
from worker.push import reserve


@pytest.mark.parametrize("first", ["lead", "contact"])
def test_a_lead_and_its_contact_never_travel_together(engine: Engine, first: str) -> None:
    """They share the leadId: a request each, the later change last."""
    engine.sql("INSERT INTO crm.contacts VALUES (1, 'Іван', '0671112233', 'L1')")
    changes = [("L1", "leads"), (1, "contacts")]
    for key, source in changes if first == "lead" else reversed(changes):
        engine.change(key, source=source)
    engine.drain()

    expected = [((None, "L1"),), (("1", "L1"),)]
    assert [request.ids for request in engine.sandbox.requests] == (expected if first == "lead" else expected[::-1])


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


def test_a_chain_of_shared_ids_is_followed_link_by_link(engine: Engine) -> None:
    """The second shares an id with the first, the third with the second: neither overtakes, and nobody is superseded."""
    engine.payload(1, document("First", externalId="e1", leadId="l1"))
    engine.payload(2, document("Second", externalId="e1", leadId="l2"))
    engine.payload(3, document("Third", externalId="e2", leadId="l2"))
    engine.drain()

    assert engine.posted() == [["e1"], ["e1"], ["e2"]]
    assert engine.lane().sent == 3


@pytest.mark.parametrize("shared", ["externalId", "leadId"])
def test_documents_that_share_an_id_are_not_in_flight_at_once(engine: Engine, shared: str) -> None:
    """While one is with the API, the other is snoozed, at no cost; the rest of its batch goes."""
    engine.payload(1, document("First", **{shared: "same"}))
    [first] = engine.collect()
    engine.payload(2, document("Second", **{shared: "same"}))
    engine.payload(3, document("Third"))
    [second] = engine.collect()
    engine.after_first_request(lambda: engine.wiring.pusher.push(second))
    engine.wiring.pusher.push(first)

    assert engine.posted()[1:] == [["3"]]
    assert engine.waiting()["2"].attempts == 0
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


LEAD = ("L1", "leads", document("Lead"))
CONTACT = ("2", "contacts", document("Contact", leadId="L1"))
STRANGER = ("L9", "leads", document("Stranger", externalId="2"))


@pytest.mark.parametrize("answered", [True, False], ids=["accepted", "lost"])
@pytest.mark.parametrize(
    ("one", "other"),
    [(LEAD, CONTACT), (CONTACT, LEAD), (CONTACT, STRANGER), (STRANGER, CONTACT)],
    ids=["lead, contact", "contact, lead", "contact, stranger", "stranger, contact"],
)
def test_a_document_that_another_has_overwritten_is_sent_again(engine: Engine, one, other, answered: bool) -> None:
    """Over either id, in either direction, and also where the other's answer was lost."""
    key, source, payload = one
    engine.payload(key, payload, source=source)
    engine.drain()
    if not answered:
        engine.sandbox.faults.add(ResetAfter())
    engine.payload(other[0], other[2], source=other[1])
    engine.push()
    engine.sql("DELETE FROM ringostat_sync.pending")
    engine.payload(key, payload, source=source)
    engine.drain()

    assert engine.lane().unchanged == 0
    assert len(engine.posted()) == 3


def test_a_payload_below_the_last_accepted_of_its_ids_is_superseded(engine: Engine) -> None:
    """On the wire, documents that share an id are one contact: an older one does not follow a newer one."""
    engine.payload(1, document("New", externalId="same"), outbox_id=200)
    engine.drain()
    engine.payload(2, document("Old", externalId="same"), outbox_id=100)
    engine.drain()

    assert engine.history("same") == ["New"]


def test_a_key_that_looks_like_anothers_id_is_no_relation(engine: Engine) -> None:
    """Key 1 travels under another id, so the contact whose id is 1 is none of its business, however old."""
    engine.payload(1, document("New", externalId="same"), outbox_id=200)
    engine.drain()
    engine.payload(2, document("Old", externalId="1"), outbox_id=100)
    engine.drain()

    assert engine.history("1") == ["Old"]


def test_an_older_lead_does_not_follow_its_newer_contact(engine: Engine) -> None:
    """They share the leadId: the lead's payload is superseded by the contact's."""
    engine.payload(2, document("Contact", leadId="L1"), outbox_id=200)
    engine.drain()
    engine.payload("L1", document("Lead"), source="leads", outbox_id=100)
    engine.drain()

    assert len(engine.posted()) == 1


def test_what_was_read_before_its_ids_were_held_is_read_anew(engine: Engine) -> None:
    """Read, and then another contact of the same lead was accepted in a newer state: the older one does not follow."""
    engine.sql("INSERT INTO crm.contacts VALUES (1, 'Old', '0671112233', 'L1'), (2, 'Old', '0671112244', 'L1')")
    engine.change(1)
    [batch] = engine.collect()
    reader = engine.wiring.pusher.reader

    class Slow:
        def read(self, *arguments):
            found = reader.read(*arguments)
            engine.wiring.pusher.reader = reader
            engine.sql("UPDATE crm.contacts SET name = 'New'")
            engine.change(2)
            engine.push()
            return found

    engine.wiring.pusher.reader = Slow()  # type: ignore[assignment]
    engine.wiring.pusher.push(batch)
    engine.drain()

    assert engine.posted() == [["2"], ["1"]]
    assert engine.history("1") == ["New"]


@pytest.mark.parametrize(("one", "other"), [(LEAD, CONTACT), (CONTACT, LEAD)], ids=["lead first", "contact first"])
def test_a_key_and_an_id_that_are_the_same_are_not_in_flight_at_once(engine: Engine, one, other) -> None:
    """A lead's own key is held by its place in flight, the contact's leadId beside it: each sees the other."""
    engine.payload(one[0], one[2], source=one[1])
    [first] = engine.collect()

    def meet_the_other() -> None:
        engine.payload(other[0], other[2], source=other[1])
        engine.push()

    engine.after_first_request(meet_the_other)
    engine.wiring.pusher.push(first)

    assert len(engine.sandbox.requests) == 1
    assert engine.waiting()[other[0]].attempts == 0
    engine.drain()
    assert len(engine.sandbox.requests) == 2


def test_of_two_that_take_an_id_at_the_same_moment_one_goes_at_most(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The contact has taken its lead's id and not yet looked whether the lead is in flight; it is claimed, and goes, before that."""
    engine.payload(CONTACT[0], CONTACT[2])
    [contact] = engine.collect()
    take = reserve._reserve

    def reserve_and_be_met(*arguments):
        reserved = take(*arguments)
        monkeypatch.setattr(reserve, "_reserve", take)
        engine.payload(LEAD[0], LEAD[2], source=LEAD[1])
        engine.push()
        return reserved

    monkeypatch.setattr(reserve, "_reserve", reserve_and_be_met)
    engine.wiring.pusher.push(contact)
    sent = [request.ids for request in engine.sandbox.requests]
    engine.drain()

    assert sent == [(("2", "L1"),)]
    assert engine.lane().sent == 2


def test_a_lead_that_is_no_more_holds_up_nobody(engine: Engine) -> None:
    """It became a contact in the same moment, as CRMs do: its key is absent, and the contact bears it at once."""
    engine.sql("INSERT INTO crm.contacts VALUES (2, 'Іван', '0671112233', 'L1')")
    engine.change("L1", source="leads")
    engine.sql("DELETE FROM crm.contacts")
    engine.payload(CONTACT[0], CONTACT[2])
    engine.push()

    assert engine.posted() == [["2"]]
    assert engine.lane().absent == 1
