"""TRUNCATE, partitions, and the role of a replica."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.support.watching import PEOPLE, keys, rows, watch
from worker.config.model import Watch

Crm = psycopg.Connection[Any]
BY_ID = Watch("crm.people", key="id")
BY_COMPANY = Watch("crm.people", keys="SELECT p.id FROM crm.people p WHERE p.company = changed.company")


@pytest.fixture
def crm(database_url: str) -> Iterator[Crm]:
    """A table of two people, not watched yet."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(PEOPLE + "INSERT INTO crm.people (id, name) VALUES (1, 'Ada'), (2, 'Ben')")
        yield connection


def test_truncate_names_every_key(crm: Crm) -> None:
    """Each once, and no null."""
    crm.execute("INSERT INTO crm.people (id, company) VALUES (3, 5), (4, 5), (5, 6)")
    watch(crm, Watch("crm.people", key="company"))
    crm.execute("TRUNCATE crm.people")

    assert keys(crm) == ["5", "6"]


def test_truncate_of_a_keys_watch_names_every_row(crm: Crm) -> None:
    """Each different row once."""
    crm.execute("UPDATE crm.people SET company = 5; INSERT INTO crm.people (id, company) VALUES (3, 6)")
    watch(crm, BY_COMPANY)
    crm.execute("TRUNCATE crm.people")

    assert sorted(row["company"] for row in rows(crm)) == [5, 6]


@pytest.mark.parametrize(
    ("where", "expected"),
    [("changed.id = 1", ["1"]), ("10 / (changed.id - 1) > 0", ["1", "2"]), ("changed.name <> '<table> %'", ["1", "2"])],
)
def test_truncate_heeds_where_unless_it_fails(crm: Crm, where: str, expected: list[str]) -> None:
    """An error counts every row."""
    watch(crm, Watch("crm.people", key="id", where=where))
    crm.execute("TRUNCATE crm.people")

    assert keys(crm) == expected


def test_truncate_goes_on_when_the_key_is_gone(crm: Crm) -> None:
    """Nobody can be named, so all are read, and nothing fails."""
    watch(crm, Watch("crm.people", key="company"))
    crm.execute("ALTER TABLE crm.people DROP COLUMN company")
    crm.execute("TRUNCATE crm.people")

    assert crm.execute("SELECT count(*) FROM crm.people").fetchone() == (0,)
    assert crm.execute("SELECT changed::text FROM ringostat_sync.outbox").fetchall() == [("null",)]


def test_a_replicas_role_is_captured(crm: Crm) -> None:
    """Row and TRUNCATE triggers fire where session_replication_role is replica, with an empty search_path."""
    watch(crm, BY_ID)
    crm.execute("SET session_replication_role = replica; SET search_path = ''")
    crm.execute("UPDATE crm.people SET name = 'Eve' WHERE id = 1")
    assert keys(crm) == ["1"]

    crm.execute("TRUNCATE crm.people")
    assert keys(crm) == ["1", "2"]


@pytest.fixture
def parted(crm: Crm) -> Crm:
    """A partitioned table, watched, and a partition that came later."""
    crm.execute("""
        CREATE TABLE crm.calls (id int, at date) PARTITION BY RANGE (at);
        CREATE TABLE crm.calls_24 PARTITION OF crm.calls FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
    """)
    watch(crm, Watch("crm.calls", key="id"))
    crm.execute("CREATE TABLE crm.calls_25 PARTITION OF crm.calls FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')")
    return crm


def test_partitions_are_captured(parted: Crm) -> None:
    """Rows written through the parent, to a partition, to a later one, from one to another, under any role."""
    parted.execute("INSERT INTO crm.calls VALUES (1, '2024-05-01'), (2, '2025-05-01')")
    assert keys(parted) == ["1", "2"]

    parted.execute("SET session_replication_role = replica")
    parted.execute("UPDATE crm.calls_25 SET at = '2025-06-01'")
    assert keys(parted) == ["2"]

    parted.execute("UPDATE crm.calls SET at = '2025-06-01' WHERE id = 1")
    assert set(keys(parted)) == {"1"}


def test_truncate_of_a_partition_is_captured(parted: Crm) -> None:
    """As logical replication truncates them."""
    parted.execute("INSERT INTO crm.calls VALUES (1, '2024-05-01'), (2, '2025-05-01')")
    assert keys(parted) == ["1", "2"]

    parted.execute("TRUNCATE crm.calls_24")
    assert keys(parted) == ["1"]

    parted.execute("TRUNCATE crm.calls")
    assert keys(parted) == ["2"]
