"""Installing, proving, replacing and removing watches."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread
from typing import Any

import psycopg
import pytest

from tests.support.engine import Engine
from tests.support.waiting import wait_until
from tests.support.watching import PEOPLE, functions, keys, mapping, triggers, watch
from worker import capture
from worker.capture import State
from worker.config.model import Mapping, Watch
from worker.errors import ConfigError, RefusedError

Crm = psycopg.Connection[Any]
BY_ID = Watch("crm.people", key="id")
BY_COMPANY = Watch("crm.people", keys="SELECT p.id FROM crm.people p WHERE p.company = changed.company -- all\n;")


@pytest.fixture
def crm(database_url: str) -> Iterator[Crm]:
    """A table of two people of one company, not watched yet."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(PEOPLE + "INSERT INTO crm.people (id, name, company) VALUES (1, 'Ada', 5), (2, 'Ben', 5)")
        yield connection


def states(crm: Crm, of: Mapping) -> list[State]:
    return [watch.state for watch in capture.watch(crm, of)]


def test_what_was_done_is_told(crm: Crm) -> None:
    """A line for each watch put in place, none for those that are."""
    assert watch(crm, BY_ID) == ["watching crm.people for people"]
    assert watch(crm, BY_ID, BY_COMPANY) == ["watching crm.people for people"]
    assert watch(crm, BY_ID, BY_COMPANY) == []


ASKED = "SELECT source, reason FROM ringostat_sync.walks WHERE purpose = 'reconcile' AND requested_at IS NOT NULL"


def test_what_was_missed_before_it_was_mended_is_reconciled(crm: Crm) -> None:
    """Also if nobody has seen that the trigger was away."""
    watch(crm, BY_ID)
    assert crm.execute(ASKED).fetchall() == []
    crm.execute(f"DROP TRIGGER {min(triggers(crm))} ON crm.people")
    watch(crm, BY_ID)

    assert crm.execute(ASKED).fetchall() == [("people", "capture")]


def test_a_watch_that_is_added_has_its_source_reconciled(crm: Crm) -> None:
    """What it would have captured was not."""
    watch(crm, BY_ID)
    watch(crm, BY_ID, BY_COMPANY)

    assert crm.execute(ASKED).fetchall() == [("people", "capture")]


def test_installing_changes_no_row(crm: Crm) -> None:
    """The proof runs on a copy, and is rolled back."""
    before = crm.execute("SELECT xmin, ctid, * FROM crm.people").fetchall()
    watch(crm, BY_ID, BY_COMPANY)

    assert keys(crm) == []
    assert str(crm.execute("SELECT xmin, ctid, * FROM crm.people").fetchall()) == str(before)


def test_what_stands_is_not_locked(crm: Crm, database_url: str) -> None:
    """A second installation does not wait for a table that is right already."""
    watch(crm, BY_ID)
    with psycopg.connect(database_url) as other:
        other.execute("LOCK TABLE crm.people")

        assert capture.install(crm, mapping(BY_ID), patience=0) == []


def test_a_table_that_stays_locked_is_named_after_the_patience(crm: Crm, database_url: str) -> None:
    """It tries again and again by the clock it is given, with pauses of its dice."""
    pauses: list[float] = []
    with psycopg.connect(database_url) as other:
        other.execute("UPDATE crm.people SET name = 'Eve'")

        with pytest.raises(RefusedError, match=r"^crm\.people stayed locked for 2 s"):
            capture.install(
                crm, mapping(BY_ID), patience=2, clock=lambda: sum(pauses), sleep=pauses.append, dice=lambda: 0.5
            )

    assert pauses == [0.5] * 4


def test_an_installation_goes_on_when_the_lock_is_free(crm: Crm, database_url: str) -> None:
    """The lock is given back between the pauses, and had in the end."""
    with psycopg.connect(database_url) as other:
        other.execute("UPDATE crm.people SET name = 'Eve'")
        capture.install(crm, mapping(BY_ID), sleep=lambda _: other.commit())

    assert states(crm, mapping(BY_ID)) == [State.OK]


def test_the_crm_does_not_queue_behind_an_installation(crm: Crm, database_url: str) -> None:
    """A writer that comes while we wait gets its turn within the short time of a lock's try."""
    with (
        psycopg.connect(database_url) as reader,
        psycopg.connect(database_url, autocommit=True) as writer,
        psycopg.connect(database_url, autocommit=True) as installer,
    ):
        watch(crm, BY_ID)
        reader.execute("SELECT FROM crm.people")
        removing = Thread(target=capture.remove, args=[installer])
        removing.start()
        wait_until(lambda: _waits_for_lock(crm, installer))
        writer.execute("SET statement_timeout = '5s'; UPDATE crm.people SET name = 'Eve'")
        reader.commit()
        removing.join()

    assert triggers(crm) == set()


def _waits_for_lock(crm: Crm, connection: Crm) -> bool:
    waits = "SELECT FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'"
    return crm.execute(waits, [connection.info.backend_pid]).rowcount > 0


def test_two_installations_at_once_do_no_harm(crm: Crm, database_url: str) -> None:
    """One waits for the other; both end well."""
    problems: list[Exception] = []

    def run() -> None:
        try:
            with psycopg.connect(database_url, autocommit=True) as connection:
                watch(connection, BY_ID, BY_COMPANY)
        except Exception as error:  # noqa: BLE001 - it is what the test looks at
            problems.append(error)

    threads = [Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert problems == []
    assert states(crm, mapping(BY_ID, BY_COMPANY)) == [State.OK, State.OK]


def test_a_connection_that_would_hold_its_locks_is_refused(crm: Crm, database_url: str) -> None:
    """Without autocommit the pauses would keep the CRM waiting."""
    with psycopg.connect(database_url) as connection, pytest.raises(ValueError, match="autocommit"):
        watch(connection, BY_ID)


def test_a_changed_watch_replaces_the_old_one(crm: Crm) -> None:
    """Only the new definition writes, and the old one's functions are gone."""
    watch(crm, BY_ID)
    old = functions(crm)
    watch(crm, Watch("crm.people", key="id", columns=("name",)))
    crm.execute("UPDATE crm.people SET hidden = true")

    assert keys(crm) == []
    assert not functions(crm) & old
    assert len(triggers(crm)) == 2


def test_no_change_falls_between_two_definitions(crm: Crm, database_url: str) -> None:
    """Old triggers go in the transaction that brings the new ones."""
    watch(crm, BY_ID)
    with psycopg.connect(database_url) as other:
        other.execute("SELECT FROM crm.people")
        with pytest.raises(RefusedError):
            capture.install(crm, mapping(Watch("crm.people", key="id", columns=("name",))), patience=0)

    assert states(crm, mapping(BY_ID)) == [State.OK]


def test_a_watch_no_longer_listed_goes(crm: Crm) -> None:
    """Its triggers, its functions and its entry."""
    watch(crm, BY_ID, BY_COMPANY)

    assert watch(crm) == ["no longer watching crm.people"]
    assert (triggers(crm), functions(crm)) == (set(), set())
    assert crm.execute("SELECT FROM ringostat_sync.watches").rowcount == 0


@pytest.mark.parametrize("table", ["outbox", "fan_outs"])
def test_a_watch_stays_known_while_a_changed_row_waits(crm: Crm, table: str) -> None:
    """The collector still needs its SELECT; the next installation forgets it."""
    watch(crm, BY_COMPANY)
    crm.execute("UPDATE crm.people SET company = 6")
    if table == "fan_outs":
        crm.execute("""
            WITH taken AS (DELETE FROM ringostat_sync.outbox RETURNING *) INSERT INTO ringostat_sync.fan_outs
            (source, outbox_id, watch, changed, captured_at)
            SELECT DISTINCT ON (changed) source, id, watch, changed, created_at FROM taken
        """)
    capture.remove(crm)
    kept = crm.execute("SELECT table_name, keys FROM ringostat_sync.watches").fetchall()
    assert kept == [("crm.people", BY_COMPANY.keys)]

    crm.execute("DELETE FROM ringostat_sync.outbox; DELETE FROM ringostat_sync.fan_outs")
    watch(crm)
    assert crm.execute("SELECT FROM ringostat_sync.watches").rowcount == 0


def test_removing_takes_everything_of_ours(crm: Crm) -> None:
    """Also what a table that is gone has left, and what partitions hold."""
    crm.execute("""
        CREATE TABLE crm.gone (id int);
        CREATE TABLE crm.calls (id int) PARTITION BY LIST (id);
        CREATE TABLE crm.calls_1 PARTITION OF crm.calls FOR VALUES IN (1);
    """)
    watch(crm, BY_ID, Watch("crm.gone", key="id"), Watch("crm.calls", key="id"))
    crm.execute("DROP TABLE crm.gone")
    capture.remove(crm)

    assert (triggers(crm), functions(crm)) == (set(), set())


def test_removing_what_is_not_there_does_nothing(empty_database_url: str) -> None:
    """A database that has never seen us."""
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        assert capture.remove(connection) == []


def test_without_an_outbox_there_is_nothing_to_install(empty_database_url: str) -> None:
    """Triggers need it in the CRM's database."""
    with (
        psycopg.connect(empty_database_url, autocommit=True) as connection,
        pytest.raises(ConfigError, match="outbox is not in the CRM's database"),
    ):
        watch(connection, BY_ID)


@pytest.mark.parametrize(
    ("harm", "state"),
    [
        ("DROP TRIGGER {trigger} ON crm.people", State.MISSING),
        ("DROP TRIGGER {trigger}_truncate ON crm.people", State.MISSING),
        ("DELETE FROM ringostat_sync.watches", State.MISSING),
        ("ALTER TABLE crm.people DISABLE TRIGGER {trigger}", State.DISABLED),
        ("ALTER TABLE crm.people ENABLE TRIGGER {trigger}", State.OTHER_STATE),
        ("ALTER TABLE crm.people ENABLE REPLICA TRIGGER {trigger}_truncate", State.OTHER_STATE),
        ("ALTER FUNCTION ringostat_sync.{function}() RESET search_path", State.OUTDATED),
        ("ALTER FUNCTION ringostat_sync.{function}() SECURITY INVOKER", State.OUTDATED),
        (
            "CREATE OR REPLACE FUNCTION ringostat_sync.{function}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
            " SET search_path = pg_catalog, pg_temp AS 'BEGIN RETURN NULL; END'",
            State.OUTDATED,
        ),
        (
            "CREATE OR REPLACE TRIGGER {trigger} AFTER INSERT ON crm.people FOR EACH ROW"
            " EXECUTE FUNCTION ringostat_sync.{function}(); ALTER TABLE crm.people ENABLE ALWAYS TRIGGER {trigger}",
            State.OUTDATED,
        ),
        (
            "CREATE OR REPLACE TRIGGER {trigger} AFTER INSERT OR UPDATE OF hidden OR DELETE ON crm.people FOR EACH ROW"
            " EXECUTE FUNCTION ringostat_sync.{function}(); ALTER TABLE crm.people ENABLE ALWAYS TRIGGER {trigger}",
            State.OUTDATED,
        ),
    ],
)
def test_harm_is_seen_and_mended(crm: Crm, harm: str, state: State) -> None:
    """Whatever somebody has done to a watch, `status` tells and `install` mends."""
    watch(crm, BY_ID)
    (name,) = (name for name in triggers(crm) if not name.endswith("_truncate"))
    crm.execute(harm.format(trigger=name, function=name.replace("ringostat_sync", "capture")))
    assert states(crm, mapping(BY_ID)) == [state]

    assert watch(crm, BY_ID) == ["watching crm.people for people"]
    assert states(crm, mapping(BY_ID)) == [State.OK]


@pytest.mark.parametrize(("enabled", "state"), [("DISABLE", State.DISABLED), ("ENABLE", State.OTHER_STATE)])
def test_harm_to_a_partition_is_seen_and_mended(crm: Crm, enabled: str, state: State) -> None:
    """A partition's row trigger has a state of its own."""
    crm.execute("""
        CREATE TABLE crm.calls (id int) PARTITION BY LIST (id);
        CREATE TABLE crm.calls_1 PARTITION OF crm.calls FOR VALUES IN (1);
    """)
    by_id = Watch("crm.calls", key="id")
    watch(crm, by_id)
    crm.execute(f"ALTER TABLE crm.calls_1 {enabled} TRIGGER ALL")
    assert states(crm, mapping(by_id)) == [state]

    watch(crm, by_id)
    assert states(crm, mapping(by_id)) == [State.OK]


def test_what_the_crm_no_longer_has_is_told(crm: Crm) -> None:
    """A table or a column that is gone is the mapping's matter."""
    crm.execute("CREATE TABLE crm.firms (id int)")
    watches = (Watch("crm.firms", key="id"), Watch("crm.people", key="id", columns=("name",)))
    watch(crm, *watches)
    crm.execute("DROP TABLE crm.firms; ALTER TABLE crm.people DROP COLUMN name")

    assert states(crm, mapping(*watches)) == [State.NO_TABLE, State.NO_COLUMN]
    assert [bool(found.detail) for found in capture.watch(crm, mapping(*watches))] == [True, True]


def test_status_works_before_the_first_migration(empty_database_url: str) -> None:
    """Everything is missing."""
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute(PEOPLE)

        assert states(connection, mapping(BY_ID)) == [State.MISSING]


def test_a_source_that_is_polled_gets_no_triggers(engine: Engine) -> None:
    """Its watches count for nothing."""
    engine.remap(
        '[[sources]]\nname = "polled"\nmethod = "contacts"\nidentity = "leadId"\nquery = "leads.sql"\ncapture = "poll"\n'
        'watch = [{ table = "crm.contacts", key = "lead" }]\n'
    )
    with psycopg.connect(engine.database_url, autocommit=True) as connection:
        capture.install(connection, engine.wiring.mapping)

    assert engine.sql("SELECT tgname FROM pg_trigger WHERE tgrelid = 'crm.contacts'::regclass") == []
