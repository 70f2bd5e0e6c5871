"""What check says of tables and columns that a query reads and no watch covers: with the watch to paste."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from worker.config.model import Identity, Method, Source, Watch
from worker.document.build import columns_read
from worker.operate.check import Finding, watches
from worker.operate.check.coverage import cover
from worker.operate.check.uses import find_uses

Crm = psycopg.Connection[Any]

TABLES = """
CREATE SCHEMA crm;
CREATE TABLE crm.companies (id bigint PRIMARY KEY, name text, city text);
CREATE TABLE crm.contacts (
    id bigint PRIMARY KEY, name text, nick text, company_id bigint REFERENCES crm.companies, boss_id bigint, hidden boolean
);
CREATE TABLE crm.phones (id bigint PRIMARY KEY, contact_id bigint, number text, kind text);
CREATE TABLE crm."Tag" ("Id" bigint PRIMARY KEY, "Label" text);
CREATE TABLE crm.contact_tag (contact_id bigint, "tagId" bigint, PRIMARY KEY (contact_id, "tagId"));
CREATE VIEW crm.card AS SELECT c.id AS number, c.name AS title, c.nick, c.hidden AS gone, o.city FROM crm.contacts c
    LEFT JOIN crm.companies o ON o.id = c.company_id;
INSERT INTO crm.contacts (id, name) VALUES (1, 'Ada');
"""
CONTACTS = Watch("crm.contacts", key="id", columns=("name",))
PHONES = Watch("crm.phones", key="contact_id", columns=("number",))
NAMED = 'SELECT c.id AS key, c.name AS "fullName" FROM crm.contacts c'
PHONED = """SELECT c.id AS key, c.name AS "fullName",
    (SELECT json_agg(p.number) FROM crm.phones p WHERE p.contact_id = c.id) AS "contactDirections" FROM crm.contacts c"""


@pytest.fixture
def crm(empty_database_url: str) -> Iterator[Crm]:
    """A small CRM, read as the worker reads it."""
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute(TABLES)
        connection.execute("SET default_transaction_read_only = on")
        yield connection


def covered(crm: Crm, query: str, *of: Watch) -> list[Finding]:
    """What check says of a query with these watches."""
    mapped = Source("contacts", Method.CONTACTS, Identity.EXTERNAL_ID, 106, query, of)
    fitting, problems = watches.resolved(crm, mapped)
    uses = find_uses(crm, query, columns_read(mapped.method))
    return [*problems, *cover("contacts", uses, fitting, lambda table, keys: watches.runs(crm, table, keys))]


def told(crm: Crm, query: str, *of: Watch) -> list[str]:
    return [finding.text for finding in covered(crm, query, *of) if finding.warns]


def pasted(crm: Crm, query: str, *of: Watch) -> list[Watch]:
    """The watches that check would have one paste."""
    lines = [line for text in told(crm, query, *of) for line in re.findall(r"\{ table = .*?\ }", text)]
    return [Watch(**{**each, "columns": tuple(each.get("columns", ()))}) for each in map(_toml, lines)]


def _toml(line: str) -> dict[str, Any]:
    return tomllib.loads(f"watch = {line}")["watch"]


def test_what_is_watched_is_one_fact(crm: Crm) -> None:
    """No warning where there is nothing to say."""
    assert covered(crm, PHONED, CONTACTS, PHONES) == [
        Finding("contacts: its watches cover every table and column that the query reads")
    ]


def test_a_table_that_nothing_watches_is_named(crm: Crm) -> None:
    """With the column that holds the query's key, and the columns that it uses."""
    assert told(crm, PHONED, CONTACTS) == [
        "contacts: the query reads crm.phones, and no watch covers it: add"
        ' { table = "crm.phones", key = "contact_id", columns = ["contact_id", "number"] }'
    ]


def test_a_column_that_is_used_and_not_listed_is_named(crm: Crm) -> None:
    """Also behind WHERE; the whole watch is there to be pasted."""
    watch = Watch("crm.contacts", key="id", columns=("name",), where="changed.name <> 'x'")

    assert told(crm, f"{NAMED} WHERE NOT c.hidden AND c.nick IS NULL", watch) == [
        "contacts: the query uses nick and hidden of crm.contacts, and its watch does not list them, so that such a change is"
        ' not seen: write { table = "crm.contacts", key = "id", columns = ["name", "nick", "hidden"],'
        " where = \"changed.name <> 'x'\" }"
    ]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        (
            f"{NAMED} JOIN crm.phones p ON c.id = p.contact_id",
            Watch("crm.phones", "contact_id", columns=("contact_id",)),
        ),
        (
            f"{NAMED} WHERE c.id IN (SELECT p.contact_id FROM crm.phones p WHERE p.kind = 'work')",
            Watch("crm.phones", "contact_id", columns=("contact_id", "kind")),
        ),
        (
            f"{NAMED} WHERE EXISTS (SELECT FROM crm.phones p WHERE p.contact_id = c.id)",
            Watch("crm.phones", "contact_id", columns=("contact_id",)),
        ),
        (
            f"WITH p AS (SELECT * FROM crm.phones) {NAMED} JOIN p ON p.contact_id = c.id AND p.number <> ''",
            Watch("crm.phones", "contact_id", columns=("contact_id", "number")),
        ),
        (
            f"{NAMED} CROSS JOIN LATERAL (SELECT p.number FROM crm.phones p WHERE p.contact_id = c.id LIMIT 1) AS x",
            Watch("crm.phones", "contact_id", columns=("contact_id",)),
        ),
        (
            f"{NAMED} JOIN (SELECT contact_id, max(kind) AS k FROM crm.phones GROUP BY 1) AS p ON p.contact_id = c.id"
            " WHERE p.k = 'x'",
            Watch("crm.phones", "contact_id", columns=("contact_id", "kind")),
        ),
        (
            f"{NAMED} JOIN crm.companies o ON o.id = c.company_id WHERE o.city = 'Київ'",
            Watch(
                "crm.companies",
                keys="SELECT c.id FROM crm.contacts c WHERE c.company_id = changed.id",
                columns=("city",),
            ),
        ),
        (
            f"{NAMED} JOIN crm.companies o ON o.id::text = c.nick WHERE o.city = 'Київ'",
            Watch(
                "crm.companies",
                keys="SELECT c.id FROM crm.contacts c WHERE c.nick::text = changed.id::text",
                columns=("city",),
            ),
        ),
        (
            f"{NAMED} JOIN crm.contacts b ON b.id = c.boss_id WHERE b.nick = 'x'",
            Watch(
                "crm.contacts", keys="SELECT c.id FROM crm.contacts c WHERE c.boss_id = changed.id", columns=("nick",)
            ),
        ),
        (
            f'{NAMED} JOIN crm.contact_tag x ON x.contact_id = c.id JOIN crm."Tag" t ON t."Id" = x."tagId" AND t."Label" = \'x\'',
            Watch(
                'crm."Tag"',
                keys='SELECT c.contact_id FROM crm.contact_tag c WHERE c."tagId" = changed."Id"',
                columns=("Label",),
            ),
        ),
    ],
)
def test_the_watch_to_paste_follows_the_querys_own_conditions(crm: Crm, query: str, wanted: Watch) -> None:
    """Whatever form the join has; and with it the query is covered."""
    more = Watch("crm.contacts", key="id"), Watch("crm.contact_tag", key="contact_id")
    given = more if "contact_tag" in query else more[:1]
    assert pasted(crm, query, *given) == [wanted]
    assert told(crm, query, *given, wanted) == []


def test_a_keys_select_goes_by_as_many_tables_as_it_takes(crm: Crm) -> None:
    """From the changed row to the query's key, and it runs."""
    crm.execute("SET default_transaction_read_only = off")
    crm.execute(
        "CREATE TABLE crm.cities (name text PRIMARY KEY, region int); CREATE TABLE crm.regions (id int PRIMARY KEY, name text)"
    )
    query = f"""{NAMED} JOIN crm.companies o ON o.id = c.company_id JOIN crm.cities i ON i.name = o.city
        JOIN crm.regions r ON i.region = r.id WHERE r.name IS NOT NULL"""
    keys = {watch.table: watch.keys for watch in pasted(crm, query)}

    assert keys["crm.regions"] == (
        "SELECT c.id FROM crm.contacts c JOIN crm.companies c2 ON c2.id = c.company_id"
        " JOIN crm.cities c3 ON c3.name = c2.city WHERE c3.region = changed.id"
    )
    assert watches.runs(crm, "crm.regions", keys["crm.regions"] or "")


def test_views_are_followed_to_their_tables(crm: Crm) -> None:
    """Through the view's own joins, to the columns of it that the query uses; a watch on the view itself is refused."""
    query = 'SELECT v.number AS key, v.title || v.city AS "fullName" FROM crm.card v WHERE NOT v.gone'
    on_view = Watch("crm.card", key="number")

    assert pasted(crm, query, on_view) == [
        Watch("crm.contacts", key="id", columns=("name", "company_id", "hidden")),
        Watch(
            "crm.companies", keys="SELECT c.id FROM crm.contacts c WHERE c.company_id = changed.id", columns=("city",)
        ),
    ]
    assert told(crm, query, on_view)[0] == (
        "contacts: Source 'contacts' watches crm.card, which is not a table: watch what it reads."
    )


def test_what_a_view_reads_and_the_query_does_not_use_needs_no_watch(crm: Crm) -> None:
    """Its other columns, and a row that a LEFT JOIN finds by its id and of which nothing is taken."""
    query = 'SELECT v.number AS key, v.title AS "fullName" FROM crm.card v'

    assert told(crm, query, Watch("crm.contacts", key="id", columns=("name", "company_id"))) == []
    assert [watch.table for watch in pasted(crm, query.replace("v.title", "v.city"))] == [
        "crm.contacts",
        "crm.companies",
    ]


@pytest.mark.parametrize(
    "whole", ["to_jsonb(c)", "c::text", "row_to_json(c.*)", "(SELECT to_jsonb(x) FROM (SELECT c.*) AS x)"]
)
def test_a_whole_row_uses_every_column(crm: Crm, whole: str) -> None:
    """Its watch may not list columns."""
    found = told(crm, f"{NAMED.replace('c.name', whole)}", CONTACTS)

    assert found in (
        [
            "contacts: the query takes whole rows of crm.contacts, and its watch lists columns: leave them out:"
            ' { table = "crm.contacts", key = "id" }'
        ],
        [
            "contacts: the query uses nick, company_id, boss_id and hidden of crm.contacts, and its watch does not list them, so"
            ' that such a change is not seen: write { table = "crm.contacts", key = "id",'
            ' columns = ["name", "nick", "company_id", "boss_id", "hidden"] }'
        ],
    )


def test_what_is_not_sent_needs_no_watch(crm: Crm) -> None:
    """Columns that the API does not know, those of a `*` that nobody uses, and a row's own id."""
    query = f"{NAMED.replace('SELECT', 'SELECT c.*, (SELECT count(*) FROM crm.phones) AS calls,')}"

    assert told(crm, query, CONTACTS) == []


def test_what_decides_on_the_rows_needs_a_watch(crm: Crm) -> None:
    """DISTINCT, ORDER BY with LIMIT, GROUP BY and UNION, whatever of it is sent."""
    for query in (
        f"{NAMED.replace('SELECT', 'SELECT DISTINCT c.nick AS x,')}",
        f"{NAMED} ORDER BY c.nick LIMIT 5",
        f"{NAMED.replace('c.name', 'max(c.name)')} GROUP BY c.id, c.nick",
        "SELECT id AS key, name AS \"fullName\", nick AS x FROM crm.contacts UNION SELECT 1, '', ''",
    ):
        assert pasted(crm, query, CONTACTS) == [Watch("crm.contacts", key="id", columns=("name", "nick"))]


def test_a_key_of_the_watched_table_that_is_not_the_querys_is_named(crm: Crm) -> None:
    """The commonest slip: the row's own id, where the contact's stands beside it."""
    assert told(crm, PHONED, CONTACTS, Watch("crm.phones", key="id")) == [
        "contacts: the watch on crm.phones takes id for the query's key, and the query joins the table by contact_id: write"
        ' { table = "crm.phones", key = "contact_id", columns = ["contact_id", "number"] }'
    ]


def test_a_row_of_many_contacts_can_not_name_them_by_a_column(crm: Crm) -> None:
    """A company's id is no contact's."""
    query = f"{NAMED} JOIN crm.companies o ON o.id = c.company_id WHERE o.city = 'Київ'"
    [found] = pasted(crm, query, Watch("crm.contacts", key="id"), Watch("crm.companies", key="id"))

    assert found.keys == "SELECT c.id FROM crm.contacts c WHERE c.company_id = changed.id"


def test_a_table_that_is_read_twice_needs_a_watch_for_each_place(crm: Crm) -> None:
    """A boss who is renamed is no change of a subordinate's row."""
    query = f"{NAMED.replace('c.name', 'c.name || b.name')} JOIN crm.contacts b ON b.id = c.boss_id"
    own = Watch("crm.contacts", key="id", columns=("name", "boss_id"))
    boss = Watch("crm.contacts", keys="SELECT c.id FROM crm.contacts c WHERE c.boss_id = changed.id", columns=("name",))

    assert told(crm, query, own) == [
        "contacts: the query reads crm.contacts once more, as b, and no watch finds the contacts that its rows concern there: add"
        ' { table = "crm.contacts", keys = "SELECT c.id FROM crm.contacts c WHERE c.boss_id = changed.id",'
        ' columns = ["name"] }'
    ]
    assert told(crm, query, own, boss) == []
    assert [watch.key for watch in pasted(crm, query, boss)] == ["id"]


@pytest.mark.parametrize(
    "keys",
    [
        "SELECT changed.contact_id",
        "SELECT c.id FROM crm.contacts c WHERE c.id = changed.contact_id",
        "SELECT (changed).contact_id",
    ],
)
def test_keys_may_say_what_a_key_says(crm: Crm, keys: str) -> None:
    """A SELECT of the column that holds the query's key is as good as the column."""
    assert told(crm, PHONED, CONTACTS, Watch("crm.phones", keys=keys)) == []


@pytest.mark.parametrize(
    "join",
    [
        "JOIN pg_catalog.pg_timezone_names z ON z.name <> c.name",
        "JOIN pg_catalog.pg_class z ON z.relname = c.name",
        "JOIN information_schema.tables z ON z.table_name = c.name",
        "CROSS JOIN LATERAL jsonb_to_recordset('[]') AS z (a int)",
        "CROSS JOIN ROWS FROM (generate_series(1, 2), unnest(ARRAY[c.id])) AS z",
        "CROSS JOIN (VALUES (1), (2)) AS z (a)",
        "TABLESAMPLE SYSTEM (50)",
    ],
)
def test_what_is_no_table_of_the_crm_needs_no_watch(crm: Crm, join: str) -> None:
    """PostgreSQL's own tables, functions and values."""
    assert told(crm, f"{NAMED} {join}", CONTACTS) == []


@pytest.mark.parametrize(
    "query",
    [
        'SELECT a.id AS key, a.name AS "fullName" FROM crm.contacts a NATURAL JOIN (SELECT id FROM crm.companies) b',
        'SELECT id AS key, max(name) AS "fullName" FROM crm.contacts GROUP BY GROUPING SETS ((id), ())',
        'WITH a AS MATERIALIZED (SELECT * FROM crm.contacts), b AS (SELECT * FROM a) SELECT id AS key, name AS "fullName" FROM b',
        "TABLE crm.contacts",
        'SELECT id AS key, row_number() OVER (PARTITION BY name ORDER BY nick) AS "fullName" FROM crm.contacts',
        "(SELECT id AS key FROM crm.contacts EXCEPT SELECT contact_id FROM crm.phones) UNION SELECT 1 ORDER BY 1 LIMIT 2",
        "SELECT x.id AS key FROM crm.contacts x FULL JOIN crm.phones y USING (id)",
        'SELECT id AS key, (SELECT ARRAY(SELECT number FROM crm.phones p WHERE p.contact_id = c.id))::text AS "fullName"'
        " FROM crm.contacts c FOR UPDATE",
        'SELECT c.id AS key, (c).name AS "fullName", (SELECT c) AS x FROM crm.contacts c',
        'SELECT DISTINCT ON (c.id) c.id AS key, c.name AS "fullName" FROM crm.contacts c ORDER BY c.id, c.nick',
        'SELECT c.id AS key, c.name AS "fullName" FROM crm.contacts c WHERE (c.id, c.boss_id) IN (SELECT id, contact_id FROM crm.phones)',
        "SELECT c.id AS key FROM crm.contacts c WHERE c.id > ALL (SELECT id FROM crm.companies) AND ROW(c.id, 1) < (SELECT 2, 3)",
    ],
)
def test_every_form_of_a_query_is_read(crm: Crm, query: str) -> None:
    """Nothing is left in doubt, and no column of crm.contacts is called what it is not."""
    found = told(crm, query)

    assert not any("held against" in line for line in found)
    assert any("crm.contacts" in line for line in found)


def test_two_watches_of_a_table_count_together(crm: Crm) -> None:
    """What the one does not list, the other may."""
    nick = Watch("crm.contacts", key="id", columns=("nick",))

    assert told(crm, f"{NAMED} WHERE c.nick <> ''", CONTACTS, nick) == []


def test_where_the_query_does_not_say_whom_a_row_concerns_there_is_a_gap_to_fill(crm: Crm) -> None:
    """A key that is made of something, or a join by an expression."""
    [text] = told(crm, "SELECT 'c' || c.id AS key, c.name AS \"fullName\" FROM crm.contacts c")

    assert text == (
        'contacts: the query reads crm.contacts, and no watch covers it: add { table = "crm.contacts", key = "…",'
        ' columns = ["name"] }, with its column that holds the query\'s key; or instead of key, keys = "SELECT …" that finds'
        " the keys of a changed row"
    )


def test_a_foreign_key_stands_in_for_a_condition(crm: Crm) -> None:
    """Told as the guess that it is, and held against nobody's own watch."""
    query = f"{NAMED} JOIN crm.companies o ON lower(o.name) = lower(c.nick)"
    contacts = Watch("crm.contacts", key="id")
    [text] = told(crm, query, contacts)

    assert text.endswith("}, if its foreign key is what counts (the query joins it otherwise)")
    assert told(crm, query, contacts, Watch("crm.companies", key="id")) == []


def test_a_function_is_not_seen_through(crm: Crm) -> None:
    """But one whose body PostgreSQL has parsed; one that is immutable reads nothing."""
    crm.execute("SET default_transaction_read_only = off")
    crm.execute("""
        CREATE FUNCTION crm.first_phone(bigint) RETURNS text LANGUAGE sql STABLE
        AS 'SELECT number FROM crm.phones WHERE contact_id = $1 LIMIT 1';
        CREATE FUNCTION crm.city(bigint) RETURNS text LANGUAGE sql STABLE
        BEGIN ATOMIC SELECT o.city FROM crm.companies o WHERE o.id = $1; END;
        CREATE FUNCTION crm.clean(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT trim($1)';
    """)
    query = NAMED.replace("c.name", "crm.clean(c.name) || crm.first_phone(c.id) || crm.city(c.company_id)")

    assert told(crm, query, Watch("crm.contacts", key="id"), Watch("crm.phones", key="contact_id")) == [
        'contacts: the query reads crm.companies, and no watch covers it: add { table = "crm.companies", key = "…",'
        ' columns = ["city"] }, with its column that holds the query\'s key; or instead of key, keys = "SELECT …" that finds'
        " the keys of a changed row",
        "contacts: the query calls crm.first_phone(); what it reads is not seen: watch its tables too",
    ]


def test_what_bears_no_trigger_is_named(crm: Crm) -> None:
    """A materialized view, a foreign table, and a part of a table that is one."""
    crm.execute("SET default_transaction_read_only = off")
    crm.execute("""
        CREATE MATERIALIZED VIEW crm.frozen AS SELECT * FROM crm.phones;
        CREATE FOREIGN DATA WRAPPER nothing; CREATE SERVER away FOREIGN DATA WRAPPER nothing;
        CREATE FOREIGN TABLE crm.far (contact_id bigint, n text) SERVER away;
        CREATE TABLE crm.calls (contact_id bigint, year int) PARTITION BY LIST (year);
        CREATE FOREIGN TABLE crm.calls_1 PARTITION OF crm.calls FOR VALUES IN (1) SERVER away;
    """)
    joins = " ".join(f"JOIN crm.{name} {name} ON {name}.contact_id = c.id" for name in ("frozen", "far", "calls"))
    found = told(crm, f"{NAMED} {joins}", CONTACTS, Watch("crm.calls", key="contact_id"))

    assert [re.sub(",? (so|which) .*", "", text) for text in found] == [
        "contacts: crm.frozen is a materialized view",
        "contacts: crm.far is a foreign table, whose rows change elsewhere",
        "contacts: crm.calls_1, a part of crm.calls, is a foreign table",
    ]


def test_a_watched_parent_covers_its_partitions_and_not_its_children(crm: Crm) -> None:
    """Row triggers are cloned to partitions, and not inherited."""
    crm.execute("SET default_transaction_read_only = off")
    crm.execute("""
        CREATE TABLE crm.calls (contact_id bigint, year int, n text) PARTITION BY LIST (year);
        CREATE TABLE crm.calls_1 PARTITION OF crm.calls FOR VALUES IN (1);
        CREATE TABLE crm.vips (rank int) INHERITS (crm.contacts);
    """)
    calls = Watch("crm.calls", key="contact_id")

    assert told(crm, f"{NAMED} JOIN crm.calls_1 x ON x.contact_id = c.id", CONTACTS, calls) == [
        "contacts: the query reads crm.vips, and no watch covers it: add"
        ' { table = "crm.vips", key = "id", columns = ["name"] }'
    ]
    assert told(crm, NAMED.replace("FROM", "FROM ONLY"), CONTACTS) == []


def test_a_virtual_column_is_what_it_is_made_of(crm: Crm) -> None:
    """A trigger sees nothing in it."""
    if crm.info.server_version < 18_00_00:
        pytest.skip("virtual generated columns came with PostgreSQL 18")
    crm.execute("SET default_transaction_read_only = off")
    crm.execute(
        "CREATE TABLE crm.made (id int PRIMARY KEY, a text, b text, whole text GENERATED ALWAYS AS (a || b) VIRTUAL)"
    )

    assert pasted(crm, 'SELECT id AS key, whole AS "fullName" FROM crm.made') == [
        Watch("crm.made", key="id", columns=("a", "b"))
    ]


def test_a_watch_of_a_table_that_the_query_does_not_read_is_named(crm: Crm) -> None:
    """It costs the CRM its trigger for nothing, or has the wrong name."""
    assert told(crm, NAMED, CONTACTS, PHONES) == [
        "contacts: crm.phones is watched, and the query does not read it: take the watch out, or correct its table"
    ]


def test_a_query_that_postgresql_would_not_make_a_view_of_is_read(crm: Crm) -> None:
    """Columns of one name, and records."""
    query = "SELECT c.id AS key, c.name, p.id, c.id, (c.id, 1) AS pair FROM crm.contacts c JOIN crm.phones p ON p.contact_id = c.id"

    assert [watch.table for watch in pasted(crm, query)] == ["crm.contacts", "crm.phones"]


@pytest.mark.parametrize("query", [PHONED, 'SELECT v.number AS key, v.city AS "fullName" FROM crm.card v'])
def test_without_a_temporary_view_the_tables_are_known(crm: Crm, query: str) -> None:
    """As on a standby; what is not known is said, with the cause."""
    (database,) = crm.execute("SELECT current_database()").fetchone() or ("",)
    crm.execute("SET default_transaction_read_only = off")
    crm.execute(f"CREATE ROLE reader; REVOKE TEMP ON DATABASE {database} FROM PUBLIC")
    crm.execute(
        "GRANT USAGE ON SCHEMA crm TO reader; GRANT SELECT ON ALL TABLES IN SCHEMA crm TO reader; SET ROLE reader"
    )
    try:
        found = told(crm, query, CONTACTS)
    finally:
        crm.execute("RESET ROLE; DROP OWNED BY reader; DROP ROLE reader")
    other = "crm.phones" if query is PHONED else "crm.companies"

    assert found[0].startswith(f"contacts: the query reads {other}, and no watch covers it: add")
    assert found[1:] == [
        "contacts: its watches are compared with the query's tables alone: which columns it uses is not known, as no temporary"
        f' view can be made (permission denied to create temporary tables in database "{database}")'
    ]


def test_proving_leaves_nothing_behind(crm: Crm) -> None:
    """No view, no schema for temporary ones, and no row is read."""
    covered(crm, PHONED, CONTACTS)
    left = "SELECT FROM pg_class WHERE relname LIKE 'ringostat%' UNION ALL SELECT FROM pg_namespace WHERE nspname LIKE 'pg_temp%'"

    assert crm.execute(left).rowcount == 0
