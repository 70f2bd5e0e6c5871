"""What a watch is told of before it is installed, and what its `keys` then find."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.support.watching import PEOPLE, keys, triggers, watch
from worker.capture.fan_out_keys import column_types, fan_out_sql
from worker.config.model import Watch
from worker.errors import ConfigError

Crm = psycopg.Connection[Any]
BY_ID = Watch("crm.people", key="id")
BY_COMPANY = Watch("crm.people", keys="SELECT p.id FROM crm.people p WHERE p.company = changed.company -- all\n;")


@pytest.fixture
def crm(database_url: str) -> Iterator[Crm]:
    """A table of two people of one company, not watched yet."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(PEOPLE + "INSERT INTO crm.people (id, name, company) VALUES (1, 'Ada', 5), (2, 'Ben', 5)")
        yield connection


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (Watch("crm.firms", key="id"), "watches crm.firms, which is not in this database"),
        (Watch("nowhere.people", key="id"), "watches nowhere.people, which is not in this database"),
        (Watch('crm."people', key="id"), 'watches crm."people, which is '),
        (Watch("a.b.c.d", key="id"), "watches a.b.c.d, which is no table's name"),
        (Watch("crm.seen", key="id"), "watches crm.seen, which is not a table"),
        (Watch("crm.people", key="uid"), "watches crm.people, which has no column uid"),
        (Watch("crm.people", key="id", columns=("nom",)), "watches crm.people, which has no column nom"),
        (Watch("crm.people", keys="SELECT changed.firm"), 'watches crm.people, which has no column "firm"'),
        (
            Watch("crm.people", key="id", where="changed.nom = 'x'"),
            "can't watch crm.people: its `where` fails: column changed.nom does not",
        ),
        (
            Watch("crm.people", key="id", where="name = 'x'"),
            'can\'t watch crm.people: its `where` fails: column "name" does not exist',
        ),
        (Watch("crm.people", key="id", where="changed.id"), "argument of WHERE must be type boolean, not type integer"),
        (Watch("crm.people", key="id", where="changed.id = 'x'"), "invalid input syntax for type integer"),
        (Watch("crm.people", key="id", where="EXISTS (SELECT FROM people)"), 'relation "people" does not exist'),
        (Watch("crm.people", keys="SELECT p.id FROM crm.poeple p"), 'relation "crm.poeple" does not exist'),
        (Watch("crm.people", keys="SELECT company"), 'column "company" does not exist'),
        (Watch("crm.people", keys="SELECT id, name FROM crm.people"), "subquery must return only one column"),
    ],
)
def test_a_mistake_is_told_in_one_line(crm: Crm, wrong: Watch, words: str) -> None:
    """Source, table and PostgreSQL's own words; nothing is installed."""
    crm.execute("CREATE VIEW crm.seen AS SELECT * FROM crm.people; SET search_path = crm")
    with pytest.raises(ConfigError) as told:
        watch(crm, BY_ID, wrong)

    assert str(told.value).startswith("Source 'people' ")
    assert words in str(told.value)
    assert "\n" not in str(told.value)
    assert triggers(crm) == set()


@pytest.mark.parametrize(
    "watched",
    [
        Watch("crm.made", key="b"),
        Watch("crm.made", key="id", columns=("b",)),
        Watch("crm.made", key="id", where='changed."b" > 0'),
        Watch("crm.made", keys="SELECT CHANGED.B"),
    ],
)
def test_a_virtual_column_can_not_be_watched(crm: Crm, watched: Watch) -> None:
    """PostgreSQL shows triggers a null there."""
    if crm.info.server_version < 18_00_00:
        pytest.skip("virtual generated columns came with PostgreSQL 18")
    crm.execute("CREATE TABLE crm.made (id int, b int GENERATED ALWAYS AS (id * 2) VIRTUAL)")

    with pytest.raises(ConfigError, match=r"crm\.made, whose column \"?b\"? is virtual"):
        watch(crm, watched)


def test_somebody_elses_table_can_not_be_watched(crm: Crm, database_url: str) -> None:
    """One line says whose role is needed."""
    crm.execute("CREATE ROLE guest LOGIN; GRANT ALL ON SCHEMA ringostat_sync, crm TO guest")
    crm.execute("GRANT ALL ON ALL TABLES IN SCHEMA ringostat_sync TO guest; GRANT ALL ON crm.people TO guest")
    try:
        crm.execute("SET ROLE guest")
        with pytest.raises(ConfigError, match=r"crm\.people: must be owner of table people: use the role that owns"):
            watch(crm, BY_ID)
        crm.execute("RESET ROLE")
    finally:
        crm.execute("RESET ROLE; DROP OWNED BY guest; DROP ROLE guest")


def test_a_schema_that_the_role_may_not_see_is_told(crm: Crm) -> None:
    """Its tables are there, and their names are names."""
    crm.execute("CREATE ROLE guest LOGIN; GRANT ALL ON SCHEMA ringostat_sync TO guest")
    try:
        crm.execute("SET ROLE guest")
        with pytest.raises(ConfigError, match=r"watches crm\.people, which this role may not see: grant it USAGE"):
            watch(crm, BY_ID)
    finally:
        crm.execute("RESET ROLE; DROP OWNED BY guest; DROP ROLE guest")


def test_an_outbox_that_the_role_may_not_write_is_told(crm: Crm) -> None:
    """The proof writes as the trigger will, before any CRM transaction has to."""
    crm.execute("CREATE ROLE guest LOGIN; GRANT ALL ON SCHEMA ringostat_sync, crm TO guest")
    crm.execute("ALTER TABLE crm.people OWNER TO guest; GRANT SELECT ON ALL TABLES IN SCHEMA ringostat_sync TO guest")
    try:
        crm.execute("SET ROLE guest")
        with pytest.raises(ConfigError, match="permission denied for table outbox"):
            watch(crm, BY_ID)
    finally:
        crm.execute("RESET ROLE; REASSIGN OWNED BY guest TO CURRENT_USER; DROP OWNED BY guest; DROP ROLE guest")


@pytest.mark.parametrize(
    "key", ["int", "bigint", "uuid", "text", "varchar(3)", "date", "boolean", "inet", "crm.strict"]
)
def test_an_empty_table_of_any_key_can_be_watched(crm: Crm, key: str) -> None:
    """The proof makes up a row where there is none, or does without."""
    crm.execute("CREATE DOMAIN crm.strict AS int NOT NULL")
    crm.execute(f"CREATE TABLE crm.empty (id {key} PRIMARY KEY, needed int NOT NULL CHECK (needed > 5), s crm.strict)")
    watch(crm, Watch("crm.empty", key="id", where="changed.needed > 6"))

    assert len(triggers(crm)) == 2


def test_a_table_with_strict_columns_can_be_watched(crm: Crm) -> None:
    """The proof's copy has no constraints but those of the domains."""
    crm.execute(
        "CREATE DOMAIN crm.strict AS int NOT NULL; CREATE TABLE crm.rows (id crm.strict); INSERT INTO crm.rows VALUES (1)"
    )
    watch(crm, Watch("crm.rows", key="id"))
    crm.execute("UPDATE crm.rows SET id = 2")

    assert keys(crm) == ["1", "2"]


def test_where_may_use_the_tables_row_type(crm: Crm) -> None:
    """A function of the CRM's that takes a whole row."""
    crm.execute("CREATE FUNCTION crm.shown(p crm.people) RETURNS boolean LANGUAGE sql AS 'SELECT NOT p.hidden'")
    watch(crm, Watch("crm.people", key="id", where="crm.shown(changed)"))
    crm.execute("UPDATE crm.people SET hidden = true WHERE id = 1; UPDATE crm.people SET name = 'x' WHERE id = 1")

    assert keys(crm) == ["1"]


def expand(crm: Crm, table: str, by: str) -> list[str]:
    """What the collector finds for the one changed row in the outbox."""
    (changed,) = crm.execute("SELECT changed FROM ringostat_sync.outbox").fetchone() or (None,)
    statement = fan_out_sql(table, by, column_types(crm, table, by))
    found = crm.execute(statement.encode(), {"changed": Jsonb(changed)}).fetchall()
    return sorted(key for (key,) in found)


@pytest.mark.parametrize(
    "by",
    [
        BY_COMPANY.keys,
        "SELECT p.id FROM crm.people p WHERE p.company = changed.company UNION ALL SELECT NULL",
        "WITH c AS (SELECT changed.company AS firm) SELECT p.id FROM c JOIN crm.people p ON p.company = c.firm",
        "SELECT p.id FROM crm.people p WHERE p.name NOT LIKE '%x; --' AND 'a:b' <> 'c' AND p.company = CHANGED.Company",
        '(SELECT p.id FROM crm.people p WHERE p.company = /* changed.nothing */ changed . "company");;',
        "SELECT crm.mates(changed)",
        "SELECT p.id FROM crm.people p WHERE p.company = (changed).company",
    ],
)
def test_a_changed_row_is_fanned_out_to_its_contacts(crm: Crm, by: str) -> None:
    """Whatever SELECT the mapping holds: as text, each once, and no null."""
    crm.execute("""
        CREATE FUNCTION crm.mates(p crm.people) RETURNS SETOF int LANGUAGE sql
        AS 'SELECT o.id FROM crm.people o WHERE o.company = p.company'
    """)
    watch(crm, Watch("crm.people", keys=by))
    crm.execute("UPDATE crm.people SET name = 'Eve' WHERE id = 1")

    assert expand(crm, "crm.people", by) == ["1", "2"]
