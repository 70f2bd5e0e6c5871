"""Whose fault an error is: one contact's where others read well, the mapping's where none does."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors

from tests.support.engine import PROJECT, Engine
from worker import capture
from worker.database.connect import capture_session
from worker.read.faults import is_in_a_row

ALONE = """
origin = "CRM"
default_responsible = "1"
[[sources]]
name = "checked"
method = "contacts"
query = "checked.sql"
"""
PHONE = """'[{"type":"phone","value":"0671234567"}]'::json AS "contactDirections" """
RAISES = """
CREATE FUNCTION crm.nice(name text) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF name LIKE '%%bad%%' THEN RAISE EXCEPTION 'no nice name' {code}; END IF;
    RETURN name;
END $$
"""
RECURSES = """
CREATE FUNCTION crm.chief(name text) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN CASE WHEN name LIKE '%%bad%%' THEN crm.chief(name) ELSE name END;
END $$
"""
BROKEN = {
    "two rows in place of one": "(SELECT l.lead FROM crm.leads l WHERE l.id = c.id)",
    "a function that raises": "crm.nice(c.name)",
    "a value that can't be cast": "CAST(substr(c.name, 1, 2) = 'ba' AS int)::text || 1 / (c.name NOT LIKE 'bad%')::int",
    "a recursion without end": "crm.chief(c.name)",
    "a domain that refuses it": "CAST(c.name AS crm.good)",
}


def prepare(engine: Engine, expression: str, code: str = "") -> None:
    """A source whose query computes `expression`; contacts 1 to 9, of which 5 is the bad one."""
    engine.sql(RAISES.format(code=code))
    engine.sql(RECURSES)
    engine.sql("CREATE DOMAIN crm.good AS text CHECK (VALUE NOT LIKE 'bad%%')")
    engine.sql("CREATE TABLE crm.leads (id int, lead text)")
    (engine.folder / "sync.toml").write_text(ALONE, encoding="utf-8")
    engine.remap(
        "",
        checked=f"""SELECT c.id AS key, c.name AS "fullName", {expression} AS "staffId", {PHONE} FROM crm.contacts c""",
    )
    engine.contacts(1, 9)
    engine.sql("UPDATE crm.contacts SET name = 'bad' WHERE id = 5")
    engine.sql("INSERT INTO crm.leads VALUES (1, 'a'), (5, 'a'), (5, 'b')")


@pytest.mark.parametrize("expression", BROKEN.values(), ids=BROKEN)
def test_one_contact_is_buried_alone(engine: Engine, expression: str) -> None:
    """The others of its batch are sent, and the project goes on."""
    prepare(engine, expression)
    engine.change(*range(1, 10), source="checked")
    engine.push()

    assert engine.lane().paused is None
    assert engine.dead_letters() == [("5", "mapping_error")]
    assert engine.lane().sent == 8


@pytest.mark.parametrize("expression", BROKEN.values(), ids=BROKEN)
def test_one_contact_that_comes_alone_is_buried_where_others_read_well(engine: Engine, expression: str) -> None:
    """Nobody else has changed: others of the CRM are read to tell."""
    prepare(engine, expression)
    engine.change(5, source="checked")
    engine.push()

    assert engine.lane().paused is None
    assert engine.dead_letters() == [("5", "mapping_error")]


def test_an_error_that_nobody_escapes_is_the_mappings(engine: Engine) -> None:
    """All that changed fail, and so do those that did not: nobody is buried, also beside one who is gone."""
    prepare(engine, "crm.nice(c.name)")
    engine.sql("UPDATE crm.contacts SET name = 'bad'")
    engine.change(1, 2, 3, 99, source="checked")
    engine.push()

    assert engine.lane().paused is not None
    assert engine.lane().paused.reason == "mapping_broken"
    assert engine.dead_letters() == []
    assert (engine.lane().absent, engine.lane().pending) == (0, 4)


@pytest.mark.parametrize(
    "code", ["UE123", "45000", "P0002", "42501", "42703", "55000", "57014", "XX000", "40001", "P0001"]
)
def test_a_function_may_raise_a_code_of_its_own(engine: Engine, code: str) -> None:
    """One that PostgreSQL does not know, one of PL/pgSQL's, or one that means something else where PostgreSQL gives it."""
    prepare(engine, "crm.nice(c.name)", f"USING ERRCODE = '{code}'")
    engine.change(4, 5, 6, source="checked")
    engine.push()

    assert engine.dead_letters() == [("5", "mapping_error")]


@pytest.mark.parametrize(
    ("error", "is_rows"),
    [
        (errors.DivisionByZero, True),
        (errors.CardinalityViolation, True),
        (errors.NotNullViolation, True),
        (errors.RaiseException, True),
        (errors.AssertFailure, True),
        (errors.StatementTooComplex, True),
        (errors.ExternalRoutineException, True),
        (errors.DataCorrupted, True),
        (errors.UndefinedColumn, False),
        (errors.InsufficientPrivilege, False),
        (errors.QueryCanceled, False),
        (errors.SerializationFailure, False),
        (errors.FeatureNotSupported, False),
        (psycopg.OperationalError, False),
    ],
)
def test_which_errors_come_of_a_row(error: type[psycopg.Error], is_rows: bool) -> None:
    """By their SQLSTATE; one without any is the connection's."""
    assert is_in_a_row(error()) == is_rows


def test_a_domain_of_another_column_is_no_matter_of_a_watch(engine: Engine) -> None:
    """A NOT NULL domain in a table with `keys`: the record has the named columns only, installs and fans out."""
    engine.sql("CREATE DOMAIN crm.sure AS text NOT NULL CHECK (VALUE <> '')")
    engine.sql("CREATE TABLE crm.firms (id bigint PRIMARY KEY, tax crm.sure, kind crm.sure, name text)")
    engine.contacts(1, 3)
    engine.sql("UPDATE crm.contacts SET lead = 'x'")
    engine.remap(
        """[[sources]]
name = "firms"
method = "contacts"
query = "contacts.sql"
watch = [{ table = "crm.firms", keys = "SELECT c.id FROM crm.contacts c WHERE c.lead = changed.kind" }]
""",
    )
    with capture_session(engine.database_url) as session:
        capture.install(session, engine.wiring.mapping)
    engine.sql("INSERT INTO crm.firms VALUES (1, 't', 'x', 'n')")
    engine.collect()

    assert engine.wiring.fan_out.run(PROJECT) == 1
    assert engine.lane().paused is None
    assert sorted(engine.waiting()) == ["1", "2", "3"]


def test_a_watch_that_names_no_column_meets_no_domain_either(engine: Engine) -> None:
    """Whoever is changed there concerns everybody."""
    engine.sql("CREATE DOMAIN crm.sure AS text NOT NULL")
    engine.sql("CREATE TABLE crm.rates (id bigint PRIMARY KEY, name crm.sure)")
    engine.contacts(1, 2)
    engine.remap(
        """[[sources]]
name = "rates"
method = "contacts"
query = "contacts.sql"
watch = [{ table = "crm.rates", keys = "SELECT c.id FROM crm.contacts c" }]
""",
    )
    with capture_session(engine.database_url) as session:
        capture.install(session, engine.wiring.mapping)
    engine.sql("INSERT INTO crm.rates VALUES (1, 'n')")
    engine.collect()

    assert engine.wiring.fan_out.run(PROJECT) == 1
    assert sorted(engine.waiting()) == ["1", "2"]


@pytest.mark.parametrize(
    "keys",
    [
        "SELECT c.id FROM crm.contacts c WHERE c.name = crm.nice(changed.name)",
        "SELECT c.id FROM crm.contacts c WHERE c.name <> (SELECT l.lead FROM crm.leads l WHERE l.lead <> changed.name)",
    ],
    ids=["raises", "two rows"],
)
def test_a_changed_row_that_fails_in_keys_stops_no_other(engine: Engine, keys: str) -> None:
    """All of its source are read instead, and the next row is fanned out."""
    prepare(engine, "NULL")
    engine.sql(
        "INSERT INTO ringostat_sync.watches (id, source, table_name, keys, definition) VALUES ('w', 'checked', 'crm.companies', %s, '{}')",
        keys,
    )
    for name in ("bad", "other"):
        engine.sql(
            "INSERT INTO ringostat_sync.outbox (source, watch, changed) VALUES ('checked', 'w', jsonb_build_object('name', %s::text))",
            name,
        )
    engine.collect()
    engine.wiring.fan_out.run(PROJECT)

    assert engine.lane().paused is None
    assert engine.sql("SELECT count(*) FROM ringostat_sync.fan_outs") == [(0,)]
    assert len(engine.waiting()) == 9
