"""Payloads: documents that a producer writes itself."""

from __future__ import annotations

from tests.support.engine import PROJECT, Engine, document


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
    assert engine.dead_letters() == [("6", "invalid"), ("7", "invalid")]


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
    engine.sql(
        "INSERT INTO ringostat_sync.outbox (source, id, key) OVERRIDING SYSTEM VALUE VALUES ('contacts', 100, '1')"
    )
    engine.drain()

    assert engine.history(1) == ["Payload", "Now 1"]


def test_an_old_payload_that_cannot_be_sent_is_superseded_too(engine: Engine) -> None:
    """It comes late, below what was accepted: nobody has to look at a dead letter for it."""
    engine.payload(1, document("New"), outbox_id=200)
    engine.drain()
    engine.payload(1, document(""), outbox_id=100)
    engine.drain()

    assert engine.dead_letters() == []
    assert engine.history(1) == ["New"]


def test_numbers_of_a_payload_are_as_exact_as_a_columns(engine: Engine) -> None:
    """Neither rounded to what a float holds, nor without the zeros that were written."""
    written = '{"fullName": 9007199254740993.0, "staffId": 12.50, "contactDirections": [{"type": "phone", "value": 380671234567}]}'
    engine.sql("INSERT INTO ringostat_sync.outbox (source, key, payload) VALUES ('contacts', '1', %s)", written)
    engine.drain()
    contact = engine.sandbox.book.contact(PROJECT, external_id="1")

    assert (contact["fullName"], contact["staffId"]) == ("9007199254740993", "12.50")
