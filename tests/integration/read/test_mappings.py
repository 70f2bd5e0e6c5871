"""Mappings of other shapes than ours: key types, joined aggregates, errors of single rows, watches by the real triggers."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.support.engine import PROJECT, Engine
from worker import capture
from worker.config.mapping import load_mapping
from worker.read.plan import choose_plan
from worker.read.reader import PLAN_LASTS, Reader

DIRECTIONS = """
    json_build_array(json_build_object('type', 'email', 'name', null, 'value', 'a' || n || '@example.com')) AS "contactDirections"
"""


def remap(engine: Engine, folder: Path, query: str, watch: str = "[]") -> None:
    """Give the engine another mapping of one source, `contacts`."""
    (folder / "contacts.sql").write_text(query, encoding="utf-8")
    (folder / "sync.toml").write_text(
        f'origin = "CRM"\ndefault_responsible = "1"\n[[sources]]\nname = "contacts"\nmethod = "contacts"\nquery = "contacts.sql"\n'
        f"watch = {watch}\n",
        encoding="utf-8",
    )
    engine.wiring.mapping = load_mapping(engine.wiring.settings, need_keys=True)


@pytest.mark.parametrize(
    ("key_type", "keys"),
    [
        ("uuid", ["7e0f0c1e-7c43-4a4e-8a3c-0a8d3d6f4c11", "00000000-0000-0000-0000-000000000002"]),
        ("text", ["A/1", "ключ з пробілом"]),
        ("varchar(10)", ["a%b", "c'd"]),
        ("char(9)", ["short", "nine long"]),
        ("int", ["1", "-2"]),
        ("numeric", ["10.5", "7"]),
    ],
)
def test_keys_of_any_type(engine: Engine, tmp_path: Path, key_type: str, keys: list[str]) -> None:
    """The key is bound in its column's own type, and is the id on the wire as PostgreSQL spells it."""
    engine.sql(f"CREATE TABLE crm.people (k {key_type} PRIMARY KEY, n int)")
    for number, key in enumerate(keys):
        engine.sql(f"INSERT INTO crm.people VALUES (%s::{key_type}, {number})", key)
    remap(
        engine,
        tmp_path,
        f"""SELECT k AS key, 'Name ' || n AS "fullName", {DIRECTIONS} FROM crm.people WHERE n::text LIKE '%%' ;;""",
    )
    engine.change(*keys, "no such key")
    engine.drain()

    assert sorted(engine.names()) == sorted(keys)
    assert engine.lane().absent == 1


@pytest.mark.parametrize(
    ("key_type", "spelt", "asked"),
    [
        ("int", "7", ["7", "007", "+7"]),
        ("numeric(10,2)", "7.00", ["7", "7.0"]),
        (
            "uuid",
            "7e0f0c1e-7c43-4a4e-8a3c-0a8d3d6f4c11",
            ["{7E0F0C1E-7C43-4A4E-8A3C-0A8D3D6F4C11}", "7e0f0c1e7c434a4e8a3c0a8d3d6f4c11"],
        ),
        ("date", "2026-11-27", ["27 November 2026"]),
    ],
)
def test_a_key_that_is_spelt_in_another_way_is_found(
    engine: Engine, tmp_path: Path, key_type: str, spelt: str, asked: list[str]
) -> None:
    """A producer's spelling that PostgreSQL takes for the same key; a contact beside it that is gone is absent."""
    engine.sql(f"CREATE TABLE crm.people AS SELECT CAST(%s AS {key_type}) AS k, 1 AS n", spelt)
    remap(engine, tmp_path, f"""SELECT k AS key, 'Name' AS "fullName", {DIRECTIONS} FROM crm.people""")
    engine.change(*asked, "00000000-0000-0000-0000-000000000002" if key_type == "uuid" else "2000-01-01")
    engine.drain()

    assert engine.names() == {spelt: "Name"}
    assert engine.lane().absent == 1
    assert engine.dead_letters() == []


def test_keys_that_outgrow_their_type_are_found(engine: Engine, tmp_path: Path) -> None:
    """The CRM makes its int keys bigint while the worker runs."""
    engine.sql("CREATE TABLE crm.people AS SELECT 1 AS id, 1 AS n")
    remap(engine, tmp_path, f"""SELECT id AS key, 'Name' AS "fullName", {DIRECTIONS} FROM crm.people""")
    engine.change(1)
    engine.drain()
    engine.sql("ALTER TABLE crm.people ALTER id TYPE bigint")
    engine.sql("INSERT INTO crm.people VALUES (3000000000, 2)")
    engine.change(3_000_000_000, "no such key")
    engine.drain()

    assert sorted(engine.names()) == ["1", "3000000000"]
    assert engine.lane().absent == 1


def test_a_plan_is_made_anew_now_and_then(engine: Engine, tmp_path: Path) -> None:
    """A CRM that was empty when the worker started, and is read in another way when it is full."""
    query = f"""SELECT p.id AS key, 'Name' AS "fullName", {DIRECTIONS}, d.n AS region FROM crm.people p
        JOIN (SELECT person, count(*) AS n FROM crm.deals GROUP BY person) d ON d.person = p.id"""
    engine.sql("CREATE TABLE crm.people (id int PRIMARY KEY); CREATE TABLE crm.deals (person int, n int)")
    engine.sql("CREATE INDEX ON crm.deals (person)")
    remap(engine, tmp_path, query)
    now = [0.0]
    reader = Reader(engine.wiring.crm, lambda: now[0])
    source = engine.wiring.mapping.sources["contacts"]
    reader.read(source, ["1"])
    engine.sql("INSERT INTO crm.people SELECT generate_series(1, 30000)")
    engine.sql("INSERT INTO crm.deals SELECT mod(g, 30000) + 1, 1 FROM generate_series(1, 60000) g")
    engine.sql("ANALYZE crm.people; ANALYZE crm.deals")

    with engine.wiring.crm.connect() as connection:
        driver = connection.connection.driver_connection
        assert not reader._plan(driver, source).one_by_one
        now[0] = PLAN_LASTS + 1
        assert reader._plan(driver, source).one_by_one


def test_a_row_that_can_not_be_computed_is_buried_alone(engine: Engine, tmp_path: Path) -> None:
    """An error of SQLSTATE class 22 splits by key; the others arrive."""
    engine.sql("CREATE TABLE crm.people AS SELECT g AS id, g AS n FROM generate_series(0, 9) g")
    remap(engine, tmp_path, f"""SELECT id AS key, 'Name ' || 100 / n AS "fullName", {DIRECTIONS} FROM crm.people""")
    engine.change(*range(10))
    engine.drain()

    assert engine.dead_letters() == [("0", "mapping_error")]
    assert engine.lane().sent == 9


def test_a_key_returned_twice_is_buried(engine: Engine, tmp_path: Path) -> None:
    """Which of the two would be right is not ours to guess."""
    engine.sql("CREATE TABLE crm.people AS SELECT 1 AS id, g AS n FROM generate_series(1, 2) g UNION ALL SELECT 2, 3")
    remap(engine, tmp_path, f"""SELECT id AS key, 'Name ' || n AS "fullName", {DIRECTIONS} FROM crm.people""")
    engine.change(1, 2)
    engine.drain()

    assert engine.dead_letters() == [("1", "duplicate_key")]
    assert engine.lane().sent == 1


def test_a_joined_aggregate_is_read_key_by_key(engine: Engine, tmp_path: Path) -> None:
    """Where a condition on many keys would read every phone, each key is read alone; one at fault is buried alone there, too."""
    engine.sql(
        "CREATE TABLE crm.phones AS SELECT g AS id, g %% 20000 AS contact_id, '067' || lpad(g::text, 7, '0') AS v"
        " FROM generate_series(1, 60000) g"
    )
    engine.sql("CREATE INDEX ON crm.phones (contact_id)")
    engine.sql("INSERT INTO crm.contacts (id, name) SELECT g, 'N' FROM generate_series(1, 20000) g")
    engine.sql("ANALYZE crm.phones")
    engine.sql("ANALYZE crm.contacts")
    query = """
        SELECT c.id AS key, c.name AS "fullName", p.d AS "contactDirections" FROM crm.contacts c
        JOIN (SELECT contact_id, json_agg(json_build_object('type', 'phone', 'value', v)) AS d FROM crm.phones GROUP BY 1) p
          ON p.contact_id = c.id
    """
    remap(engine, tmp_path, query)
    with psycopg.connect(engine.database_url, autocommit=True) as connection:
        assert choose_plan(connection, query).one_by_one
    engine.change(1, 2, 3)
    engine.drain()
    assert engine.lane().sent == 3

    engine.sql("UPDATE crm.phones SET v = repeat('9', 30000) WHERE contact_id = 5")
    remap(engine, tmp_path, query.replace("c.name", "c.name || CAST(length(p.d::text) AS int2)"))
    engine.wiring.pusher.mapping = engine.wiring.mapping
    engine.wiring.pusher.reader = Reader(engine.wiring.crm)
    engine.change(4, 5, 6)
    engine.drain()
    assert engine.dead_letters() == [("5", "mapping_error")]
    assert engine.lane().sent == 5


def test_triggers_on_quoted_tables_lead_to_the_telephone(engine: Engine, tmp_path: Path) -> None:
    """From a changed row of a quoted table, through a `keys` SELECT, to the API; by real triggers."""
    engine.sql('CREATE TABLE crm."Firma" ("Id" uuid PRIMARY KEY DEFAULT gen_random_uuid(), "Name" text)')
    engine.sql('CREATE TABLE crm."Person" ("Id" serial PRIMARY KEY, "key" text, firma uuid)')
    engine.sql('INSERT INTO crm."Firma" ("Name") VALUES (\'one\')')
    engine.sql(
        'INSERT INTO crm."Person" ("key", firma) SELECT g::text, (SELECT "Id" FROM crm."Firma") FROM generate_series(1, 3) g'
    )
    remap(
        engine,
        tmp_path,
        """SELECT p."Id" AS key, f."Name" || p."key" AS "fullName",
             '[{"type":"Phone","value":"+380671112233"}]'::json AS "contactDirections"
           FROM crm."Person" p LEFT JOIN crm."Firma" f ON f."Id" = p.firma -- all""",
        """[ { table = 'crm."Person"', key = "Id" },
             { table = 'crm."Firma"', keys = 'SELECT p."Id" FROM crm."Person" p WHERE p.firma = changed."Id";' } ]""",
    )
    with psycopg.connect(engine.database_url, autocommit=True) as connection:
        capture.install(connection, engine.wiring.mapping)
    engine.sql('UPDATE crm."Firma" SET "Name" = \'two\'')
    engine.collect()
    assert engine.wiring.fan_out.run(PROJECT) == 1
    engine.drain()
    assert engine.names() == {"1": "two1", "2": "two2", "3": "two3"}

    engine.sql('DELETE FROM crm."Person" WHERE "Id" = 2')
    engine.sql('TRUNCATE crm."Person"')
    engine.drain()
    assert engine.lane().absent == 3


def test_a_row_at_fault_among_the_first_harms_nobody_either(engine: Engine) -> None:
    """Also where PostgreSQL computes every column of the rows by which we look at the source first."""
    alone = (engine.folder / "sync.toml").read_text().partition("[[sources]]")[0]
    (engine.folder / "sync.toml").write_text(alone)
    engine.remap(
        '[[sources]]\nname = "fractions"\nmethod = "contacts"\nquery = "fractions.sql"\n',
        fractions="""SELECT DISTINCT id AS key, 'Name ' || 100 / (id - 1) AS "fullName", phone AS "staffId",
            '[{"type":"phone","value":"0671234567"}]'::jsonb AS "contactDirections" FROM crm.contacts""",
    )
    engine.contacts(1, 4)
    engine.change(1, 2, 3, 4, source="fractions")
    engine.push()

    assert engine.lane().paused is None
    assert engine.dead_letters() == [("1", "mapping_error")]
    assert engine.lane().sent == 3


@pytest.mark.parametrize(
    ("breaks", "mends"),
    [
        ("ALTER TABLE crm.contacts RENAME phone TO gone", "ALTER TABLE crm.contacts RENAME gone TO phone"),
        ("ALTER TABLE crm.contacts RENAME TO gone", "ALTER TABLE crm.gone RENAME TO contacts"),
    ],
    ids=["a column", "the table"],
)
def test_a_broken_mapping_pauses_and_heals(engine: Engine, breaks: str, mends: str) -> None:
    """A query that fails buries nobody and costs no attempt; when it runs again, a probe finds out by itself."""
    engine.contacts(1, 5)
    engine.sql(breaks)
    engine.change(*range(1, 6))
    engine.push()
    engine.probe_now()
    engine.push()
    paused = engine.lane()

    assert paused.paused is not None
    assert paused.paused.reason == "mapping_broken"
    assert (paused.pending, paused.dead) == (5, 0)
    assert {row.attempts for row in engine.waiting().values()} == {0}

    engine.sql(mends)
    engine.drain()
    assert (engine.lane().sent, engine.lane().paused) == (5, None)


def test_a_key_of_another_type_is_noticed(engine: Engine) -> None:
    """A migration of the CRM that changes the key's type under a running worker is no reason to restart it."""
    engine.contacts(1, 2)
    engine.change(1, 2)
    engine.drain()
    engine.sql("ALTER TABLE crm.contacts ALTER id TYPE text USING 'c-' || id")
    engine.change("c-1")
    engine.drain()

    assert engine.history("c-1") == ["Name 1"]


def test_a_migrated_crm_needs_no_new_connections(engine: Engine) -> None:
    """However often a query has run, the columns behind its `*` may change their number and their types."""
    engine.remap(
        '[[sources]]\nname = "all"\nmethod = "contacts"\nquery = "all.sql"\n',
        all="""SELECT c.*, c.id AS key, c.name AS "fullName", '[{"type":"phone","value":"0671234567"}]'::json AS "contactDirections"
            FROM crm.contacts c""",
    )
    engine.contacts(1, 1)
    for number in range(8):
        engine.contacts(1, 1, f"Name {number}")
        engine.change(1, source="all")
        engine.drain()
    engine.sql("ALTER TABLE crm.contacts ADD city text, ALTER lead TYPE varchar(9), ALTER name TYPE varchar(99)")
    engine.contacts(1, 1, "Migrated")
    engine.change(1, source="all")
    engine.push()

    assert engine.lane().paused is None
    assert engine.history(1)[-1] == "Migrated 1"
