"""The mappings of `examples/`, each on its CRM's tables: a day of changes, by the real triggers, held against the rows themselves."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg
import pytest

from tests.support.engine import Engine
from tests.support.examples import chatwoot, espocrm, odoo, twenty
from tests.support.examples.crm import Crm, Entry, create, fenced, files_of
from worker.capture.resolve import resolve
from worker.capture.tables import find_tables
from worker.config.model import Source
from worker.config.query import clean_query
from worker.config.settings import libpq_url
from worker.operate.check import Finding, check
from worker.operate.init import files
from worker.read.plan import choose_plan

KINDS = [odoo, espocrm, twenty, chatwoot]
USED = """
SELECT DISTINCT d.refobjid::bigint, a.attname
FROM pg_rewrite AS r
JOIN pg_depend AS d ON d.objid = r.oid AND d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE r.ev_class = 'pg_temp.read'::regclass AND d.refobjid <> r.ev_class
"""
"""Every column that a view reads, whatever it reads it for."""


@pytest.fixture(params=KINDS, ids=[kind.NAME for kind in KINDS])
def kind(request: pytest.FixtureRequest) -> ModuleType:
    return request.param


@pytest.fixture
def open_crm(make_engine: Callable[..., Engine], tmp_path: Path, database_url: str) -> Iterator[Callable[..., Crm]]:
    """Makes a CRM with its sample data, and the engine on its mapping as `init` writes it.

    `commands` are run by a shell in the mapping's folder, `statement` in the database, before either is looked at.
    """
    connections: list[psycopg.Connection[Any]] = []

    def opened(kind: ModuleType, commands: str = "true", statement: str = "SELECT 1") -> Crm:
        folder = tmp_path / "mapping"
        folder.mkdir()
        files.write(folder, files.example(kind.NAME))
        subprocess.run(commands, shell=True, cwd=folder, check=True)
        create(kind, database_url)
        connection = psycopg.connect(libpq_url(database_url), autocommit=True)
        connections.append(connection)
        connection.execute(statement.encode())
        return Crm(kind, make_engine(SYNC_CONFIG=str(folder / "sync.toml")), connection)

    yield opened
    for connection in connections:
        connection.close()


@pytest.fixture
def crm(kind: ModuleType, open_crm: Callable[..., Crm]) -> Crm:
    return open_crm(kind)


def test_a_day_of_changes(crm: Crm) -> None:
    """After each of them the telephone shows everybody as they are in the CRM, and those who are gone as they were; nothing fails."""
    crm.start()
    assert crm.book(crm.shown) == crm.shown

    for step in crm.kind.DAY:
        crm.happens(step)

        assert crm.book(crm.shown) == crm.shown, step.what
    assert crm.letters() == []


def test_nobody_else_is_on_the_telephone(crm: Crm) -> None:
    """The sample's archived, deleted, blocked and others' people are in none of the requests."""
    crm.start()
    contacts, organizations = crm.engine.sandbox.book.counts()

    kinds = [entry.kind for entry in crm.truth()]
    assert (contacts, organizations) == (len(kinds) - kinds.count("organization"), kinds.count("organization"))


def test_what_concerns_nobody_sends_nothing(crm: Crm) -> None:
    """A change of columns that the mapping does not read is no change."""
    crm.start()
    sent = len(crm.engine.posted())
    for step in crm.kind.DAY:
        if step.what in {"what nobody sees is changed", "messages come and go"}:
            crm.connection.execute(step.statement.encode())

            assert crm.connection.execute("SELECT count(*) FROM ringostat_sync.outbox").fetchone() == (0,)
    assert len(crm.engine.posted()) == sent


def test_a_merged_contact_leaves_its_number_with_the_survivor(crm: Crm) -> None:
    """The survivor has it from then on; the other stays on the telephone as it was, as the API has no delete, and is counted absent."""
    crm.start()
    merged, survivor = Entry("contact", crm.kind.MERGED), Entry("contact", crm.kind.SURVIVOR)
    before = crm.book([merged])
    [merge] = [step for step in crm.kind.DAY if "are merged" in step.what]
    crm.happens(merge)
    after = crm.book([survivor])[survivor]

    assert after is not None
    assert crm.kind.MOVED_NUMBER in [direction["value"] for direction in after["contactDirections"]]
    assert crm.book([merged]) == before
    assert crm.kind.MOVED_NUMBER in str(before)
    assert crm.engine.lane().absent == 1


@pytest.mark.parametrize("kind", [odoo, espocrm], ids=["odoo", "espocrm"])
def test_a_converted_lead_goes_on_as_the_contact(kind: ModuleType, open_crm: Callable[..., Crm]) -> None:
    """One entry of the book, under both ids: the contact carries the lead's."""
    crm = open_crm(kind)
    crm.start()
    lead, contact = kind.CONVERTED
    entries, _ = crm.engine.sandbox.book.counts()
    [convert] = [step for step in kind.DAY if "is converted" in step.what]
    crm.happens(convert)
    found = crm.book([Entry("lead", lead), Entry("contact", contact)])

    assert found[Entry("lead", lead)] == found[Entry("contact", contact)] is not None
    assert crm.engine.sandbox.book.counts()[0] == entries


def test_check_finds_nothing_wrong(crm: Crm) -> None:
    """No warning and no problem but numbers that people share, and of every source something can be sent."""
    crm.start()
    findings = [found for found in check(crm.engine.wiring, 1000) if isinstance(found, Finding)]
    problems = [found.text for found in findings if found.warns or found.stops]

    assert [text for text in problems if "several contacts share" not in text] == []
    assert not [found.text for found in findings if found.text.endswith(" 0 can be sent")]


def test_every_column_that_is_read_is_watched(crm: Crm) -> None:
    """What PostgreSQL itself says that a query depends on, joins and conditions included, some watch of that source compares."""
    for source in crm.engine.wiring.mapping.sources.values():
        watched = {
            column for column in read_columns(crm.connection, source) if column not in watched_columns(crm, source)
        }

        assert watched == set(), source.name


def read_columns(connection: psycopg.Connection[Any], source: Source) -> set[tuple[int, str]]:
    with connection.transaction(force_rollback=True):
        connection.execute(f"CREATE TEMP VIEW read AS {clean_query(source.query)}".encode())
        return set(connection.execute(USED).fetchall())


def watched_columns(crm: Crm, source: Source) -> set[tuple[int, str]]:
    found: set[tuple[int, str]] = set()
    tables = find_tables(crm.connection, [written.table for written in source.watches])
    for watch in (resolve(tables, source, written) for written in source.watches):
        [(table,)] = crm.connection.execute("SELECT %s::regclass::oid::bigint", [watch.table.name]).fetchall()
        found |= {(table, column) for column in watch.compared or watch.table.columns}
    return found


def test_a_few_keys_are_read_by_indexes(crm: Crm) -> None:
    """Whatever may be large is reached by an index: the people and all that belongs to each of them."""
    crm.connection.execute("SET enable_seqscan = off")
    for source in crm.engine.wiring.mapping.sources.values():
        plan = choose_plan(crm.connection, clean_query(source.query))
        with psycopg.ClientCursor(crm.connection) as cursor:
            lines = cursor.execute(f"EXPLAIN {plan.many}", [[]]).fetchall()
        explained = [line.strip() for (line,) in lines]
        read_whole = {line.split(" on ")[1].split()[0] for line in explained if "Seq Scan on " in line}

        assert not plan.one_by_one
        assert not read_whole & crm.kind.BIG, "\n".join(explained)


def test_the_rights_of_the_readme_suffice(crm: Crm) -> None:
    """A role that has them, and no others, reads every source."""
    [grants] = fenced(files_of(crm.kind)["README.md"], "sql")
    with crm.connection.transaction(force_rollback=True):
        crm.connection.execute(
            "DO $$ BEGIN CREATE ROLE ringostat_worker; EXCEPTION WHEN duplicate_object THEN NULL; END $$"
        )
        crm.connection.execute(grants.encode())
        crm.connection.execute("SET LOCAL ROLE ringostat_worker")
        for source in crm.engine.wiring.mapping.sources.values():
            assert crm.connection.execute(clean_query(source.query).encode()).fetchall()


def test_odoo_19_needs_one_command(open_crm: Callable[..., Crm]) -> None:
    """It has no mobile numbers; the command in the example's README takes them out of the mapping."""
    [command] = fenced(files_of(odoo)["README.md"], "sh")
    crm = open_crm(odoo, command, "ALTER TABLE public.res_partner DROP mobile; ALTER TABLE public.crm_lead DROP mobile")
    crm.start()

    assert crm.book(crm.truth()) == crm.truth()
    assert Entry("contact", "11") in crm.truth()


def test_another_workspace_of_twenty_needs_one_command(
    open_crm: Callable[..., Crm], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command in the example's README, with the workspace's name."""
    [command] = fenced(files_of(twenty)["README.md"], "sh")
    other = "workspace_3other"
    crm = open_crm(twenty, command.replace("workspace_…", other), f"ALTER SCHEMA {twenty.SCHEMA} RENAME TO {other}")
    monkeypatch.setattr(twenty, "SCHEMA", other)
    crm.start()

    assert crm.book(crm.truth()) == crm.truth() != {}
