"""Capture on a table that logical replication feeds: a real publication and subscription between two databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.support.waiting import wait_until
from tests.support.watching import PEOPLE, keys, mapping, watch
from worker.capture import watch as watch_catalog
from worker.config.model import Watch

Crm = psycopg.Connection[Any]


@pytest.fixture
def main(empty_database_url: str) -> Iterator[Crm]:
    """The CRM's main database, which publishes its people."""
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute(PEOPLE + "INSERT INTO crm.people (id, name) VALUES (1, 'Ada'), (2, 'Ben')")
        connection.execute("CREATE PUBLICATION crm FOR TABLES IN SCHEMA crm")
        yield connection


@pytest.fixture
def replica(database_url: str) -> Iterator[Crm]:
    """The replica, watched."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(PEOPLE)
        watch(
            connection,
            Watch("crm.people", key="id", columns=("name",), where="NOT changed.hidden"),
            companies=(Watch("crm.people", keys="SELECT p.id FROM crm.people p WHERE p.company = changed.company"),),
        )
        yield connection


@pytest.fixture
def captured(main: Crm, replica: Crm) -> Iterator[Crm]:
    """The replica, fed by the main database; its outbox holds what comes after the first copy."""
    with subscribed(main, replica):
        assert keys_of(replica, "people") == ["1", "2"]
        yield replica


@contextmanager
def subscribed(main: Crm, replica: Crm) -> Iterator[None]:
    """Replication, from the end of the first copy on."""
    # On one server CREATE SUBSCRIPTION would wait for its own transaction to end, if it made the slot.
    slot = f"slot_{main.info.dbname}"
    told = main.info
    publisher = make_conninfo(
        host=told.host, port=told.port, user=told.user, password=told.password, dbname=told.dbname
    )
    main.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", [slot])
    replica.execute(
        sql.SQL(
            "CREATE SUBSCRIPTION crm CONNECTION {} PUBLICATION crm WITH (create_slot = false, slot_name = {})"
        ).format(sql.Literal(publisher), sql.Literal(slot))
    )
    try:
        wait_until(lambda: replica.execute("SELECT FROM pg_subscription_rel WHERE srsubstate <> 'r'").rowcount == 0)
        yield
    finally:
        replica.execute("DROP SUBSCRIPTION crm")


def test_a_table_that_replication_feeds_is_known(captured: Crm) -> None:
    """The subscription's own list says so; a table beside it is the CRM's to write."""
    captured.execute("CREATE TABLE crm.notes (id int)")
    found = watch_catalog(captured, mapping(Watch("crm.people", key="id"), Watch("crm.notes", key="id")))

    assert [one.replicated for one in found] == [True, False]


def keys_of(replica: Crm, source: str) -> list[str]:
    """The keys of one source; the outbox is empty afterwards."""
    found = replica.execute("DELETE FROM ringostat_sync.outbox RETURNING source, key").fetchall()
    return sorted(key for of, key in found if of == source)


def arrived(main: Crm, replica: Crm) -> None:
    """Wait until the replica has confirmed all that the main database holds."""
    (here,) = main.execute("SELECT pg_current_wal_insert_lsn()").fetchone() or (None,)
    confirmed = "SELECT FROM pg_replication_slots WHERE slot_name = %s AND confirmed_flush_lsn >= %s"
    wait_until(lambda: main.execute(confirmed, [f"slot_{main.info.dbname}", here]).rowcount == 1)


def test_replicated_rows_are_captured(main: Crm, captured: Crm) -> None:
    """INSERT, UPDATE and DELETE, with `columns` and `where` as everywhere."""
    main.execute("INSERT INTO crm.people (id, name) VALUES (3, 'Eve')")
    main.execute("UPDATE crm.people SET company = 5 WHERE id = 1")
    main.execute("UPDATE crm.people SET name = 'Adam' WHERE id = 1")
    main.execute("INSERT INTO crm.people (id, hidden) VALUES (4, true)")
    main.execute("DELETE FROM crm.people WHERE id = 2")
    arrived(main, captured)

    assert keys_of(captured, "people") == ["1", "2", "3"]


def test_a_replicated_row_of_many_contacts_is_captured(main: Crm, captured: Crm) -> None:
    """A `keys` watch keeps its columns there, too."""
    main.execute("UPDATE crm.people SET company = 5 WHERE id = 1")
    arrived(main, captured)

    found = captured.execute("SELECT changed FROM ringostat_sync.outbox ORDER BY id").fetchall()
    assert found == [({"company": None},), ({"company": 5},)]


def test_a_replicated_truncate_is_captured(main: Crm, captured: Crm) -> None:
    """Every key that the replica held."""
    main.execute("TRUNCATE crm.people")
    arrived(main, captured)

    assert keys_of(captured, "people") == ["1", "2"]


def test_replication_goes_on_when_a_column_is_renamed(main: Crm, captured: Crm) -> None:
    """The apply worker does not stop; what it changes still counts."""
    captured.execute("ALTER TABLE crm.people RENAME COLUMN hidden TO invisible")
    main.execute("ALTER TABLE crm.people RENAME COLUMN hidden TO invisible")
    main.execute("UPDATE crm.people SET name = 'Adam' WHERE id = 1")
    arrived(main, captured)

    assert keys_of(captured, "people") == ["1"]


def test_a_partition_that_replication_truncates_is_captured(main: Crm, replica: Crm) -> None:
    """A publication of partitions truncates each by itself, under no name of its parent."""
    for connection in (main, replica):
        connection.execute("""
            CREATE TABLE crm.calls (id int PRIMARY KEY) PARTITION BY RANGE (id);
            CREATE TABLE crm.calls_1 PARTITION OF crm.calls FOR VALUES FROM (1) TO (10);
        """)
    main.execute("INSERT INTO crm.calls VALUES (1), (2)")
    watch(replica, Watch("crm.calls", key="id"))
    with subscribed(main, replica):
        assert keys(replica) == ["1", "2"]

        main.execute("TRUNCATE crm.calls")
        arrived(main, replica)

        assert set(keys(replica)) == {"1", "2"}
