"""The CRM's own backup, restore and copies, with our schema beside it: the commands of docs/backup.md."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

import migrations
from tests.integration.capture.test_capture_replication import arrived, subscribed
from tests.support.other_postgres import run
from tests.support.waiting import wait_until
from tests.support.watching import PEOPLE, functions, keys, mapping, triggers, watch
from worker import capture
from worker.config.model import Watch
from worker.errors import RefusedError

OWNER = "rs_crm"
BY_ID = Watch("crm.people", key="id")
Session = psycopg.Connection[Any]


@pytest.fixture
def crm(database_url: str) -> Iterator[Session]:
    """A CRM with an owner of its own, watched by ours; a superuser's session."""
    with psycopg.connect(database_url, autocommit=True) as session:
        session.execute(f"DROP ROLE IF EXISTS {OWNER}")
        session.execute(f"CREATE ROLE {OWNER} LOGIN PASSWORD 'p'")
        session.execute(PEOPLE + "INSERT INTO crm.people (id, name) VALUES (1, 'Ada'), (2, 'Ben')")
        session.execute(f"ALTER SCHEMA crm OWNER TO {OWNER}; ALTER TABLE crm.people OWNER TO {OWNER}")
        watch(session, BY_ID)
        yield session
        session.execute(f"REASSIGN OWNED BY {OWNER} TO CURRENT_USER; DROP OWNED BY {OWNER}")
        session.execute(f"DROP ROLE {OWNER}")


@pytest.fixture
def owners(crm: Session) -> str:
    """The address of the same database for the CRM's owner."""
    return f"postgresql://{OWNER}:p@{crm.info.host}:{crm.info.port}/{crm.info.dbname}"


@pytest.fixture
def other(crm: Session) -> Iterator[str]:
    """The address of an empty database beside it."""
    name = sql.Identifier(f"{crm.info.dbname}_other")
    crm.execute(sql.SQL("CREATE DATABASE {}").format(name))
    yield f"postgresql://{crm.info.user}:{crm.info.password}@{crm.info.host}:{crm.info.port}/{crm.info.dbname}_other"
    crm.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def dump(url: str, file: Path, *arguments: str) -> None:
    run("pg_dump", "-d", url, "-f", str(file), "-Fc", *arguments)


def test_the_owner_of_the_tables_dumps_the_database(crm: Session, owners: str, other: str, tmp_path: Path) -> None:
    """By its own role; what is restored from that captures at once. Its tables are others by their oids, which `install` writes down."""
    dump(owners, tmp_path / "all")
    run("pg_restore", "-d", other, "--no-owner", str(tmp_path / "all"))

    with psycopg.connect(other, autocommit=True) as restored:
        restored.execute("UPDATE crm.people SET name = 'Eve' WHERE id = 2")
        assert keys(restored) == ["2"]
        watch(restored, BY_ID)
        assert [one.state for one in capture.watch(restored, mapping(BY_ID))] == ["ok"]
    assert triggers(crm)


def test_the_owner_of_the_database_dumps_it_before_anything_is_watched(
    empty_database_url: str, tmp_path: Path, crm: Session
) -> None:
    """`migrate` alone is enough for that."""
    address = conninfo_to_dict(empty_database_url)
    with psycopg.connect(empty_database_url, autocommit=True) as session:
        session.execute(
            sql.SQL("ALTER DATABASE {} OWNER TO {}").format(
                sql.Identifier(str(address["dbname"])), sql.Identifier(OWNER)
            )
        )
    migrations.upgrade(empty_database_url)
    dump(f"postgresql://{OWNER}:p@{address['host']}:{address['port']}/{address['dbname']}", tmp_path / "all")

    assert (tmp_path / "all").stat().st_size > 1000
    with psycopg.connect(empty_database_url, autocommit=True) as session:
        session.execute(f"REASSIGN OWNED BY {OWNER} TO CURRENT_USER; DROP OWNED BY {OWNER}")


def test_a_later_table_is_granted_as_well(crm: Session, database_url: str, owners: str, tmp_path: Path) -> None:
    """Each `migrate` and `capture install` look after it."""
    crm.execute(f"REVOKE ALL ON ringostat_sync.incidents FROM {OWNER}")
    assert "permission denied" in run("pg_dump", "-d", owners, "-f", str(tmp_path / "no"), expect=1)

    migrations.upgrade(database_url)
    dump(owners, tmp_path / "all")


def test_one_schema_is_restored_without_our_triggers(owners: str, other: str, tmp_path: Path) -> None:
    """They need functions that are not in the dump; `capture install` puts them on again."""
    dump(owners, tmp_path / "crm", "-n", "crm")
    listed = tmp_path / "list"
    run("pg_restore", "-l", "-f", str(listed), str(tmp_path / "crm"))
    kept = [line for line in listed.read_text().splitlines(keepends=True) if " ringostat_sync_" not in line]
    listed.write_text("".join(kept))
    run("pg_restore", "-d", other, "--no-owner", "-L", str(listed), str(tmp_path / "crm"))
    migrations.upgrade(other)

    with psycopg.connect(other, autocommit=True) as restored:
        assert triggers(restored) == set()
        watch(restored, BY_ID)
        restored.execute("UPDATE crm.people SET name = 'Eve' WHERE id = 2")
        assert keys(restored) == ["2"]


def test_data_restored_with_disabled_triggers_is_told(crm: Session, database_url: str, tmp_path: Path) -> None:
    """pg_restore enables them in another state than ours, in which logical replication would not fire them; `install` mends that."""
    dump(database_url, tmp_path / "data", "-a", "-t", "crm.people")
    crm.execute("TRUNCATE crm.people")
    run("pg_restore", "-d", database_url, "--data-only", "--disable-triggers", str(tmp_path / "data"))

    assert [one.state for one in capture.watch(crm, mapping(BY_ID))] == ["other state"]
    watch(crm, BY_ID)
    assert [one.state for one in capture.watch(crm, mapping(BY_ID))] == ["ok"]


def test_a_copy_of_the_whole_database_by_logical_replication_goes_on(
    crm: Session, database_url: str, other: str, tmp_path: Path
) -> None:
    """Our triggers come along, and capture nothing there: the outbox itself comes from the origin. `capture status` says what it is."""
    run("pg_dump", "-d", database_url, "-f", str(tmp_path / "schema.sql"), "-s")
    run("psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", other, "-f", str(tmp_path / "schema.sql"))
    crm.execute("CREATE PUBLICATION crm FOR ALL TABLES")
    with psycopg.connect(other, autocommit=True) as copy, subscribed(crm, copy):
        for name in ("Eve", "Eva"):
            crm.execute("UPDATE crm.people SET name = %s", [name])
        crm.execute("TRUNCATE crm.people")
        crm.execute("INSERT INTO crm.people (id, name) VALUES (7, 'Ivy')")
        arrived(crm, copy)
        here, there = (
            session.execute("SELECT array_agg(id ORDER BY id) FROM ringostat_sync.outbox").fetchone()
            for session in (crm, copy)
        )

        assert here == there
        assert functions(copy)
        wait_until(
            lambda: copy.execute("SELECT count(*) FROM pg_stat_subscription WHERE pid IS NOT NULL").fetchone() != (0,)
        )


def test_after_the_switch_the_copy_captures(crm: Session, database_url: str, other: str, tmp_path: Path) -> None:
    """The subscription is dropped, `migrate` sets the sequences right, and its own triggers take over."""
    run("pg_dump", "-d", database_url, "-f", str(tmp_path / "schema.sql"), "-s")
    run("psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", other, "-f", str(tmp_path / "schema.sql"))
    crm.execute("CREATE PUBLICATION crm FOR ALL TABLES")
    crm.execute("UPDATE crm.people SET name = 'Eve'")
    with psycopg.connect(other, autocommit=True) as copy:
        with subscribed(crm, copy):
            arrived(crm, copy)
        migrations.upgrade(other)
        watch(copy, BY_ID)
        (last,) = copy.execute("SELECT max(id) FROM ringostat_sync.outbox").fetchone() or (0,)
        copy.execute("UPDATE crm.people SET name = 'Eva' WHERE id = 1")
        found = copy.execute("SELECT id > %s FROM ringostat_sync.outbox ORDER BY id DESC LIMIT 1", [last]).fetchone()

    assert found == (True,)


def test_a_publication_of_everything_is_changed_without_a_new_copy(crm: Session, database_url: str, other: str) -> None:
    """To one of the CRM's schemas: the subscriber goes on, and our tables may be made."""
    crm.execute("DROP SCHEMA ringostat_sync CASCADE")
    crm.execute("CREATE PUBLICATION everything FOR ALL TABLES")
    with psycopg.connect(other, autocommit=True) as copy:
        copy.execute(PEOPLE)
        crm.execute("CREATE PUBLICATION crm FOR TABLES IN SCHEMA crm")
        with subscribed(crm, copy):
            copy.execute("ALTER SUBSCRIPTION crm SET PUBLICATION everything WITH (copy_data = false)")
            with pytest.raises(RefusedError, match="The publication everything"):
                migrations.upgrade(database_url)
            copy.execute("ALTER SUBSCRIPTION crm SET PUBLICATION crm WITH (copy_data = false)")
            crm.execute("DROP PUBLICATION everything")
            migrations.upgrade(database_url)
            watch(crm, BY_ID)
            crm.execute("UPDATE crm.people SET name = 'Eve'")
            arrived(crm, copy)

            assert copy.execute("SELECT DISTINCT name FROM crm.people").fetchall() == [("Eve",)]
