"""What `migrate` looks at before it changes anything, and how little it is in the way."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

import migrations
from tests.integration.capture.test_capture_replication import subscribed
from tests.support.other_postgres import database_in
from worker.database.patience import Patience
from worker.errors import RefusedError
from worker.local.up.embedded import EmbeddedPostgres

OUTBOX = "INSERT INTO ringostat_sync.outbox (source, key) VALUES ('contacts', '1')"


def migrate(url: str, *arguments: str) -> tuple[int, list[str]]:
    """The command as a person runs it: its exit code, and its lines."""
    done = subprocess.run(
        [sys.executable, "-m", "worker", "migrate", *arguments],
        env={"DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stderr.strip().splitlines()


def tables(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'ringostat_sync'").fetchone()
    return int(row[0]) if row else 0


@pytest.mark.parametrize("encoding", ["WIN1251", "KOI8U", "LATIN1", "SQL_ASCII"])
def test_an_outbox_that_can_not_hold_every_letter_is_refused(postgres_server: EmbeddedPostgres, encoding: str) -> None:
    """One line that says what to create instead; nothing is made."""
    with database_in(postgres_server, encoding) as url:
        code, lines = migrate(url)
        assert tables(url) == 0

    assert code == 2
    assert lines == [
        f"ringostat-sync: DATABASE_URL: this database's encoding is {encoding}, which can't hold every letter: create one for the outbox"
        " (CREATE DATABASE sync ENCODING 'UTF8' TEMPLATE template0), and name the CRM's in CRM_DATABASE_URL, which is then polled."
    ]


@pytest.fixture
def behind(empty_database_url: str) -> str:
    """A database whose schema is some revisions behind."""
    migrations.upgrade(empty_database_url, "0003")
    return empty_database_url


def test_nobody_queues_behind_a_migration(behind: str) -> None:
    """One long transaction of the CRM's holds the outbox: its other writers go on, and the migration names the table in the end."""
    slowest = 0.0
    with (
        psycopg.connect(behind) as long,
        psycopg.connect(behind, autocommit=True) as writer,
        ThreadPoolExecutor() as pool,
    ):
        long.execute(OUTBOX.encode())
        migration = pool.submit(migrations.upgrade, behind, patience=Patience(2.0))
        while not migration.done():
            begun = time.monotonic()
            writer.execute(OUTBOX.encode())
            slowest = max(slowest, time.monotonic() - begun)
            time.sleep(0.01)
        with pytest.raises(
            RefusedError, match=r"^ringostat_sync\.outbox stayed locked for 2 s: try again when the CRM is less busy\.$"
        ):
            migration.result()

    assert slowest < 1.8
    migrations.upgrade(behind)


def test_a_migration_goes_on_when_the_lock_is_free(behind: str) -> None:
    """It asks again; nothing of the first try is left."""
    with psycopg.connect(behind) as long, ThreadPoolExecutor() as pool:
        long.execute(OUTBOX.encode())
        migration = pool.submit(migrations.upgrade, behind)
        time.sleep(0.5)
        assert not migration.done()
        long.commit()
        migration.result(timeout=10)


@pytest.fixture
def revision_of_the_future(database_url: str) -> str:
    """A database that a newer version has migrated."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE ringostat_sync.alembic_version SET version_num = '0042'")
        connection.execute("COMMENT ON SCHEMA ringostat_sync IS 'ringostat-sync 9.8.7'")
    return database_url


def test_a_revision_that_is_not_known_is_one_line(revision_of_the_future: str) -> None:
    """Which version made it, which this one is, and what to do."""
    code, lines = migrate(revision_of_the_future)

    assert code == 1
    assert len(lines) == 1
    assert lines[0].startswith(
        "ringostat-sync: The schema `ringostat_sync` is at revision 0042, made by ringostat-sync 9.8.7; this is ringostat-sync "
    )
    assert lines[0].endswith("start the newer version again, or restore the backup from before its `migrate`.")


@pytest.mark.parametrize(
    ("revisions", "why"),
    [
        ([], "its alembic_version holds 0 revisions instead of one"),
        (["0004", "0007"], "its alembic_version holds 2 revisions instead of one"),
        (["0011"], 'column "'),
    ],
    ids=["none", "two", "an older one"],
)
def test_a_schema_that_is_not_whole_is_one_line(database_url: str, revisions: list[str], why: str) -> None:
    """As after half a restore: what is missing, and how to begin anew."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("TRUNCATE ringostat_sync.alembic_version")
        for revision in revisions:
            connection.execute("INSERT INTO ringostat_sync.alembic_version VALUES (%s)", [revision])
    code, lines = migrate(database_url)

    assert (code, len(lines)) == (1, 1)
    assert lines[0].startswith(f"ringostat-sync: The schema `ringostat_sync` is not whole ({why}")
    assert lines[0].endswith("`ringostat-sync backfill SOURCE --force` for each source.")


def test_a_migration_says_which_version_made_the_schema(database_url: str) -> None:
    """So that an older one can name it."""
    with psycopg.connect(database_url) as connection:
        [comment] = connection.execute(
            "SELECT obj_description('ringostat_sync'::regnamespace, 'pg_namespace')"
        ).fetchone() or [""]

    assert comment.startswith("ringostat-sync ")


def test_a_publication_of_everything_stops_a_migration(empty_database_url: str) -> None:
    """Before it makes a table at which a subscriber would stop; deliberately it goes on."""
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute('CREATE PUBLICATION "All of it" FOR ALL TABLES')
    code, lines = migrate(empty_database_url)

    assert code == 1
    assert lines[0].startswith(
        'ringostat-sync: The publication "All of it" would take the tables of `ringostat_sync` along'
    )
    assert tables(empty_database_url) == 0

    assert migrate(empty_database_url, "--published") == (0, [])
    assert migrate(empty_database_url) == (0, [])


def test_a_publication_of_our_schema_stops_a_later_migration(behind: str) -> None:
    """New tables and columns would go along, too."""
    with psycopg.connect(behind, autocommit=True) as connection:
        connection.execute("CREATE PUBLICATION ours FOR TABLES IN SCHEMA ringostat_sync")

    with pytest.raises(RefusedError, match="The publication ours would take"):
        migrations.upgrade(behind)


def test_a_publication_of_the_crm_stops_nothing(empty_database_url: str) -> None:
    """What it publishes is not ours."""
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA crm; CREATE TABLE crm.t (id int)")
        connection.execute("CREATE PUBLICATION crm FOR TABLES IN SCHEMA crm")
        connection.execute("CREATE PUBLICATION one FOR TABLE crm.t")
    migrations.upgrade(empty_database_url)

    assert tables(empty_database_url) > 10


def test_a_copy_that_is_fed_is_not_migrated(database_url: str, empty_database_url: str) -> None:
    """Its rows and ids come from elsewhere."""
    migrations.upgrade(empty_database_url)
    with (
        psycopg.connect(database_url, autocommit=True) as main,
        psycopg.connect(empty_database_url, autocommit=True) as copy,
    ):
        main.execute("CREATE PUBLICATION crm FOR TABLES IN SCHEMA ringostat_sync")
        copy.execute("TRUNCATE ringostat_sync.alembic_version, ringostat_sync.clock_seen")
        with (
            subscribed(main, copy),
            pytest.raises(RefusedError, match="This database is a copy: the subscription crm writes into"),
        ):
            migrations.upgrade(empty_database_url)


SEQUENCES = """
INSERT INTO ringostat_sync.deliveries (project, method, identity, key, outbox_id) VALUES (1, 'contacts', 'externalId', 'a', 900);
INSERT INTO ringostat_sync.requests (id, project, method, batch_id, entries) OVERRIDING SYSTEM VALUE VALUES (70, 1, 'contacts', 50, 1);
INSERT INTO ringostat_sync.reserved_ids (project, method, kind, wire_id, in_flight_id) VALUES (1, 'contacts', 'leadId', 'L', 33);
INSERT INTO ringostat_sync.pending (project, method, identity, key, source, outbox_id, priority, captured_at)
VALUES (1, 'contacts', 'externalId', 'b', 's', -4611686018427387000, 2, now());
"""


def test_a_migration_sets_sequences_right(database_url: str) -> None:
    """After a move by logical replication, which brings rows along and no sequences: every id is above those that were given."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(SEQUENCES.encode())
        migrations.upgrade(database_url)
        next_of = [
            connection.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, %s))", [f"ringostat_sync.{table}", column]
            ).fetchone()
            for table, column in (
                ("outbox", "id"),
                ("requests", "id"),
                ("batches", "id"),
                ("in_flight", "in_flight_id"),
                ("dead_letters", "id"),
            )
        ]

    assert next_of == [(901,), (71,), (51,), (34,), (1,)]


def test_sequences_that_are_ahead_stay(database_url: str) -> None:
    """Nothing goes back."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        for _ in range(3):
            connection.execute(OUTBOX.encode())
        connection.execute("DELETE FROM ringostat_sync.outbox")
        migrations.upgrade(database_url)
        row = connection.execute(f"{OUTBOX} RETURNING id".encode()).fetchone()

    assert row == (4,)


def test_a_producer_gives_no_id(database_url: str) -> None:
    """It would count as older, or as newer, than what others write."""
    with psycopg.connect(database_url) as connection, pytest.raises(psycopg.errors.GeneratedAlways):
        connection.execute("INSERT INTO ringostat_sync.outbox (source, key, id) VALUES ('contacts', '1', 7)")


def test_our_sql_is_in_letters_that_every_server_has() -> None:
    """Old revisions included."""
    root = Path(migrations.__file__).parent.parent
    for path in [*root.glob("worker/**/*.sql"), *root.glob("migrations/**/*.sql")]:
        if "demo" not in path.parts:
            assert path.read_text(encoding="utf-8").isascii(), path


def test_a_long_key_is_cut_as_before(database_url: str) -> None:
    """In the letters of the function's first version."""
    with psycopg.connect(database_url) as connection:
        [cut] = connection.execute("SELECT ringostat_sync.bounded_key(repeat('x', 513))").fetchone() or [""]

    assert (len(cut), cut[448]) == (513, "…")
