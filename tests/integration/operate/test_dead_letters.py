"""Dead letters: list, show, requeue, discard, and how they close by themselves."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.dead_letter_desk import bury, discard, listed, states
from tests.support.engine import PROJECT, Engine, document
from worker.errors import RefusedError
from worker.operate import dead_letters


def test_a_listed_letter_has_the_promised_fields(engine: Engine) -> None:
    """By name and by kind: ids and keys are strings, the project a number, times ISO 8601 in UTC."""
    [dead_letter] = bury(engine, 1)
    found = dead_letter.as_json()

    assert list(found) == [
        "id",
        "project",
        "method",
        "source",
        "key",
        "reason",
        "detail",
        "attempts",
        "http_status",
        "first_failed_at",
        "last_failed_at",
        "message",
    ]
    assert (found["project"], found["method"], found["source"], found["key"]) == (PROJECT, "contacts", "contacts", "1")
    assert (found["reason"], found["http_status"], found["attempts"]) == ("refused", 422, 0)
    assert isinstance(found["id"], str)
    assert all(found[field].endswith("Z") and "T" in found[field] for field in ("first_failed_at", "last_failed_at"))


def test_letters_are_filtered_by_project_and_reason(engine: Engine) -> None:
    """Each filter alone, and both together."""
    bury(engine, 1, 2)
    engine.payload(3, document(""))
    engine.drain()

    assert len(listed(engine)) == 3
    assert [dead_letter.key for dead_letter in listed(engine, reason="invalid")] == ["3"]
    assert [dead_letter.key for dead_letter in listed(engine, project=PROJECT, reason="refused")] == ["1", "2"]
    assert listed(engine, project=7) == []


def test_the_list_holds_no_personal_data(engine: Engine) -> None:
    """Names and numbers stand in the document and the answer, which `show` alone shows."""
    [dead_letter] = bury(engine, 1)
    with engine.wiring.engine.connect() as connection:
        shown = dead_letters.show_dead_letter(connection, int(dead_letter.id))

    assert "POISON" not in str(dead_letter.as_json())
    assert "POISON 1" in shown["document"]
    assert shown["state"] == "open"


def test_an_invalid_contact_shows_its_row(engine: Engine) -> None:
    """There is no document yet; what the mapping returned is kept for the operator, and no column of ours."""
    engine.contacts(1, 1, "Порожній")
    engine.sql("UPDATE crm.contacts SET phone = ''")
    engine.change(1)
    engine.drain()
    [dead_letter] = listed(engine)
    with engine.wiring.engine.connect() as connection:
        shown = dead_letters.show_dead_letter(connection, int(dead_letter.id))

    assert dead_letter.reason == "no_directions"
    assert shown["answer"] is None
    assert json.loads(shown["document"]) == {
        "key": 1,
        "fullName": "Порожній 1",
        "leadId": None,
        "contactDirections": [{"type": "phone", "name": "work", "value": ""}],
    }


def test_showing_an_unknown_letter_is_refused(engine: Engine) -> None:
    """In one sentence that says how to find the known ones."""
    with pytest.raises(RefusedError, match="dead-letters list"), engine.wiring.engine.connect() as connection:
        dead_letters.show_dead_letter(connection, 99)


def test_a_change_that_fails_again_opens_no_second_letter(engine: Engine) -> None:
    """One dead letter per contact, however often it fails."""
    [dead_letter] = bury(engine, 1)
    engine.change(1)
    engine.drain()

    assert [one.id for one in listed(engine)] == [dead_letter.id]
    assert engine.lane().dead == 1


@pytest.mark.parametrize(
    ("correction", "figure"),
    [
        ("UPDATE crm.contacts SET name = 'Fine'", "sent"),
        ("UPDATE crm.contacts SET hidden = true", "absent"),
        ("DELETE FROM crm.contacts", "absent"),
    ],
)
def test_a_later_change_closes_the_letter(engine: Engine, correction: str, figure: str) -> None:
    """When the contact settles, nobody has to tidy up."""
    bury(engine, 1)
    engine.sql(correction)
    engine.change(1)
    engine.drain()

    assert getattr(engine.lane(), figure) == 1
    assert engine.lane().dead == 0
    assert states(engine) == [("1", "closed")]


def test_a_change_back_to_what_was_accepted_closes_the_letter(engine: Engine) -> None:
    """An invalid state in between never reached the API: unchanged is settled, too."""
    engine.contacts(1, 1, "Fine")
    engine.change(1)
    engine.drain()
    engine.sql("UPDATE crm.contacts SET name = ''")
    engine.change(1)
    engine.drain()
    assert engine.lane().dead == 1

    engine.contacts(1, 1, "Fine")
    engine.change(1)
    engine.drain()
    assert (engine.lane().dead, engine.lane().unchanged) == (0, 1)


@pytest.mark.parametrize("step", [dead_letters.requeue_dead_letters, dead_letters.discard_dead_letters])
@pytest.mark.parametrize("dead_letter", [99999999999999999999, -(2**64)])
def test_an_id_beyond_all_ids_is_an_unknown_one(engine: Engine, step, dead_letter: int) -> None:
    """It is refused as any other that nobody has, in one sentence."""
    with pytest.raises(RefusedError, match=f"has the id {dead_letter}"), engine.wiring.engine.begin() as connection:
        step(connection, [dead_letter])


def test_a_closed_letter_is_history(engine: Engine) -> None:
    """A contact that fails anew gets a new dead letter; a closed one is neither listed, requeued nor discarded."""
    [dead_letter] = bury(engine, 1)
    engine.contacts(1, 1, "Fine")
    engine.change(1)
    engine.drain()
    with pytest.raises(RefusedError):
        discard(engine, dead_letter.id)
    engine.contacts(1, 1, "POISON")
    engine.change(1)
    engine.drain()

    assert [one.id for one in listed(engine)] != [dead_letter.id]
    assert states(engine) == [("1", "closed"), ("1", "open")]


def test_dead_letters_are_chosen(engine: Engine) -> None:
    """By source, key, time and number, each for itself and together."""
    bury(engine, 1, 2, 3)
    engine.sql("UPDATE ringostat_sync.dead_letters SET last_failed_at = now() - interval '2 days' WHERE key = '1'")
    yesterday = datetime.now(UTC) - timedelta(days=1)

    assert [one.key for one in listed(engine, source="contacts")] == ["1", "2", "3"]
    assert listed(engine, source="leads") == []
    assert [one.key for one in listed(engine, key="2")] == ["2"]
    assert [one.key for one in listed(engine, since=yesterday)] == ["2", "3"]
    assert [one.key for one in listed(engine, since=yesterday, limit=1)] == ["2"]


def test_dead_letters_are_grouped_by_cause(engine: Engine) -> None:
    """However many there are, a line a cause: its count, some ids, and what to do."""
    bury(engine, 1, 2, 3)
    engine.contacts(7, 7)
    engine.sql("UPDATE crm.contacts SET phone = 'none' WHERE id = 7")
    engine.change(7)
    engine.drain()
    first, second = dead_letters.group_dead_letters(listed(engine))

    assert (first.count, first.reason, second.count, second.reason) == (3, "refused", 1, "no_directions")
    assert first.fix
    assert first.ids == [one.id for one in listed(engine, reason="refused")]
