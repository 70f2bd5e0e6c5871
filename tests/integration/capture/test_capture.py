"""Capture, on the demo CRM's tables."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import psycopg
import pytest

from worker import capture
from worker.config.mapping import load_mapping
from worker.config.model import Mapping
from worker.config.settings import load_settings
from worker.errors import ConfigError, RefusedError
from worker.local import demo


@pytest.fixture
def mapping(database_url: str) -> Mapping:
    """The demo's mapping."""
    environment = {"DATABASE_URL": database_url, "RINGOSTAT_PROJECT_ID": "106", "SYNC_CONFIG": str(demo.MAPPING)}
    return load_mapping(load_settings(environment), need_keys=False)


@pytest.fixture
def crm(database_url: str, mapping: Mapping) -> Iterator[psycopg.Connection]:
    """The demo CRM, watched."""
    demo.install(database_url, dice=Random(1))
    with psycopg.connect(database_url, autocommit=True) as connection:
        capture.install(connection, mapping)
        yield connection


def captured(crm: psycopg.Connection) -> list[tuple]:
    return sorted(crm.execute("DELETE FROM ringostat_sync.outbox RETURNING source, key, changed").fetchall(), key=str)


def test_installing_touches_no_contact_and_may_be_repeated(crm: psycopg.Connection, mapping: Mapping) -> None:
    """The proof leaves nothing in the outbox, and a second install has nothing to do."""
    assert captured(crm) == []
    assert capture.install(crm, mapping) == []
    assert {watch.state for watch in capture.watch(crm, mapping)} == {"ok"}


def test_a_watched_column_is_a_change(crm: psycopg.Connection) -> None:
    """An update of a column that the watch names is captured by key."""
    crm.execute("UPDATE crm.contacts SET first_name = 'Нове' WHERE id = 1")

    assert captured(crm) == [("contacts", "1", None)]


def test_other_columns_are_no_change(crm: psycopg.Connection) -> None:
    """An update of none of the named columns, or of nothing, is no change."""
    crm.execute("UPDATE crm.contacts SET notes = 'x' WHERE id = 1")
    crm.execute("UPDATE crm.contacts SET first_name = first_name WHERE id = 1")

    assert captured(crm) == []


def test_a_row_that_moves_names_both_contacts(crm: psycopg.Connection) -> None:
    """Old key and new key both."""
    [email, old] = crm.execute("SELECT id, contact_id FROM crm.emails WHERE contact_id <> 2 LIMIT 1").fetchone()
    crm.execute("UPDATE crm.emails SET contact_id = 2 WHERE id = %s", [email])

    assert captured(crm) == sorted([("contacts", "2", None), ("contacts", str(old), None)], key=str)


def test_a_where_that_does_not_hold_is_no_change(crm: psycopg.Connection) -> None:
    """A fax is nobody's number."""
    crm.execute("INSERT INTO crm.phones (contact_id, kind, number) VALUES (1, 'fax', '0440000000')")

    assert captured(crm) == []


def test_a_changed_row_of_many_contacts_is_one_row(crm: psycopg.Connection) -> None:
    """A renamed company costs its transaction one row with the columns that the SELECT names."""
    crm.execute("UPDATE crm.companies SET name = 'ТОВ «Нова»' WHERE id = 1")

    assert captured(crm) == [("companies", "1", None), ("contacts", "", {"id": 1})]


def test_replicated_rows_are_captured(crm: psycopg.Connection) -> None:
    """Triggers fire for the apply worker too, whose search_path is empty."""
    crm.execute("SET session_replication_role = replica")
    crm.execute("SET search_path = ''")
    crm.execute("UPDATE crm.contacts SET first_name = 'Нове' WHERE id = 1")

    assert captured(crm) == [("contacts", "1", None)]


def test_truncate_is_a_change_of_all(crm: psycopg.Connection) -> None:
    """Every key that the table held."""
    held = crm.execute("SELECT DISTINCT contact_id::text FROM crm.deals").fetchall()
    crm.execute("TRUNCATE crm.deals")

    assert sorted(key for _, key, _ in captured(crm)) == sorted(key for (key,) in held)


def test_a_column_that_is_gone_fails_no_transaction(crm: psycopg.Connection) -> None:
    """After a CRM upgrade, any update is captured."""
    crm.execute("ALTER TABLE crm.contacts RENAME COLUMN first_name TO given_name")
    crm.execute("UPDATE crm.contacts SET given_name = 'x' WHERE id = 1")

    assert captured(crm) == [("contacts", "1", None)]


def test_a_role_that_knows_nothing_of_us_is_captured(crm: psycopg.Connection) -> None:
    """The functions run with their owner's rights."""
    crm.execute("DROP ROLE IF EXISTS clerk")
    crm.execute("CREATE ROLE clerk; GRANT USAGE ON SCHEMA crm TO clerk; GRANT ALL ON ALL TABLES IN SCHEMA crm TO clerk")
    crm.execute("SET ROLE clerk")
    crm.execute("UPDATE crm.contacts SET first_name = 'Нове' WHERE id = 1")
    crm.execute("RESET ROLE")
    assert captured(crm) == [("contacts", "1", None)]

    crm.execute("DROP OWNED BY clerk; DROP ROLE clerk")


def test_removing_leaves_no_trigger(crm: psycopg.Connection, mapping: Mapping) -> None:
    """After `remove` nothing is captured."""
    capture.remove(crm)
    crm.execute("UPDATE crm.contacts SET first_name = 'Нове' WHERE id = 1")

    assert captured(crm) == []
    assert {watch.state for watch in capture.watch(crm, mapping)} == {"missing"}


def test_a_table_that_stays_locked_is_named(crm: psycopg.Connection, mapping: Mapping, database_url: str) -> None:
    """The installer gives up after its patience and names the table."""
    capture.remove(crm)
    with psycopg.connect(database_url) as other:
        other.execute("LOCK TABLE crm.contacts")

        with pytest.raises(RefusedError, match=r"crm\.contacts"):
            capture.install(crm, mapping, patience=0.3)


def test_a_watch_of_a_missing_table_is_told(crm: psycopg.Connection, mapping: Mapping) -> None:
    """One line that names source and table."""
    capture.remove(crm)
    crm.execute("DROP TABLE crm.emails CASCADE")

    with pytest.raises(ConfigError, match=r"'contacts' watches crm\.emails"):
        capture.install(crm, mapping)
