"""Whatever a row or a payload holds: its contact is sent as it is meant, or buried alone, and its neighbours arrive."""

from __future__ import annotations

import json

from tests.integration.engine import PROJECT, Engine, document

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
