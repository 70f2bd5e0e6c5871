"""The schema: migrations, models, and what the database refuses."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

import migrations
from models import (
    SCHEMA,
    BatchState,
    DeadLetterReason,
    DeadLetterState,
    Identity,
    IncidentKind,
    Method,
    PauseReason,
    Priority,
    WalkPurpose,
)
from models.tables import Base


def test_the_models_equal_the_migrated_schema(database_url: str) -> None:
    """Alembic finds no difference between the models and the database."""
    options = {
        "include_schemas": True,
        "version_table_schema": SCHEMA,
        "include_name": lambda name, kind, _: name == SCHEMA if kind == "schema" else True,
    }
    engine = create_engine(make_url(database_url).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata)
    engine.dispose()

    assert differences == []


def test_migrations_run_twice_and_at_once(empty_database_url: str) -> None:
    """Two at a time and one after: each ends well."""
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(migrations.upgrade, [empty_database_url] * 2))
    migrations.upgrade(empty_database_url)

    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("SELECT count(*) FROM ringostat_sync.alembic_version").fetchone() == (1,)


IN_THE_MIDDLE = """
    INSERT INTO ringostat_sync.batches (project, method, size) VALUES (1, 'contacts', 3), (1, 'contacts', 1);
    INSERT INTO ringostat_sync.in_flight
        (project, method, identity, key, batch_id, place, part, source, outbox_id, priority, attempts, losses, forced, captured_at)
    SELECT 1, 'contacts', 'externalId', key, batch, place, part, 'contacts', 1, 0, 0, 0, false, now()
    FROM (VALUES ('a', 1, 0, 0), ('b', 1, 1, 0), ('c', 1, 2, 2), ('d', 2, 0, 0)) AS f (key, batch, place, part);
    INSERT INTO ringostat_sync.held_ids (project, method, kind, wire_id, batch_id, place)
    VALUES (1, 'contacts', 'externalId', 'c', 1, 2), (1, 'contacts', 'externalId', 'd', 2, 0);
"""
AFTERWARDS = """
    SELECT f.key, p.key, h.wire_id FROM ringostat_sync.in_flight AS f
    LEFT JOIN ringostat_sync.in_flight AS p ON p.in_flight_id = f.slice
    LEFT JOIN ringostat_sync.reserved_ids AS h ON h.in_flight_id = f.in_flight_id
    ORDER BY f.in_flight_id
"""


def test_a_migration_takes_batches_along_that_are_under_way(empty_database_url: str) -> None:
    """In-flight ids become unique over all batches: order, slices and reserved ids stay those of their contacts, and new ids follow."""
    migrations.upgrade(empty_database_url, "0003")
    with psycopg.connect(empty_database_url) as connection:
        connection.execute(IN_THE_MIDDLE.encode())
    migrations.upgrade(empty_database_url)

    with psycopg.connect(empty_database_url) as connection:
        found = connection.execute(AFTERWARDS).fetchall()
        assert found == [("a", None, None), ("b", None, None), ("c", "c", "c"), ("d", None, "d")]

        last = connection.execute("SELECT max(in_flight_id) FROM ringostat_sync.in_flight").fetchone()
        connection.execute(IN_FLIGHT.encode())
        new = connection.execute("SELECT in_flight_id FROM ringostat_sync.in_flight WHERE key = '1'").fetchone()
        assert None not in (new, last)
        assert new > last


OLD_WORDS = """
    INSERT INTO ringostat_sync.batches (project, method, size, state, due_at) VALUES (1, 'contacts', 1, 'postponed', now());
    INSERT INTO ringostat_sync.in_flight
        (project, method, identity, key, batch_id, source, outbox_id, priority, attempts, losses, forced, captured_at, suspect_status)
    VALUES (1, 'contacts', 'externalId', 'a', 1, 'contacts', 1, 0, 0, 3, false, now(), 422);
    INSERT INTO ringostat_sync.held_ids (project, method, kind, wire_id, place) SELECT 1, 'contacts', 'leadId', 'L', place
    FROM ringostat_sync.in_flight;
    INSERT INTO ringostat_sync.expansions VALUES ('contacts', 2, 'w', '{}', now());
    INSERT INTO ringostat_sync.service_health (project, held_until) VALUES (1, 'infinity');
    INSERT INTO ringostat_sync.backfills (source, condition, after_key) VALUES ('contacts', '', '7');
"""
NEW_WORDS = """
    SELECT b.state::text, f.lost_leases, f.refusal_status, r.wire_id, o.watch, h.throttled_until::text, k.last_key
    FROM ringostat_sync.batches AS b
    JOIN ringostat_sync.in_flight AS f ON f.batch_id = b.id
    JOIN ringostat_sync.reserved_ids AS r USING (in_flight_id),
    ringostat_sync.fan_outs AS o, ringostat_sync.service_health AS h, ringostat_sync.backfills AS k
"""


def test_new_words_keep_what_is_under_way(empty_database_url: str) -> None:
    """Tables and columns change their names with rows in them."""
    migrations.upgrade(empty_database_url, "0005")
    with psycopg.connect(empty_database_url) as connection:
        connection.execute(OLD_WORDS.encode())
    migrations.upgrade(empty_database_url)

    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute(NEW_WORDS.encode()).fetchall() == [("snoozed", 3, 422, "L", "w", "infinity", "7")]


CLOSED_SETS = {
    "method": Method,
    "identity": Identity,
    "batch_state": BatchState,
    "dead_letter_state": DeadLetterState,
    "dead_letter_reason": DeadLetterReason,
    "pause_reason": PauseReason,
    "incident_kind": IncidentKind,
    "walk_purpose": WalkPurpose,
}


def test_every_enum_of_the_database_is_one_of_the_code(database_url: str) -> None:
    """Each closed set has its type, and there is no other."""
    with psycopg.connect(database_url) as connection:
        found = connection.execute(
            "SELECT typname FROM pg_type WHERE typtype = 'e' AND typnamespace = 'ringostat_sync'::regnamespace"
        ).fetchall()

    assert {name for (name,) in found} == set(CLOSED_SETS)


@pytest.mark.parametrize(("name", "members"), CLOSED_SETS.items(), ids=CLOSED_SETS)
def test_a_member_needs_a_migration(database_url: str, name: str, members: type[StrEnum]) -> None:
    """A member that is added to the code alone fails here."""
    with psycopg.connect(database_url) as connection:
        [labels] = connection.execute(f"SELECT enum_range(NULL::ringostat_sync.{name})::text[]".encode()).fetchall()

    assert set(labels[0]) == {member.value for member in members}


def test_a_priority_needs_a_migration(database_url: str) -> None:
    """The database takes those that the code knows, and no other."""
    row = (
        "INSERT INTO ringostat_sync.pending (project, method, identity, key, source, outbox_id, priority, captured_at)"
    )
    with psycopg.connect(database_url) as connection:
        for priority in Priority:
            connection.execute(
                f"{row} VALUES (1, 'contacts', 'externalId', %s, 's', 1, %s, now())".encode(), [str(priority), priority]
            )
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute(
                f"{row} VALUES (1, 'contacts', 'externalId', 'x', 's', 1, %s, now())".encode(), [max(Priority) + 1]
            )


BATCH = "INSERT INTO ringostat_sync.batches (project, method, size) VALUES (1, 'contacts', 1);"
IN_FLIGHT = """
    INSERT INTO ringostat_sync.in_flight
        (project, method, identity, key, batch_id, source, outbox_id, priority, attempts, lost_leases, forced, captured_at)
    SELECT 1, 'contacts', 'externalId', '1', max(id), 'contacts', 1, 0, 0, 0, false, now() FROM ringostat_sync.batches;
"""
PENDING = """
    INSERT INTO ringostat_sync.pending (project, method, identity, key, source, outbox_id, captured_at)
    VALUES (1, 'contacts', 'externalId', '1', 'contacts', 1, now());
"""
RESERVED = """
    INSERT INTO ringostat_sync.reserved_ids (project, method, kind, wire_id, in_flight_id) VALUES (1, 'contacts', 'leadId', 'L1', 1);
"""
DEAD_LETTER = """
    INSERT INTO ringostat_sync.dead_letters (project, method, identity, key, source, outbox_id, reason, detail, attempts, state)
    VALUES (1, 'contacts', 'externalId', '1', 'contacts', 1, 'refused', '', 0, '{}');
"""


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO ringostat_sync.batches (project, method, size, state) VALUES (1, 'contacts', 1, 'pushing')",
        "INSERT INTO ringostat_sync.batches (project, method, size, state) VALUES (1, 'contacts', 1, 'snoozed')",
        "INSERT INTO ringostat_sync.batches (project, method, size, lease_until) VALUES (1, 'contacts', 1, now())",
        "INSERT INTO ringostat_sync.batches (project, method, size, due_at) VALUES (1, 'contacts', 1, now())",
        PENDING + "UPDATE ringostat_sync.pending SET priority = 3",
        PENDING + "UPDATE ringostat_sync.pending SET attempts = -1",
        "INSERT INTO ringostat_sync.pauses (project, reason, detail) VALUES (1, 'api_down', '')",
        "INSERT INTO ringostat_sync.pauses (project, reason, detail, until) VALUES (1, 'by_hand', '', now())",
        DEAD_LETTER.format("closed"),
        DEAD_LETTER.format("open") + "UPDATE ringostat_sync.dead_letters SET closed_at = now()",
    ],
)
def test_the_database_refuses_nonsense(database_url: str, statement: str) -> None:
    """States that can't be are refused by a CHECK."""
    with psycopg.connect(database_url) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(statement.encode())


@pytest.mark.parametrize(
    "statement",
    [
        BATCH + IN_FLIGHT + BATCH + IN_FLIGHT,
        PENDING + PENDING,
        RESERVED + RESERVED,
        DEAD_LETTER.format("open") + DEAD_LETTER.format("requeued"),
    ],
    ids=["a contact in flight", "a contact that waits", "an id on the wire", "a living dead letter"],
)
def test_the_database_refuses_a_second(database_url: str, statement: str) -> None:
    """What there may be only one of is one by a unique index, whatever the code does."""
    with psycopg.connect(database_url) as connection, pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute(statement.encode())


def test_a_change_of_nobody_is_refused(database_url: str) -> None:
    """A producer's row without a key would name no contact."""
    with psycopg.connect(database_url) as connection, pytest.raises(psycopg.errors.NotNullViolation):
        connection.execute("INSERT INTO ringostat_sync.outbox (source, key) VALUES ('contacts', NULL)")


def test_a_producer_needs_source_and_key_only(database_url: str) -> None:
    """The INSERT that the interface promises, with and without a payload."""
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO ringostat_sync.outbox (source, key, payload) VALUES ('contacts', '1', NULL), ('contacts', '2', '{}')"
        )

        assert connection.execute("SELECT key FROM ringostat_sync.outbox ORDER BY id").fetchall() == [("1",), ("2",)]
