"""Whatever a row or a payload holds: its contact is sent as it is meant, or buried alone, and its neighbours arrive."""

from __future__ import annotations

import json
import random
import sys
from typing import Any

import pytest

from models import LONGEST_KEY
from tests.support.engine import PROJECT, Engine, document
from worker.__main__ import main
from worker.cli import session

NEIGHBOURS = 100
PHONE = '[{"type": "phone", "value": "0671234567"}]'
PEOPLE = '[[sources]]\nname = "people"\nmethod = "contacts"\nquery = "people.sql"\n'


def with_neighbours(engine: Engine) -> None:
    """A hundred sound contacts, in the same batch as whatever else waits."""
    engine.contacts(1, NEIGHBOURS)
    engine.change(*range(1, NEIGHBOURS + 1))


def raw_payload(engine: Engine, key: str, payload: str) -> None:
    """A payload by its JSON, which Python itself might not write."""
    engine.sql(
        "INSERT INTO ringostat_sync.outbox (source, key, payload) VALUES ('contacts', %s, %s::jsonb)", key, payload
    )


def details(engine: Engine) -> dict[str, tuple[str, str]]:
    """Open letters by key: the reason, and the line that says what is wrong."""
    rows = engine.sql("SELECT key, reason::text, detail FROM ringostat_sync.dead_letters WHERE state = 'open'")
    return {key: (reason, detail) for key, reason, detail in rows}


def test_a_payload_that_python_can_not_read_is_buried_alone(engine: Engine) -> None:
    """PostgreSQL takes JSON that no reader of ours does; its batch goes out without it."""
    with_neighbours(engine)
    for key, unreadable in {"777": "9" * 5_000, "778": "[" * 3_000 + "]" * 3_000}.items():
        raw_payload(engine, key, f'{json.dumps(document("Hostile"))[:-1]}, "more": {unreadable}}}')
    engine.drain()

    line = "The payload is nested too deeply, or holds too long a number, to be read."
    assert details(engine) == {"777": ("invalid", line), "778": ("invalid", line)}
    assert engine.lane().sent == NEIGHBOURS


NOT_FOR_PYTHON = [
    "'infinity'::date",
    "'0044-03-15 BC'::date",
    "'12026-01-01'::timestamptz",
    "'-infinity'::timestamp",
    "'24:00'::time",
    "'24:00+00'::timetz",
    "'178000000 years'::interval",
    "'{infinity}'::date[]",
    "'[-infinity,infinity]'::tsrange",
    "'NaN'::numeric",
    "(repeat('[', 3000) || repeat(']', 3000))::json",
    "repeat('9', 5000)::jsonb",
    """'"\\u0000\\ud800"'::json""",
]


def test_columns_that_nobody_asks_for_harm_nobody(engine: Engine) -> None:
    """A mapping with a `*` brings along what Python can't hold."""
    more = ", ".join(f"{value} AS more_{place}" for place, value in enumerate(NOT_FOR_PYTHON))
    engine.remap(
        PEOPLE, people=f"""SELECT 1 AS key, 'Оля' AS "fullName", '{PHONE}'::jsonb AS "contactDirections", {more}"""
    )
    engine.change(1, source="people")
    engine.drain()

    assert engine.names() == {"1": "Оля"}


def test_a_column_that_is_asked_for_is_sent_as_it_reads(engine: Engine) -> None:
    """A date, a number and JSON have a text, PostgreSQL's own where Python has none."""
    engine.remap(
        PEOPLE,
        people=f"""SELECT 1 AS key, 'Оля'::text AS "fullName", '{PHONE}'::json AS "contactDirections",
            'infinity'::date AS "staffId", '2026-08-24'::date AS "contactLink", '"Оля"'::json AS "leadLink", 1.10 AS "dealLink" """,
    )
    engine.change(1, source="people")
    engine.drain()
    sent = engine.sandbox.book.contact(PROJECT, external_id="1") or {}

    assert [sent[name] for name in ("staffId", "contactLink", "leadLink", "dealLink")] == [
        "infinity",
        "2026-08-24",
        "Оля",
        "1.10",
    ]


def test_json_that_python_can_not_read_is_buried_alone(engine: Engine) -> None:
    """Where the column is asked for, the line names it."""
    deep = "(repeat('[', 3000) || repeat(']', 3000))::json"
    engine.remap(
        PEOPLE,
        people=f"""SELECT g AS key, CASE WHEN g = 1 THEN {deep} ELSE '"N"'::json END AS "fullName",
            CASE WHEN g = 2 THEN {deep} ELSE '{PHONE}'::json END AS "contactDirections",
            CASE WHEN g = 3 THEN {deep} END AS "organizations" FROM generate_series(1, 9) g""",
    )
    engine.change(*range(1, 10), source="people")
    engine.drain()

    line = "{} must be JSON that is nested less deeply, or has shorter numbers, to be read."
    assert details(engine) == {
        str(key): ("invalid", line.format(name))
        for key, name in enumerate(["fullName", "contactDirections", "organizations"], start=1)
    }
    assert engine.lane().sent == 6


HOSTILE = [
    """O'Brien "Bob" \\ `x`""",
    "'; DROP TABLE crm.contacts; --",
    "%s %(key)s %% :name {0} $1 ${HOME}",
    "<script>alert(1)</script>&amp;",
    "\u202eשלום\u202c\u200f",
    "👩\u200d👩\u200d👧 🇺🇦",
    "Z\u0334\u0322a\u0301",
    "a\x01\x1b[31m\x7f\tb",
    "x\r\nauth-key: y",
    "\ufffe\uffff\U0010ffff\ufeff",
    "a\u2028b\u2029c",
    '{"a": [1, "]}\\u0000',
    "null",
    "  outer blanks  ",
    " \u00a0\t",
]
UNSENDABLE = ["N\0", "\ud800", "a\udfffb"]
"""What JSON can spell, and PostgreSQL's json with it, but neither its text nor its jsonb."""
MEGABYTE = "я" * 1_000_000

TEXTS = [
    "fullName",
    "origin",
    "leadId",
    "responsible",
    "staffId",
    "contactLink",
    "leadLink",
    "dealLink",
    "googleClientId",
]
REQUIRED = {"fullName": None, "origin": "CRM", "responsible": "1", "direction name": "phone", "organization name": None}
"""What stands in for a blank, None where nothing does."""
SOUND = {"type": "phone", "name": "work", "value": "+380671234567"}
PLACES = [*TEXTS, "region", "direction name", "direction value", "organization name"]


def hostile(place: str, text: str) -> dict[str, Any]:
    """A contact with a hostile text in one place."""
    made: dict[str, Any] = {"fullName": "N", "contactDirections": [SOUND]}
    match place:
        case "direction name":
            made["contactDirections"] = [{**SOUND, "name": text}, {"type": "email", "value": "a@b.example"}]
        case "direction value":
            made["contactDirections"] = [SOUND, {"type": "phone", "value": text}, {"type": "email", "value": text}]
        case "organization name":
            made["organizations"] = [{"name": text, "externalId": "5"}]
        case _:
            made[place] = text
    return made


def seen(sent: dict[str, Any] | None, place: str) -> object:
    """What the API has in that place."""
    if sent is None:
        return "never sent"
    match place:
        case "direction name":
            return sent["contactDirections"][0]["name"]
        case "direction value":
            return sent["contactDirections"]
        case "organization name":
            return sent["organizations"][0]["name"]
        case _:
            return sent.get(place)


def due(place: str, text: str) -> object:
    """What the API should have in that place: the text to the letter, but for blanks; a letter's line as an exception."""
    named = {"organization name": "organizations[0].name"}.get(place, place)
    if place == "direction value":
        return [SOUND]
    if text in UNSENDABLE:
        line = f"{named} must hold neither a NUL character nor a lone surrogate."
        return "email" if place == "direction name" else ValueError(line)
    if place == "region":
        return None
    if text.isspace():
        blank = REQUIRED.get(place) or ValueError(f"{named} must not be null or blank.")
        return blank if place in REQUIRED else None
    return text


@pytest.mark.parametrize("kind", ["text", "json", "jsonb", "payload"])
def test_hostile_texts_in_every_field_of_a_contact(make_engine: Any, kind: str) -> None:
    """Each arrives to the letter, or is buried alone with one line; NUL and lone surrogates go nowhere."""
    engine = make_engine(RINGOSTAT_BATCH_SIZE="500")
    texts = HOSTILE + (UNSENDABLE if kind == "json" else [])
    cases = [(place, text) for place in PLACES for text in texts] + [
        ("fullName", MEGABYTE),
        ("direction name", MEGABYTE),
    ]
    contacts = {str(1_000 + number): hostile(*case) for number, case in enumerate(cases)}
    into_crm(engine, kind, contacts) if kind != "payload" else into_outbox(engine, contacts)
    with_neighbours(engine)
    engine.drain()

    expected = {key: due(*case) for key, case in zip(contacts, cases, strict=True)}
    lines = {key: ("invalid", str(line)) for key, line in expected.items() if isinstance(line, ValueError)}
    assert details(engine) == lines
    arrived = {
        key: seen(engine.sandbox.book.contact(PROJECT, external_id=key), place)
        for key, (place, _) in zip(contacts, cases, strict=True)
        if key not in lines
    }
    assert arrived == {key: value for key, value in expected.items() if key not in lines}
    assert engine.lane().sent == NEIGHBOURS + len(arrived)
    assert [len(ids) for ids in engine.posted()] == [engine.lane().sent]


def into_outbox(engine: Engine, contacts: dict[str, dict[str, Any]]) -> None:
    for key, contact in contacts.items():
        engine.payload(key, contact)


def into_crm(engine: Engine, kind: str, contacts: dict[str, dict[str, Any]]) -> None:
    """Contacts in columns of one type, and the changes in the outbox."""
    names = [*TEXTS, "region", "contactDirections", "organizations"]
    quoted = ", ".join(f'"{name}"' for name in names)
    engine.remap(PEOPLE, people=f"SELECT id AS key, {quoted} FROM crm.people")
    columns = ", ".join(f'"{name}" {kind}' for name in names)
    engine.sql(f"CREATE TABLE crm.people (id int PRIMARY KEY, {columns})")
    marks = ", ".join(f"%s::{kind}" for _ in names)
    for key, contact in contacts.items():
        values = [
            value if value is None or (kind == "text" and isinstance(value, str)) else json.dumps(value)
            for value in map(contact.get, names)
        ]
        engine.sql(f"INSERT INTO crm.people VALUES (%s, {marks})", int(key), *values)
    engine.change(*contacts, source="people")


def test_hostile_texts_in_every_field_of_an_organization(engine: Engine) -> None:
    """The same holds for organizations."""
    engine.remap(
        '[[sources]]\nname = "firms"\nmethod = "organizations"\nquery = "firms.sql"\n',
        firms='SELECT id AS key, n AS name, o AS origin, "externalId" FROM crm.firms',
    )
    engine.sql('CREATE TABLE crm.firms (id int, n json, o json, "externalId" json)')
    cases = [(place, text) for place in range(3) for text in HOSTILE + UNSENDABLE]
    for key, (place, text) in enumerate(cases):
        values = ['"N"', None, None]
        values[place] = json.dumps(text)
        engine.sql("INSERT INTO crm.firms VALUES (%s, %s, %s, %s)", key, *values)
    engine.change(*range(len(cases)), source="firms")
    engine.drain()

    held = {row["externalId"]: (row["name"], row["origin"]) for row in engine.sandbox_json("organizations")}
    expected = {
        text if place == 2 and not text.isspace() else str(key): (
            text if place == 0 else "N",
            text if place == 1 and not text.isspace() else "CRM",
        )
        for key, (place, text) in enumerate(cases)
        if text not in UNSENDABLE and (place or not text.isspace())
    }
    assert held == expected
    assert len(details(engine)) == len(cases) - len(expected)
    assert {reason for reason, _ in details(engine).values()} == {"invalid"}


LONG = "".join(random.Random(7).choices([chr(letter) for letter in range(0x4E00, 0x9F00)], k=1_000))
"""A thousand letters that do not compress."""
KEYS = [text for text in HOSTILE if text.strip()] + ["0700", "700", "ABC", "abc", "-1", "+1", "1e3", LONG[:LONGEST_KEY]]
GONE = ["00700", "aBC", "+700", "null "]


@pytest.mark.parametrize("way", ["mapping", "payload", "backfill"])
def test_hostile_keys(engine: Engine, way: str) -> None:
    """A text key is the id on the wire to the letter; one that differs in a letter is another; one too long is buried."""
    engine.remap(
        PEOPLE,
        people=f"""SELECT k AS key, n AS "fullName", '{PHONE}'::json AS "contactDirections" FROM crm.people""",
    )
    engine.sql("CREATE TABLE crm.people (k text, n text)")
    for number, key in enumerate([*KEYS, " ", LONG]):
        engine.sql("INSERT INTO crm.people VALUES (%s, %s)", key, f"Name {number}")
        if way == "payload":
            engine.payload(key, document(f"Name {number}"))
    if way == "mapping":
        engine.change(*KEYS, " ", LONG, *GONE, source="people")
    if way == "backfill":
        engine.backfill("people")
    with_neighbours(engine)
    engine.drain()

    names = engine.names()
    assert {key: names.get(key) for key in KEYS} == {key: f"Name {number}" for number, key in enumerate(KEYS)}
    assert sorted(details(engine).values()) == [
        ("invalid", "The key must have at most 512 characters."),
        ("invalid", "externalId must not be null or blank."),
    ]
    assert engine.lane().absent == (len(GONE) if way == "mapping" else 0)
    assert engine.lane().sent == NEIGHBOURS + len(KEYS)


def test_an_id_too_long_to_be_held_is_buried_alone(engine: Engine) -> None:
    """Ids stand in an index while their documents are on the way."""
    with_neighbours(engine)
    engine.payload("777", document("N", leadId=LONG))
    engine.payload("778", document("N", externalId=LONG))
    engine.drain()

    assert details(engine) == {
        "777": ("invalid", "leadId must have at most 512 characters."),
        "778": ("invalid", "externalId must have at most 512 characters."),
    }
    assert engine.lane().sent == NEIGHBOURS


def test_a_key_too_long_found_through_another_table_is_buried_alone(engine: Engine) -> None:
    """A `keys` SELECT may find one, too; requeued, it is buried again under the same id."""
    long = f"{LONG} too long"
    engine.sql(
        "INSERT INTO ringostat_sync.watches (id, source, table_name, keys, definition)"
        " VALUES ('w', 'contacts', 'crm.companies', 'SELECT c.name FROM crm.companies c WHERE c.id = changed.id', '{}')"
    )
    engine.sql("INSERT INTO crm.companies VALUES (1, %s)", long)
    engine.sql("INSERT INTO ringostat_sync.outbox (source, watch, changed) VALUES ('contacts', 'w', '{\"id\": 1}')")
    engine.collect()
    engine.wiring.fan_out.run(PROJECT)
    engine.drain()
    engine.change(long)
    engine.drain()

    assert [reason for reason, _ in details(engine).values()] == ["invalid"]
    assert engine.sql("SELECT count(*) FROM ringostat_sync.dead_letters") == [(1,)]


def test_a_letter_of_a_hostile_key_can_be_read(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An operator's terminal shows keys and is not steered by them: no markup, no escape sequence, no turned line."""
    engine.payload("[/bold] \x1b[2J\u202e", {"fullName": "N"})
    engine.drain()
    monkeypatch.setenv("DATABASE_URL", engine.database_url)
    monkeypatch.setattr(session, "set_up_logs", lambda *_: None)  # this process has other tests to run

    [identity] = engine.sql("SELECT id::text FROM ringostat_sync.dead_letters")[0]
    for arguments in (["list"], ["show", identity]):
        monkeypatch.setattr(sys, "argv", ["ringostat-sync", "dead-letters", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()

        assert ended.value.code == 0
        assert "[/bold] \\x1b[2J\\u202e" in capsys.readouterr().out


LEFT_OUT = "contactDirections must hold a valid number or address; left out:"
SHAPES = {
    "null": "contactDirections must hold at least one number or address.",
    "{}": "contactDirections must be an array.",
    '"0671234567"': "contactDirections must be an array.",
    "380671234567": "contactDirections must be an array.",
    "[[]]": f"{LEFT_OUT} 1 (no object with a type and a value: 1).",
    '[[{"type": "phone", "value": "0671234567"}]]': f"{LEFT_OUT} 1 (no object with a type and a value: 1).",
    "[null, 1, true, {}]": f"{LEFT_OUT} 4 (no object with a type and a value: 4).",
    '[{"type": "phone"}]': f"{LEFT_OUT} 1 (no object with a type and a value: 1).",
    '[{"type": 1, "value": [2]}]': f"{LEFT_OUT} 1 (no object with a type and a value: 1).",
}


@pytest.mark.parametrize("kind", ["json", "jsonb", "text"])
def test_directions_of_every_shape(engine: Engine, kind: str) -> None:
    """Each that is no array of directions has its line; ten thousand directions are sent."""
    engine.remap(PEOPLE, people='SELECT id AS key, \'N\' AS "fullName", d AS "contactDirections" FROM crm.people')
    engine.sql(f"CREATE TABLE crm.people (id int, d {kind})")
    many = json.dumps([{**SOUND, "value": f"+38067{number:07}"} for number in range(10_000)])
    for key, written in enumerate([*SHAPES, many]):
        engine.sql(f"INSERT INTO crm.people VALUES (%s, %s::{kind})", key, written)
    engine.change(*range(len(SHAPES) + 1), source="people")
    engine.drain()

    assert {key: line.replace(" in JSON", "") for key, (_, line) in details(engine).items()} == {
        str(key): line for key, line in enumerate(SHAPES.values())
    }
    sent = engine.sandbox.book.contact(PROJECT, external_id=str(len(SHAPES)))
    assert sent is not None
    assert len(sent["contactDirections"]) == 10_000
