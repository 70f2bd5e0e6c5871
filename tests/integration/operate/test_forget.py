"""Forget: a person's right to be forgotten."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import psycopg
import pytest
from psycopg import sql
from typer.testing import CliRunner

from tests.support.dead_letter_desk import POISON, bury, discard, listed, requeue
from tests.support.engine import PROJECT, Engine, document
from tests.support.waiting import wait_until
from worker.cli import session
from worker.cli.app import make_app
from worker.errors import RefusedError
from worker.local.sandbox.faults import Break
from worker.operate.forget import Forgotten
from worker.operate.forget import forget as forget_contact

NAME, NUMBER = "Забутько", "671239911"
COLUMNS = """
SELECT c.relname, a.attname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'ringostat_sync'::regnamespace AND c.relkind IN ('r', 'p', 'm') AND a.attnum > 0 AND NOT a.attisdropped
"""
ANOTHER_SOURCE = """
[[sources]]
name = "guests"
method = "contacts"
query = "contacts.sql"
"""
BETWEEN = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'ringostat-sync' AND starts_with(state, 'idle in transaction')"


def forget(engine: Engine, key: object, *, source: str = "contacts", patience: float = 0.0, **more) -> Forgotten:
    mapping = engine.wiring.mapping
    return forget_contact(engine.wiring.engine, mapping, mapping.sources[source], str(key), patience=patience, **more)


def holding(engine: Engine, text: str) -> list[tuple[str, str]]:
    """The columns of our schema, whichever there are, in which a text stands."""
    found = []
    with psycopg.connect(engine.database_url, autocommit=True) as connection:
        for table, column in connection.execute(COLUMNS).fetchall():
            looked_up = sql.SQL("SELECT 1 FROM ringostat_sync.{} WHERE position(%s IN {}::text) > 0 LIMIT 1").format(
                sql.Identifier(table), sql.Identifier(column)
            )
            if connection.execute(looked_up, [text]).fetchone():
                found.append((table, column))
    return found


def canary(engine: Engine, key: object) -> None:
    """A person in the CRM whom the tests can find again."""
    engine.sql("INSERT INTO crm.contacts (id, name, phone) VALUES (%s, %s, %s)", key, f"POISON {NAME}", f"0{NUMBER}")


def test_an_open_letter_goes_with_its_document(engine: Engine) -> None:
    """Name and number stood in the dead letter alone, and stand nowhere afterwards."""
    engine.sandbox.faults.add(POISON)
    canary(engine, 7001)
    engine.change(7001)
    engine.drain()
    assert ("dead_letters", "document") in holding(engine, NAME)

    assert forget(engine, 7001).dead_letters == 1
    assert [holding(engine, text) for text in (NAME, NUMBER, "7001")] == [[], [], []]


def test_letters_in_whatever_state_go(engine: Engine) -> None:
    """Discarded, closed and requeued ones hold the person's document as an open one does."""
    [first] = bury(engine, 1)
    discard(engine, first.id)
    [second] = bury(engine, 1)
    engine.contacts(1, 1, "Fine")
    engine.change(1)
    engine.drain()
    [third] = bury(engine, 1)
    assert len({first.id, second.id, third.id}) == 3
    requeue(engine, third.id)

    assert (forget(engine, 1).dead_letters, listed(engine)) == (3, [])
    assert engine.waiting() == {}
    assert holding(engine, "POISON") == []


def test_a_key_too_long_for_an_index_is_forgotten_as_well(engine: Engine) -> None:
    """It is cut short where it is ingested; what is asked for is the whole one."""
    key = "k" * 600
    engine.payload(key, document("Secret Person"))
    engine.drain()
    assert holding(engine, "Secret Person") != []
    forget(engine, key)

    assert holding(engine, "Secret Person") == []


def test_payloads_go_wherever_they_stand(engine: Engine) -> None:
    """In the outbox, waiting for another try, and from whichever source that maps the same contacts."""
    engine.remap(ANOTHER_SOURCE)
    engine.pause()
    engine.payload(7001, document(NAME))
    engine.collect()
    engine.payload(7001, document(NAME), source="guests")
    engine.payload(7001, document(NAME))

    found = forget(engine, 7001, source="guests")
    assert (found.changes, found.waiting) == (2, 1)
    assert [holding(engine, text) for text in (NAME, "7001")] == [[], []]


def test_a_forgotten_contact_is_sent_again_by_a_backfill(engine: Engine) -> None:
    """Nothing is known of what the API holds: the same document is no longer unchanged."""
    engine.contacts(1, 2)
    engine.change(1, 2)
    engine.drain()
    assert forget(engine, 1).delivery == 1

    engine.backfill()
    engine.drain()
    assert (engine.lane().sent, engine.lane().unchanged) == (3, 1)
    assert engine.posted()[-1] == ["1"]


def test_neighbours_are_untouched(engine: Engine) -> None:
    """Another key, and the same key of another kind, keep all that is held of them."""
    engine.sql("INSERT INTO crm.companies VALUES (1, 'Завод')")
    engine.contacts(1, 2)
    engine.change(1, source="companies")
    engine.change(1, 2)
    engine.drain()
    bury(engine, 3)
    engine.pause()
    engine.change(4, 5)
    engine.collect()
    engine.change(4, 5)
    before = engine.sql(
        "SELECT method::text, key FROM ringostat_sync.deliveries WHERE (method, key) <> ('contacts', '1')"
    )
    forget(engine, 1)
    forget(engine, 5)

    assert engine.sql("SELECT method::text, key FROM ringostat_sync.deliveries") == before
    assert engine.dead_letters() == [("3", "refused")]
    assert (list(engine.waiting()), engine.sql("SELECT key FROM ringostat_sync.outbox")) == (["4"], [("4",)])


def test_counts_stay(engine: Engine) -> None:
    """What was sent was sent; a count names nobody."""
    engine.contacts(1, 1)
    engine.change(1)
    engine.drain()
    forget(engine, 1)

    assert (engine.lane().sent, engine.outcomes()) == (1, ["accepted"])


def test_an_id_that_another_contact_bears_goes_with_its_digest(engine: Engine) -> None:
    """A contact's row names its lead: it forgets it, and is sent again as what the API holds under that id is unknown."""
    engine.sql("INSERT INTO crm.contacts VALUES (1, 'Оля', '0671234567', 'L-7001')")
    engine.change(1)
    engine.drain()
    assert holding(engine, "L-7001") == [("deliveries", "other_lead_id")]

    forget(engine, "L-7001", source="leads")
    assert holding(engine, "L-7001") == []
    assert engine.sql("SELECT key, digest FROM ringostat_sync.deliveries") == [("1", None)]


def test_a_batch_under_way_ends_first(engine: Engine) -> None:
    """The contact is waited for, with no transaction held open, and what its batch came to is removed."""
    engine.sandbox.faults.add(POISON)
    canary(engine, 7001)
    engine.change(7001)
    [batch] = engine.collect()
    open_meanwhile = []

    def let_it_end(_: float) -> None:
        open_meanwhile.extend(engine.sql(BETWEEN))
        engine.wiring.pusher.push(batch)

    found = forget(engine, 7001, patience=30, sleep=let_it_end)
    assert (found.dead_letters, open_meanwhile) == (1, [])
    assert holding(engine, NAME) == []


def test_a_batch_that_does_not_end_is_no_reason_to_forget_half(engine: Engine) -> None:
    """Refused in one sentence that says what to do; the contact's newer change is still there."""
    engine.contacts(1, 1)
    engine.change(1)
    engine.collect()
    engine.change(1)

    with pytest.raises(RefusedError, match="try again"):
        forget(engine, 1, patience=0.1)
    assert engine.sql("SELECT key FROM ringostat_sync.outbox") == [("1",)]


def test_an_id_on_the_wire_in_anothers_name_is_waited_for(engine: Engine) -> None:
    """Once accepted, that document would leave the id behind."""
    engine.sql("INSERT INTO crm.contacts VALUES (1, 'Оля', '0671234567', 'L-7001')")
    engine.change(1)
    engine.collect()
    engine.sql(
        "INSERT INTO ringostat_sync.reserved_ids SELECT project, method, 'leadId', 'L-7001', in_flight_id FROM ringostat_sync.in_flight"
    )

    with pytest.raises(RefusedError):
        forget(engine, "L-7001", source="leads")


def test_a_change_that_is_being_taken_in_is_met_where_it_arrives(engine: Engine) -> None:
    """The collector moves the row from one table to the next just then: forgetting waits, and removes it there."""
    engine.payload(7001, document(NAME))
    lane = {"project": PROJECT, "method": "contacts"}
    with psycopg.connect(engine.database_url) as collector, ThreadPoolExecutor(1) as pool:
        collector.execute("SELECT pg_advisory_xact_lock(hashtextextended('ringostat-sync collect 106 contacts', 0))")
        collector.execute(
            "WITH taken AS (DELETE FROM ringostat_sync.outbox RETURNING *) INSERT INTO ringostat_sync.pending"
            " (project, method, identity, key, source, outbox_id, payload, captured_at)"
            " SELECT %(project)s, %(method)s, 'externalId', key, source, id, payload, created_at FROM taken",
            lane,
        )
        forgetting = pool.submit(forget, engine, 7001)
        wait_until(lambda: engine.sql("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"))
        collector.commit()
        found = forgetting.result()

    assert (found.changes, found.waiting) == (0, 1)
    assert holding(engine, NAME) == []


def test_a_letter_that_is_being_requeued_is_met_where_it_arrives(engine: Engine) -> None:
    """Its dead letter and the contact that waits again are both removed."""
    [dead_letter] = bury(engine, 1)
    with psycopg.connect(engine.database_url) as operator, ThreadPoolExecutor(1) as pool:
        operator.execute("UPDATE ringostat_sync.dead_letters SET state = 'requeued' WHERE id = %s", [dead_letter.id])
        operator.execute(
            "INSERT INTO ringostat_sync.pending (project, method, identity, key, source, outbox_id, captured_at)"
            " SELECT project, method, identity, key, source, outbox_id, now() FROM ringostat_sync.dead_letters"
        )
        forgetting = pool.submit(forget, engine, 1)
        wait_until(lambda: engine.sql("SELECT 1 FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted"))
        operator.commit()
        found = forgetting.result()

    assert (found.dead_letters, found.waiting) == (1, 1)
    assert (engine.waiting(), listed(engine)) == ({}, [])


def test_a_contact_that_is_tried_over_and_over_is_forgotten_for_good(make_engine: Callable[..., Engine]) -> None:
    """Claimed, broken on and put back without a pause: no moment is the wrong one to forget it, and it does not come back."""
    engine = make_engine(SYNC_MAX_ATTEMPTS="1000")
    engine.sandbox.faults.add(Break(field="fullName", contains=NAME))
    stop = Event()

    def work() -> None:
        while not stop.is_set():
            engine.due_now()
            engine.push()

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(work)
        try:
            for key in range(7001, 7009):
                before = len(engine.sandbox.requests)
                engine.payload(key, document(NAME))
                wait_until(lambda before=before: len(engine.sandbox.requests) > before + 1, what="tries")
                assert forget(engine, key, patience=20).removed > 0
        finally:
            stop.set()
        working.result()

    assert holding(engine, NAME) == []


def test_a_stopped_backfill_that_had_come_to_this_key_starts_over(engine: Engine) -> None:
    """The cursor from which it would go on names the person."""
    engine.contacts(1, 3)
    engine.sql(
        "INSERT INTO ringostat_sync.backfills (source, condition, last_key, done) VALUES ('contacts', '', '2', 2)"
    )

    assert forget(engine, 2).cursors == 1
    assert engine.backfill()[-1] == 3


def test_changed_rows_that_stand_for_many_are_counted(engine: Engine) -> None:
    """Whose they are is known when they are fanned out: until then it is said that they are there."""
    engine.sql("INSERT INTO ringostat_sync.outbox (source, watch, changed) VALUES ('contacts', 'w', '{\"id\": 1}')")

    assert forget(engine, 1).waiting_fan_outs == 1


@pytest.fixture
def command(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, BaseException | None]]:
    """The command on the engine's databases: exit code, output, and the error that `main` tells in one line."""
    for name, value in engine.wiring.settings.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(session, "set_up_logs", lambda *_: None)  # it would outlive the runner's standard error

    def run(*arguments: str) -> tuple[int, str, BaseException | None]:
        done = CliRunner().invoke(make_app(), ["forget", *arguments])
        return done.exit_code, done.output, done.exception

    return run


def test_the_command_tells_counts_and_who_else_has_copies(engine: Engine, command: Callable) -> None:
    """Exit code 0; no name, no number; a second time there is nothing."""
    engine.sandbox.faults.add(POISON)
    canary(engine, 7001)
    engine.change(7001)
    engine.drain()
    code, said, _ = command("contacts", "7001")

    assert code == 0
    assert "dead letters 1" in said
    assert "has no delete" in said
    assert not any(text in said for text in (NAME, NUMBER, "7001"))
    code, said, _ = command("contacts", "7001")
    assert (code, "Nothing is stored" in said) == (0, True)


def test_an_unknown_source_is_refused(command: Callable) -> None:
    """In one sentence that names the known ones."""
    _, _, error = command("nobody", "1")

    assert isinstance(error, RefusedError)
    assert (error.exit_code, "companies, contacts, leads" in str(error)) == (1, True)
