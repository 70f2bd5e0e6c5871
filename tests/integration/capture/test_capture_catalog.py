"""What the catalogs say of capture: each way in which a CRM's own life takes a change past it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.support.watching import PEOPLE, keys, mapping, triggers, watch
from worker import capture
from worker.capture import State
from worker.config.model import Watch

Crm = psycopg.Connection[Any]
BY_ID = Watch("crm.people", key="id")
CALLS = Watch("crm.calls", key="id")


@pytest.fixture
def crm(database_url: str) -> Iterator[Crm]:
    """People, and calls in a partition each year, both watched."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(PEOPLE + "INSERT INTO crm.people (id, name) VALUES (1, 'Ada')")
        connection.execute("""
            CREATE TABLE crm.calls (id int, year int) PARTITION BY LIST (year);
            CREATE TABLE crm.calls_1 PARTITION OF crm.calls FOR VALUES IN (1);
            CREATE TABLE crm.calls_2 (LIKE crm.calls);
        """)
        watch(connection, BY_ID, CALLS)
        yield connection


def seen(crm: Crm, *watches: Watch) -> list[tuple[State, str]]:
    return [(found.state, found.detail) for found in capture.watch(crm, mapping(*watches))]


def mended(crm: Crm, *watches: Watch) -> list[State]:
    watch(crm, *watches)
    return [state for state, _ in seen(crm, *watches)]


@pytest.mark.parametrize(
    ("upgrade", "state", "told"),
    [
        (
            "ALTER TABLE crm.people RENAME TO people_old; CREATE TABLE crm.people (LIKE crm.people_old INCLUDING ALL)",
            State.REBUILT,
            "crm.people is another table than the one that was watched: it was made anew, or swapped.",
        ),
        (
            "CREATE TABLE crm.people_new AS TABLE crm.people; DROP TABLE crm.people;"
            " ALTER TABLE crm.people_new RENAME TO people",
            State.REBUILT,
            "crm.people is another table than the one that was watched: it was made anew, or swapped.",
        ),
        (
            "ALTER TABLE crm.people ALTER id TYPE text USING 'c' || id",
            State.REBUILT,
            "Column id was integer and is text: its rows were rewritten, which no trigger sees.",
        ),
    ],
    ids=["swapped", "made anew", "retyped"],
)
def test_a_rebuilt_table_is_seen_and_mended(crm: Crm, upgrade: str, state: State, told: str) -> None:
    """By its oid and its columns' types; the old table is left without triggers."""
    crm.execute(upgrade)
    assert seen(crm, BY_ID, CALLS)[0] == (state, told)

    assert mended(crm, BY_ID, CALLS) == [State.OK, State.OK]
    crm.execute("TRUNCATE crm.people")
    assert len(keys(crm)) <= 1
    assert len(triggers(crm)) == 4


def test_a_rewritten_table_is_the_same(crm: Crm) -> None:
    """VACUUM FULL, TRUNCATE and a new column give it another file, and no other rows."""
    crm.execute("VACUUM FULL crm.people")
    crm.execute("TRUNCATE crm.people; ALTER TABLE crm.people ADD COLUMN nick text DEFAULT 'x'")

    assert seen(crm, BY_ID) == [(State.OK, "")]


def test_a_swapped_table_keeps_no_trigger(crm: Crm) -> None:
    """What is no longer the CRM's table would go on to name contacts."""
    crm.execute("ALTER TABLE crm.people RENAME TO people_old; CREATE TABLE crm.people (LIKE crm.people_old)")
    watch(crm, BY_ID, CALLS)
    crm.execute("UPDATE crm.people_old SET name = 'Eve'; INSERT INTO crm.people (id, hidden) VALUES (7, false)")

    assert keys(crm) == ["7"]


def test_an_attached_partition_is_seen_and_mended(crm: Crm) -> None:
    """It brings rows along that no trigger has seen, and lacks the trigger for its own TRUNCATE."""
    crm.execute(
        "INSERT INTO crm.calls_2 VALUES (5, 2); ALTER TABLE crm.calls ATTACH PARTITION crm.calls_2 FOR VALUES IN (2)"
    )
    assert seen(crm, CALLS) == [(State.PARTITIONS, "Attached since the last `capture install`: crm.calls_2.")]

    assert mended(crm, CALLS) == [State.OK]
    crm.execute("TRUNCATE crm.calls_2")
    assert keys(crm) == ["5"]


def test_a_detached_partition_is_seen_and_mended(crm: Crm) -> None:
    """Its rows are gone without a DELETE; afterwards nothing of ours is on it."""
    crm.execute("INSERT INTO crm.calls VALUES (5, 1); ALTER TABLE crm.calls DETACH PARTITION crm.calls_1")
    keys(crm)
    assert seen(crm, CALLS) == [(State.PARTITIONS, "Detached since the last `capture install`: crm.calls_1.")]

    assert mended(crm, CALLS) == [State.OK]
    crm.execute("TRUNCATE crm.calls_1")
    assert keys(crm) == []


def test_a_child_that_inherits_is_seen(crm: Crm) -> None:
    """A row trigger is not inherited; a watch of the child mends it."""
    crm.execute("CREATE TABLE crm.staff (desk text) INHERITS (crm.people); INSERT INTO crm.staff (id) VALUES (9)")
    assert keys(crm) == []
    assert seen(crm, BY_ID) == [(State.CHILDREN, "What inherits from it has rows of its own: watch crm.staff too.")]

    child = Watch("crm.staff", key="id")
    assert mended(crm, BY_ID, child) == [State.OK, State.OK]


@pytest.mark.parametrize(
    ("upgrade", "state"),
    [
        ("ALTER TABLE crm.people RENAME COLUMN id TO number", State.NO_COLUMN),
        ("ALTER TABLE crm.people DROP COLUMN id", State.NO_COLUMN),
        ("ALTER TABLE crm.people RENAME TO persons", State.NO_TABLE),
        ("ALTER TABLE crm.people SET SCHEMA public", State.NO_TABLE),
        ("DROP TABLE crm.people", State.NO_TABLE),
    ],
)
def test_what_the_mapping_names_and_the_crm_has_not_is_told(crm: Crm, upgrade: str, state: State) -> None:
    """In a sentence; the other watches are told as ever."""
    crm.execute(upgrade)
    found = seen(crm, BY_ID, CALLS)

    assert [one for one, _ in found] == [state, State.OK]
    assert found[0][1].startswith("Source 'people' watches ")


def test_a_function_that_may_not_write_the_outbox_is_seen(crm: Crm) -> None:
    """Its owner's right is gone: every change of the table would fail."""
    crm.execute("CREATE ROLE clerk; GRANT ALL ON SCHEMA ringostat_sync TO clerk")
    try:
        for (name,) in crm.execute("SELECT proname FROM pg_proc WHERE proname LIKE 'capture\\_%'").fetchall():
            crm.execute(f"ALTER FUNCTION ringostat_sync.{name}() OWNER TO clerk")
        assert [state for state, _ in seen(crm, BY_ID)] == [State.OUTDATED]
    finally:
        crm.execute("REASSIGN OWNED BY clerk TO CURRENT_USER; DROP OWNED BY clerk; DROP ROLE clerk")


def test_a_mapping_that_has_changed_is_told(crm: Crm) -> None:
    """Its watch is missing, and the one that it was is there."""
    changed = Watch("crm.people", key="id", columns=("name",))

    assert seen(crm, changed) == [(State.MISSING, "The mapping has changed since the last `capture install`.")]


def test_a_watch_of_before_the_migration_is_taken_for_what_it_is(crm: Crm) -> None:
    """Nobody knows which table it was put on, so none is another one."""
    crm.execute("UPDATE ringostat_sync.watches SET table_oid = NULL, column_types = NULL")
    assert seen(crm, BY_ID) == [(State.OK, "")]

    crm.execute(
        "ALTER TABLE ringostat_sync.watches DROP COLUMN table_oid, DROP COLUMN column_types, DROP COLUMN watches_oid"
    )
    assert seen(crm, BY_ID) == [(State.OK, "")]


def test_a_restored_database_is_whole(crm: Crm) -> None:
    """Every table has another oid there, our own too; from the next installation on a swap is seen again."""
    crm.execute(
        "UPDATE ringostat_sync.watches SET table_oid = (table_oid::bigint + 7)::oid, watches_oid = (watches_oid::bigint + 7)::oid"
    )
    assert seen(crm, BY_ID, CALLS) == [(State.OK, ""), (State.OK, "")]

    assert watch(crm, BY_ID, CALLS) == []
    crm.execute("UPDATE ringostat_sync.watches SET table_oid = (table_oid::bigint + 7)::oid")
    assert [state for state, _ in seen(crm, BY_ID, CALLS)] == [State.REBUILT, State.REBUILT]


def test_a_table_that_came_back_from_a_dump_is_rebuilt(crm: Crm) -> None:
    """It has its triggers, and rows that no trigger has seen."""
    definitions = crm.execute(
        "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'crm.people'::regclass"
    ).fetchall()
    names = [definition.split()[2] for (definition,) in definitions]
    crm.execute("DROP TABLE crm.people;" + PEOPLE.partition(";")[2])
    for (definition,), name in zip(definitions, names, strict=True):
        crm.execute(f"{definition}; ALTER TABLE crm.people ENABLE ALWAYS TRIGGER {name}")

    assert [state for state, _ in seen(crm, BY_ID)] == [State.REBUILT]
    assert mended(crm, BY_ID, CALLS) == [State.OK, State.OK]


@pytest.mark.parametrize("path", ["pg_catalog", "public, crm"])
def test_a_name_without_a_schema_is_the_installed_tables(crm: Crm, path: str) -> None:
    """Whatever search_path the session that looks has: ours have none of the CRM's schemas in it."""
    bare = Watch("people", key="id")
    crm.execute("SET search_path = crm, public")
    watch(crm, bare)
    crm.execute(f"SET search_path = {path}")

    assert seen(crm, bare) == [(State.OK, "")]


def test_the_catalogs_are_read_without_a_lock(crm: Crm, database_url: str) -> None:
    """A CRM that alters its tables keeps nobody waiting."""
    with psycopg.connect(database_url) as other:
        other.execute("LOCK TABLE crm.people, crm.calls, crm.calls_1")
        crm.execute("SET lock_timeout = '1ms'")

        assert seen(crm, BY_ID, CALLS) == [(State.OK, ""), (State.OK, "")]


def test_reading_needs_no_right_to_the_tables(crm: Crm) -> None:
    """A role that may see their schema and read our own table; a schema that it may not see is told."""
    crm.execute("CREATE ROLE looker; GRANT USAGE ON SCHEMA crm, ringostat_sync TO looker")
    crm.execute("GRANT SELECT ON ringostat_sync.watches TO looker; SET ROLE looker")
    try:
        assert seen(crm, BY_ID, CALLS) == [(State.OK, ""), (State.OK, "")]

        crm.execute("RESET ROLE; REVOKE USAGE ON SCHEMA crm FROM looker; SET ROLE looker")
        assert [state for state, _ in seen(crm, BY_ID)] == [State.NO_TABLE]
    finally:
        crm.execute("RESET ROLE; DROP OWNED BY looker; DROP ROLE looker")


def test_a_hundred_watches_cost_no_more_statements_than_one(crm: Crm) -> None:
    """It is done once a minute, beside the CRM's own work."""
    statements: list[object] = []

    class Counting(psycopg.Cursor[Any]):
        def execute(self, query: Any, *arguments: Any, **named: Any) -> Any:
            statements.append(query)
            return super().execute(query, *arguments, **named)

    crm.cursor_factory = Counting
    crm.execute("DO $$ BEGIN FOR n IN 1..100 LOOP EXECUTE format('CREATE TABLE crm.t%s (id int)', n); END LOOP; END $$")
    many = [Watch(f"crm.t{number}", key="id") for number in range(1, 101)]
    statements.clear()
    began = time.monotonic()
    found = seen(crm, *many)

    assert [state for state, _ in found] == [State.MISSING] * 100
    assert len(statements) <= 5
    assert time.monotonic() - began < 5


def test_a_trial_catches_a_change(crm: Crm) -> None:
    """With the functions that are there; nothing of it stays."""
    found = capture.probed(crm, mapping(BY_ID, CALLS), capture.watch(crm, mapping(BY_ID, CALLS)))

    assert [(one.state, one.detail) for one in found] == [(State.OK, "")] * 2
    assert keys(crm) == []


def test_a_trial_that_is_not_caught_is_told(crm: Crm) -> None:
    """The catalogs are content, and no row arrives: a rule of the database's swallows it."""
    crm.execute("CREATE RULE nothing AS ON INSERT TO ringostat_sync.outbox DO INSTEAD NOTHING")
    found = capture.probed(crm, mapping(BY_ID), capture.watch(crm, mapping(BY_ID)))

    assert [(one.state, one.detail) for one in found] == [
        (State.NOT_CAUGHT, "Source 'people' can't watch crm.people: its trigger wrote nothing for INSERT.")
    ]


def test_a_trial_that_can_not_be_made_is_told(crm: Crm, database_url: str) -> None:
    """The watch is in place all the same; a table that the CRM has locked is not waited for."""
    with psycopg.connect(database_url) as other:
        other.execute("LOCK TABLE crm.people")
        found = capture.probed(crm, mapping(BY_ID), capture.watch(crm, mapping(BY_ID)))

    assert [(one.state, one.detail) for one in found] == [
        (State.OK, "It could not be tried: canceling statement due to lock timeout.")
    ]
