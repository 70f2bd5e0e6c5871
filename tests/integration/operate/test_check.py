"""Check: what stops a source, and what only a contact."""

from __future__ import annotations

import re
from collections.abc import Callable

import psycopg
import pytest

from tests.support.engine import CRM, Engine
from worker.assembly import Assembly
from worker.config.settings import load_settings
from worker.operate.check import Finding, check
from worker.operate.check.finding import warning

QUERY = """SELECT nullif(id, 9) AS key, name AS "fullName", {more} AS "staffId",
    '[{{"type":"phone","value":"0671234567"}}]'::json AS "contactDirections" FROM crm.contacts"""


def findings(engine: Engine, query: str, watch: str = "") -> list[Finding]:
    """What check says of a source with this query, and these watches."""
    toml = f'[[sources]]\nname = "checked"\nmethod = "contacts"\nquery = "checked.sql"\nwatch = [{watch}]\n'
    engine.remap(toml if watch else toml.replace("watch = []\n", ""), checked=query)
    engine.contacts(1, 9)
    found = [one for one in check(engine.wiring, 20) if isinstance(one, Finding)]
    return [one for one in found if one.text.startswith("checked")]


def test_a_project_without_a_key_is_a_warning(engine: Engine) -> None:
    """The worker will need one, the sources can be read without; told as `worker` would tell it."""
    assert Finding("Project 106: its key is set") in list(check(engine.wiring, 0))

    wiring = Assembly.of(load_settings(engine.environment | {"RINGOSTAT_AUTH_KEY": ""}), need_keys=False)
    told = "Project 106 has no key: set RINGOSTAT_AUTH_KEY (or RINGOSTAT_AUTH_KEY_FILE) to it"

    assert Finding(told, warns=True) in list(check(wiring, 0))


def test_rows_without_a_key_are_a_warning(engine: Engine) -> None:
    """They are counted, and are no contacts to build."""
    found = findings(engine, QUERY.format(more="NULL"))

    assert warning("checked: rows without a key: 1; they are not sent") in found
    assert "checked: of a sample of 8, 8 can be sent" in [one.text for one in found]


def test_a_row_that_can_not_be_computed_is_a_warning(engine: Engine) -> None:
    """It becomes a dead letter; its source goes on."""
    found = findings(engine, QUERY.format(more="1 / (id - 3)"))

    assert not any(one.stops for one in found)
    assert any("can't be computed (division by zero)" in one.text for one in found if one.warns)


def test_a_query_that_fails_for_everybody_stops_its_source(engine: Engine) -> None:
    """There is nobody whom it could be read for."""
    found = findings(engine, QUERY.format(more="1 / 0"))

    assert [(one.text, one.stops) for one in found] == [("checked: the query fails: division by zero", True)]


def test_one_row_that_can_not_be_computed_stops_nobody(engine: Engine) -> None:
    """Where PostgreSQL computes all columns to tell rows apart: the others are sent, by their keys."""
    query = QUERY.replace("SELECT", "SELECT DISTINCT", 1).replace("::json", "::jsonb").format(more="1 / (id - 3)")
    found = findings(engine, query)
    told = "checked: a row can't be computed (division by zero): `backfill`, which needs them all, fails"

    assert Finding(told, warns=True) in found
    assert not any(one.stops for one in found)


def test_a_query_that_reads_everybody_for_a_few_is_a_warning(engine: Engine) -> None:
    """With PostgreSQL's own estimates: its keys are read one by one."""
    engine.sql("CREATE TABLE crm.deals AS SELECT mod(g, 20000) AS person FROM generate_series(1, 60000) g")
    engine.sql("CREATE INDEX ON crm.deals (person)")
    engine.sql("ANALYZE crm.deals")
    joined = "JOIN (SELECT person, count(*) FROM crm.deals GROUP BY person) AS d ON d.person = c.id"
    [told] = [one for one in findings(engine, f"SELECT c.id AS key FROM crm.contacts c {joined}") if "five" in one.text]

    assert (told.warns, told.stops) == (True, False)
    assert re.fullmatch(
        r"checked: for five keys PostgreSQL would read \d{4,} rows, for one key \d; so keys are read one by one\. .*",
        told.text,
    )


def test_a_column_that_nobody_quoted_is_a_warning(engine: Engine) -> None:
    """One line a source: PostgreSQL makes small letters of what is not in quotes, and the API knows no such name."""
    found = findings(engine, "SELECT id AS key, name AS fullName, 1 AS bogus, 'UA' AS \"region\" FROM crm.contacts")

    assert [one.text for one in found if "API" in one.text and one.warns] == [
        'checked: columns that the API does not know are not sent: fullname (write it in quotes: AS "fullName"), bogus'
    ]


def test_a_column_of_contacts_is_none_of_organizations(engine: Engine) -> None:
    """Each method has names of its own."""
    engine.remap(
        '[[sources]]\nname = "checked"\nmethod = "organizations"\nquery = "checked.sql"\n',
        checked='SELECT id AS key, name, id AS "externalId", name AS "fullName" FROM crm.companies',
    )
    found = [one.text for one in check(engine.wiring, 0) if isinstance(one, Finding) and one.warns]

    assert "checked: columns that the API does not know are not sent: fullName" in found


def test_a_key_that_can_not_be_asked_for_stops_its_source(engine: Engine) -> None:
    """PostgreSQL makes a record, and reads none."""
    found = findings(engine, 'SELECT (id, 1) AS key, name AS "fullName" FROM crm.contacts')

    assert next(one.text for one in found if one.stops) == (
        "checked: no contact can be read by its key: input of anonymous composite types is not implemented"
    )


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ("SELECT c.nobody FROM crm.contacts c WHERE c.lead = changed.name", "column c.nobody does not exist"),
        ("SELECT c.id FROM crm.contacts c WHERE c.lead = changed.nobody", 'column "nobody" does not exist'),
        ("SELECT c.id, c.name FROM crm.contacts c", "subquery must return only one column"),
    ],
)
def test_keys_that_fail_stop_their_source(engine: Engine, keys: str, problem: str) -> None:
    """With PostgreSQL's own words: such a watch pauses the project."""
    found = findings(engine, QUERY.format(more="NULL"), f'{{ table = "crm.companies", keys = "{keys}" }}')

    assert [one.text for one in found if one.stops] == [
        f"checked: `keys` of the watch on crm.companies fails: {problem}"
    ]


def test_keys_that_run_are_not_mentioned(engine: Engine) -> None:
    """Nor is a percent sign in them."""
    keys = "SELECT c.id FROM crm.contacts c WHERE c.lead = changed.name AND c.name LIKE 'N%'"
    watch = f'{{ table = "crm.companies", keys = "{keys}" }}'

    assert not any("`keys`" in one.text for one in findings(engine, QUERY.format(more="NULL"), watch))


def test_a_table_that_is_not_there_is_a_warning(engine: Engine) -> None:
    """The source can be read; `capture install` will refuse it."""
    found = findings(engine, QUERY.format(more="NULL"), '{ table = "crm.gone", keys = "SELECT changed.id" }')

    assert [one.text for one in found if "gone" in one.text and one.warns] == [
        "checked: Source 'checked' watches crm.gone, which is not in this database."
    ]


def test_what_is_left_out_is_told_by_its_reason(engine: Engine) -> None:
    """How many numbers and addresses, why, and a few of the contacts; no value is printed."""
    values = "('067-XXX-XX-33', 'phone'), ('ivan@localhost', 'email'), ('067 111 22 33, 12345', 'phone')"
    directions = f"(SELECT json_agg(json_build_object('type', k, 'value', v)) FROM (VALUES {values}) AS d (v, k))"
    query = f'SELECT n AS key, \'N\' AS "fullName", {directions} AS "contactDirections" FROM generate_series(1, 5) AS n'

    assert [one.text for one in findings(engine, query) if "left out" in one.text] == [
        f"checked: numbers or addresses that are left out: 5: {why} (keys 1, 2, 3, …)"
        for why in ("digits are hidden or are letters", "no valid address", "no complete number")
    ]


def test_triggers_beside_a_database_that_is_read_are_a_warning(
    make_engine: Callable[..., Engine], empty_database_url: str
) -> None:
    """Changes captured here are read there, where they may not have arrived."""
    with psycopg.connect(empty_database_url, autocommit=True) as crm:
        crm.execute(CRM.encode())
    engine = make_engine(CRM_DATABASE_URL=empty_database_url)
    told = "tables are watched in DATABASE_URL"
    assert not any(one.text.startswith(told) for one in check(engine.wiring, 0) if isinstance(one, Finding))

    engine.sql(
        "CREATE FUNCTION ringostat_sync.capture_x() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        " CREATE TRIGGER x AFTER INSERT ON crm.contacts FOR EACH ROW EXECUTE FUNCTION ringostat_sync.capture_x()"
    )

    assert any(one.text.startswith(told) and one.warns for one in check(engine.wiring, 0) if isinstance(one, Finding))
    engine.wiring.crm.dispose()
