"""What a watched table's changes leave in the outbox, and that they never fail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.support.watching import PEOPLE, functions, keys, rows, watch
from worker.config.model import Watch

Crm = psycopg.Connection[Any]
BY_ID = Watch("crm.people", key="id")
BY_COMPANY = Watch("crm.people", keys="SELECT p.id FROM crm.people p WHERE p.company = changed.company")


@pytest.fixture
def crm(database_url: str) -> Iterator[Crm]:
    """A table of two people, not watched yet."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(PEOPLE + "INSERT INTO crm.people (id, name) VALUES (1, 'Ada'), (2, 'Ben')")
        yield connection


def test_an_insert_names_the_new_key(crm: Crm) -> None:
    """One row, one key."""
    watch(crm, BY_ID)
    crm.execute("INSERT INTO crm.people (id) VALUES (3)")

    assert keys(crm) == ["3"]


def test_a_delete_names_the_old_key(crm: Crm) -> None:
    """The contact is read anew, and found absent."""
    watch(crm, BY_ID)
    crm.execute("DELETE FROM crm.people WHERE id = 2")

    assert keys(crm) == ["2"]


def test_an_update_names_the_key_once(crm: Crm) -> None:
    """Old and new key are the same."""
    watch(crm, BY_ID)
    crm.execute("UPDATE crm.people SET name = 'Eve' WHERE id = 1")

    assert keys(crm) == ["1"]


def test_a_new_key_names_both(crm: Crm) -> None:
    """The contact that was and the contact that is."""
    watch(crm, BY_ID)
    crm.execute("UPDATE crm.people SET id = 7 WHERE id = 1")

    assert keys(crm) == ["1", "7"]


def test_a_null_key_names_nobody(crm: Crm) -> None:
    """A row that belongs to no contact is no contact's change; on its way in and out it names the other one."""
    watch(crm, Watch("crm.people", key="company"))
    crm.execute("UPDATE crm.people SET name = 'Eve' WHERE id = 1")
    assert keys(crm) == []

    crm.execute("UPDATE crm.people SET company = 5 WHERE id = 1")
    assert keys(crm) == ["5"]

    crm.execute("UPDATE crm.people SET company = NULL WHERE id = 1")
    assert keys(crm) == ["5"]


def test_an_update_that_changes_nothing_is_no_change(crm: Crm) -> None:
    """Rows are compared by image, as json and point have no equality."""
    crm.execute("""UPDATE crm.people SET notes = '{"a": 1}', place = '(1,2)'""")
    watch(crm, BY_ID)
    crm.execute("""UPDATE crm.people SET name = name, notes = '{"a": 1}', place = '(1,2)'""")

    assert keys(crm) == []


def test_an_update_of_json_alone_is_a_change(crm: Crm) -> None:
    """A type without equality is compared too."""
    watch(crm, BY_ID)
    crm.execute("""UPDATE crm.people SET notes = '{"a": 2}' WHERE id = 1""")

    assert keys(crm) == ["1"]


@pytest.mark.parametrize("columns", [("name",), ("NAME",), ('"name"',), ("notes", "place", "name")])
def test_columns_narrow_what_is_a_change(crm: Crm, columns: tuple[str, ...]) -> None:
    """Only the named columns count, as SQL reads their names."""
    watch(crm, Watch("crm.people", key="id", columns=columns))
    crm.execute("UPDATE crm.people SET hidden = true WHERE id = 1")
    crm.execute("UPDATE crm.people SET name = 'Eve' WHERE id = 2")

    assert keys(crm) == ["2"]


def test_the_key_counts_beside_the_columns(crm: Crm) -> None:
    """A row that goes to another contact is a change of both, whatever `columns` say."""
    watch(crm, Watch("crm.people", key="company", columns=("name",)))
    crm.execute("UPDATE crm.people SET company = 5 WHERE id = 1")

    assert keys(crm) == ["5"]


def test_an_insert_whose_columns_are_null_is_a_change(crm: Crm) -> None:
    """`columns` are about updates."""
    watch(crm, Watch("crm.people", key="id", columns=("name",)))
    crm.execute("INSERT INTO crm.people (id) VALUES (3)")

    assert keys(crm) == ["3"]


@pytest.mark.parametrize(("before", "after"), [("false", "true"), ("true", "false"), ("false", "false")])
def test_where_holds_before_or_after(crm: Crm, before: str, after: str) -> None:
    """A row that leaves what is wanted is a change as well as one that enters it."""
    crm.execute(f"UPDATE crm.people SET hidden = {before}")
    watch(crm, Watch("crm.people", key="id", where="NOT changed.hidden"))
    crm.execute(f"UPDATE crm.people SET hidden = {after}, name = 'Eve' WHERE id = 1")

    assert keys(crm) == ["1"]


def test_where_that_holds_neither_before_nor_after_is_no_change(crm: Crm) -> None:
    """Null is not true."""
    watch(crm, Watch("crm.people", key="id", where="changed.company > 3"))
    crm.execute("UPDATE crm.people SET name = 'Eve'; UPDATE crm.people SET company = 2")

    assert keys(crm) == []


def test_where_speaks_for_the_old_and_the_new_key(crm: Crm) -> None:
    """Each key is named where its own row holds."""
    watch(crm, Watch("crm.people", key="id", where="changed.name <> 'Eve'"))
    crm.execute("UPDATE crm.people SET id = 7, name = 'Eve' WHERE id = 1")

    assert keys(crm) == ["1"]


def test_an_error_in_where_captures_the_change(crm: Crm) -> None:
    """Division by zero in the CRM's data costs nobody a transaction, and no change."""
    watch(crm, Watch("crm.people", key="id", where="10 / changed.company > 100"))
    crm.execute("UPDATE crm.people SET company = 0 WHERE id = 1; UPDATE crm.people SET company = 1 WHERE id = 2")

    assert keys(crm) == ["1"]


@pytest.mark.parametrize(
    "where",
    [
        "changed.name <> ';' -- no; end",
        "changed.name IS DISTINCT FROM '}{ {value} $x$ %s %'",
        "CASE WHEN changed.hidden THEN false ELSE true END",
        "EXISTS (SELECT FROM crm.odd o WHERE o.changed <> changed.id AND o.rs_new > 0)",
        "/* (( */ (changed).id > 0",
    ],
)
def test_where_is_any_condition(crm: Crm, where: str) -> None:
    """Comments, braces, plpgsql's own words and columns named like our variables do no harm."""
    crm.execute("CREATE TABLE crm.odd (changed int, rs_new int); INSERT INTO crm.odd VALUES (99, 1)")
    watch(crm, Watch("crm.people", key="id", where=where))
    crm.execute("UPDATE crm.people SET company = 5 WHERE id = 1")

    assert keys(crm) == ["1"]


def test_a_keys_watch_keeps_only_the_columns_that_it_names(crm: Crm) -> None:
    """The collector expands the row later; nobody's name is copied."""
    watch(crm, BY_COMPANY)
    crm.execute("INSERT INTO crm.people (id, name, company) VALUES (3, 'Eve', 5)")

    assert rows(crm) == [{"company": 5}]


def test_a_keys_watch_writes_one_row_where_both_say_the_same(crm: Crm) -> None:
    """A renamed company is one row, a moved one two."""
    watch(crm, BY_COMPANY)
    crm.execute("UPDATE crm.people SET name = 'Eve' WHERE id = 1")
    assert rows(crm) == [{"company": None}]

    crm.execute("UPDATE crm.people SET company = 5 WHERE id = 1")
    assert rows(crm) == [{"company": None}, {"company": 5}]


def test_what_keys_names_counts_beside_the_columns(crm: Crm) -> None:
    """Another company has other contacts."""
    watch(crm, Watch("crm.people", keys=BY_COMPANY.keys, columns=("hidden",)))
    crm.execute("UPDATE crm.people SET name = 'Eve' WHERE id = 1")
    assert rows(crm) == []

    crm.execute("UPDATE crm.people SET company = 5 WHERE id = 1")
    assert rows(crm) == [{"company": None}, {"company": 5}]


def test_a_keys_watch_that_names_no_column_keeps_none(crm: Crm) -> None:
    """Its contacts do not depend on which row has changed."""
    watch(crm, Watch("crm.people", keys="SELECT id FROM crm.people"))
    crm.execute("UPDATE crm.people SET name = 'Eve'")

    assert rows(crm) == [{}, {}]


def test_several_watches_of_a_table_each_write(crm: Crm) -> None:
    """Also the same one for two sources."""
    watch(crm, BY_ID, Watch("crm.people", key="company"), other=(BY_ID,))
    crm.execute("INSERT INTO crm.people (id, company) VALUES (3, 5)")

    found = crm.execute("SELECT source, key FROM ringostat_sync.outbox ORDER BY 1, 2").fetchall()
    assert found == [("other", "3"), ("people", "3"), ("people", "5")]


def test_columns_may_be_named_like_ours(crm: Crm) -> None:
    """A table whose columns are called key, source, changed, old and new."""
    crm.execute('CREATE TABLE crm.odd (key int, source int, changed int, old int, new int, "Rs ""x\\" int)')
    watch(crm, Watch("crm.odd", key="key", where="changed.changed > 0 AND changed.old = changed.new", columns=("old",)))
    crm.execute("INSERT INTO crm.odd VALUES (1, 2, 3, 4, 4, 5)")
    crm.execute("UPDATE crm.odd SET old = 6, new = 6")

    assert keys(crm) == ["1", "1"]


def test_names_may_be_quoted(crm: Crm) -> None:
    """Capitals, spaces and quotes, in table and columns, for key and keys."""
    crm.execute('CREATE TABLE crm."Company" ("Id" int, "the ""name""\\" text)')
    by_keys = 'SELECT p.id FROM crm.people p WHERE p.company = changed."Id" OR p.name = changed."the ""name""\\"'
    watch(crm, Watch('crm."Company"', key="Id"), more=(Watch('crm."Company"', keys=by_keys),))
    crm.execute("""INSERT INTO crm."Company" VALUES (1, 'x')""")

    found = crm.execute("SELECT key, changed FROM ringostat_sync.outbox ORDER BY key").fetchall()
    assert found == [("", {"Id": 1, 'the "name"\\': "x"}), ("1", None)]


def test_generated_and_identity_columns(crm: Crm) -> None:
    """A key that PostgreSQL makes, and a stored column that it computes."""
    crm.execute("""
        CREATE TABLE crm.made (id int GENERATED ALWAYS AS IDENTITY, a int, b int GENERATED ALWAYS AS (a / 10) STORED)
    """)
    watch(crm, Watch("crm.made", key="id", columns=("b",)))
    crm.execute("INSERT INTO crm.made (a) VALUES (10); UPDATE crm.made SET a = 11; UPDATE crm.made SET a = 20")

    assert keys(crm) == ["1", "1"]


def test_copy_is_captured(crm: Crm) -> None:
    """Rows that arrive in bulk."""
    watch(crm, BY_ID)
    with crm.cursor() as cursor, cursor.copy("COPY crm.people (id) FROM STDIN") as copy:
        copy.write("8\n9\n")

    assert keys(crm) == ["8", "9"]


def test_an_upsert_names_its_row_once(crm: Crm) -> None:
    """INSERT … ON CONFLICT DO UPDATE is the update that it comes to."""
    watch(crm, BY_ID)
    crm.execute(
        "INSERT INTO crm.people (id, name) VALUES (1, 'Eve') ON CONFLICT (id) DO UPDATE SET name = excluded.name"
    )

    assert keys(crm) == ["1"]


def test_a_change_rolled_back_is_none(crm: Crm) -> None:
    """The outbox is written in the CRM's own transaction."""
    watch(crm, BY_ID)
    with crm.transaction(force_rollback=True):
        crm.execute("UPDATE crm.people SET name = 'Eve'")

    assert keys(crm) == []


@pytest.mark.parametrize("level", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
def test_writers_at_once_do_not_fail_each_other(crm: Crm, database_url: str, level: str) -> None:
    """Two transactions that touch different rows commit, at every level of isolation."""
    watch(crm, BY_ID, Watch("crm.people", keys="SELECT changed.company"))
    with psycopg.connect(database_url) as one, psycopg.connect(database_url) as two:
        for number, connection in enumerate((one, two), start=1):
            connection.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
            connection.execute(f"UPDATE crm.people SET company = {number} WHERE id = {number}")
        one.commit()
        two.commit()

    assert crm.execute("SELECT count(*) FROM ringostat_sync.outbox").fetchone() == (6,)


def test_a_role_that_knows_nothing_of_us(crm: Crm) -> None:
    """The function writes with its owner's rights."""
    watch(crm, BY_ID)
    crm.execute("CREATE ROLE stranger; GRANT USAGE ON SCHEMA crm TO stranger; GRANT ALL ON crm.people TO stranger")
    try:
        crm.execute("SET ROLE stranger")
        crm.execute("UPDATE crm.people SET name = 'Eve' WHERE id = 1")
        crm.execute("RESET ROLE")

        assert keys(crm) == ["1"]
    finally:
        crm.execute("DROP OWNED BY stranger; DROP ROLE stranger")


def test_strangers_can_not_put_our_functions_on_their_tables(crm: Crm) -> None:
    """A SECURITY DEFINER function that anybody can name could write for any table: our schema is closed to them."""
    watch(crm, BY_ID)
    [name, *_] = sorted(functions(crm))
    crm.execute("CREATE ROLE stranger; CREATE SCHEMA theirs AUTHORIZATION stranger")
    try:
        crm.execute("SET ROLE stranger; CREATE TABLE theirs.things (id int)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="schema ringostat_sync"):
            crm.execute(
                f"CREATE TRIGGER t AFTER INSERT ON theirs.things FOR EACH ROW EXECUTE FUNCTION ringostat_sync.{name}()"
            )
    finally:
        crm.execute("RESET ROLE; DROP OWNED BY stranger; DROP ROLE stranger")


def test_a_tables_owner_adds_partitions_and_knows_nothing_of_us(crm: Crm) -> None:
    """PostgreSQL puts our triggers on them, in the owner's name; their changes are captured."""
    crm.execute("CREATE ROLE owner_of_parts; GRANT USAGE, CREATE ON SCHEMA crm TO owner_of_parts")
    try:
        crm.execute("SET ROLE owner_of_parts; CREATE TABLE crm.parts (id int, part int) PARTITION BY LIST (part)")
        crm.execute("RESET ROLE")
        watch(crm, Watch("crm.parts", key="id"))
        crm.execute("SET ROLE owner_of_parts; CREATE TABLE crm.part_1 PARTITION OF crm.parts FOR VALUES IN (1)")
        crm.execute("CREATE TABLE crm.part_2 (id int, part int)")
        crm.execute("ALTER TABLE crm.parts ATTACH PARTITION crm.part_2 FOR VALUES IN (2)")
        crm.execute("INSERT INTO crm.parts VALUES (7, 1), (8, 2)")
        crm.execute("RESET ROLE")

        assert keys(crm) == ["7", "8"]
    finally:
        crm.execute("RESET ROLE; DROP OWNED BY owner_of_parts; DROP ROLE owner_of_parts")


@pytest.mark.parametrize("json", [r'{"a": "\u0000"}', r'{"a": "\ud800"}', "1e999999"])
def test_an_error_in_where_captures_the_change_whatever_else_the_row_holds(crm: Crm, json: str) -> None:
    """Json that no jsonb can hold is in the row's way, and not in its key's."""
    watch(crm, Watch("crm.people", key="id", where="CAST(changed.name AS int) > 0"))
    crm.execute("UPDATE crm.people SET name = 'abc', notes = %s WHERE id = 1", [json])

    assert keys(crm) == ["1"]


def test_an_assertion_that_fails_in_where_captures_the_change(crm: Crm) -> None:
    """The one error besides a cancelled query that OTHERS leaves out."""
    crm.execute("""
        CREATE FUNCTION crm.sure(id int) RETURNS bool LANGUAGE plpgsql AS $$BEGIN ASSERT id > 5; RETURN true; END$$
    """)
    watch(crm, Watch("crm.people", key="id", where="crm.sure(changed.id)"))
    crm.execute("UPDATE crm.people SET name = 'Eve' WHERE id = 1")
    assert keys(crm) == ["1"]

    crm.execute("TRUNCATE crm.people")
    assert keys(crm) == ["1", "2"]


EVIL = """
CREATE SCHEMA evil;
CREATE TABLE crm.hijacked (by text);
CREATE FUNCTION evil.same(pg_catalog.text, pg_catalog.text) RETURNS bool LANGUAGE sql
    AS $$INSERT INTO crm.hijacked VALUES ('text') RETURNING true$$;
CREATE FUNCTION evil.same_row(record, record) RETURNS bool LANGUAGE plpgsql
    AS $$BEGIN INSERT INTO crm.hijacked VALUES ('record'); RETURN true; END$$;
CREATE FUNCTION evil.same_json(pg_catalog.jsonb, pg_catalog.jsonb) RETURNS bool LANGUAGE sql
    AS $$INSERT INTO crm.hijacked VALUES ('jsonb') RETURNING true$$;
CREATE FUNCTION evil.get(pg_catalog.jsonb, pg_catalog.text) RETURNS pg_catalog.text LANGUAGE sql
    AS $$INSERT INTO crm.hijacked VALUES ('->>') RETURNING '7'$$;
CREATE FUNCTION evil.to_jsonb(anyelement) RETURNS pg_catalog.jsonb LANGUAGE sql
    AS $$INSERT INTO crm.hijacked VALUES ('to_jsonb') RETURNING '{"id": 7}'::pg_catalog.jsonb$$;
CREATE FUNCTION evil.jsonb_build_object(pg_catalog.text, int) RETURNS pg_catalog.jsonb LANGUAGE sql
    AS $$INSERT INTO crm.hijacked VALUES ('build') RETURNING '{"id": 7}'::pg_catalog.jsonb$$;
CREATE OPERATOR evil.= (FUNCTION = evil.same, LEFTARG = pg_catalog.text, RIGHTARG = pg_catalog.text);
CREATE OPERATOR evil.<> (FUNCTION = evil.same, LEFTARG = pg_catalog.text, RIGHTARG = pg_catalog.text);
CREATE OPERATOR evil.<> (FUNCTION = evil.same_json, LEFTARG = pg_catalog.jsonb, RIGHTARG = pg_catalog.jsonb);
CREATE OPERATOR evil.= (FUNCTION = evil.same_row, LEFTARG = record, RIGHTARG = record);
CREATE OPERATOR evil.*= (FUNCTION = evil.same_row, LEFTARG = record, RIGHTARG = record);
CREATE OPERATOR evil.->> (FUNCTION = evil.get, LEFTARG = pg_catalog.jsonb, RIGHTARG = pg_catalog.text);
CREATE DOMAIN evil.text AS pg_catalog.text CHECK (value IS NULL);
CREATE DOMAIN evil.jsonb AS pg_catalog.jsonb CHECK (value IS NULL);
CREATE TEMP TABLE outbox (source pg_catalog.text, key pg_catalog.text);
SET search_path = evil, pg_temp, crm, pg_catalog;
"""
"""What a writer may put in the way of every name that is not qualified."""


@pytest.mark.parametrize("is_upgraded", [False, True])
@pytest.mark.parametrize(
    ("watched", "found"),
    [
        (Watch("crm.people", key="id"), "1"),
        (Watch("crm.people", key="id", columns=("name", "company")), "1"),
        (Watch("crm.people", key="id", where="changed.name IS NOT NULL"), "1"),
        (Watch("crm.people", keys="SELECT changed.id"), None),
        (Watch("crm.people", keys="SELECT (changed).id"), None),
    ],
)
def test_names_of_ours_can_not_be_hijacked(crm: Crm, watched: Watch, found: str | None, *, is_upgraded: bool) -> None:
    """Tables, types, functions and operators on the writer's path change nothing; nor where a column is gone. `found`: the key."""
    watch(crm, watched)
    if is_upgraded:
        crm.execute("ALTER TABLE crm.people DROP COLUMN company")
    crm.execute(EVIL)
    crm.execute("UPDATE crm.people SET name = 'Eve' WHERE id OPERATOR(pg_catalog.=) 1")
    crm.execute("RESET search_path")

    assert crm.execute("SELECT by FROM crm.hijacked").fetchall() == []
    captured = crm.execute("SELECT key, changed FROM ringostat_sync.outbox").fetchall()
    assert captured
    assert all(key == found or changed["id"] == 1 for key, changed in captured)


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE crm.people DROP COLUMN company",
        "ALTER TABLE crm.people RENAME COLUMN company TO firm",
        "ALTER TABLE crm.people ALTER COLUMN company TYPE text",
    ],
)
@pytest.mark.parametrize("in_session", [True, False])
def test_a_column_that_changes_fails_nobody(crm: Crm, database_url: str, change: str, *, in_session: bool) -> None:
    """A CRM upgrade under `columns`, `where` and `keys`: updates go on and are captured, in old sessions and new ones."""
    watch(
        crm,
        Watch("crm.people", key="id", columns=("company",)),
        of_where=(Watch("crm.people", key="id", where="changed.company IS NULL"),),
        of_keys=(Watch("crm.people", keys="SELECT changed.company + changed.id"),),
    )
    with psycopg.connect(database_url, autocommit=True) as writer:
        if in_session:
            writer.execute("UPDATE crm.people SET name = 'before', company = 1; UPDATE crm.people SET company = NULL")
            crm.execute("DELETE FROM ringostat_sync.outbox")
        writer.execute(change)
        writer.execute("UPDATE crm.people SET name = 'after' WHERE id = 1")

    found = crm.execute("SELECT DISTINCT source, coalesce(changed ->> 'id', key) FROM ringostat_sync.outbox").fetchall()

    due = {"of_where", "of_keys"} if "TYPE" in change else {"of_where", "of_keys", "people"}
    assert {source for source, key in found if key == "1"} >= due


@pytest.mark.parametrize("change", ["DROP COLUMN company", "RENAME COLUMN company TO firm"])
def test_a_key_that_is_gone_is_told_in_the_servers_log(crm: Crm, change: str) -> None:
    """The CRM's transaction goes on; nobody can be named any more, so all are read, once for however many changes."""
    told: list[str] = []
    watch(crm, Watch("crm.people", key="company"))
    crm.execute(f"ALTER TABLE crm.people {change}")
    crm.execute("SET client_min_messages = log")
    crm.add_notice_handler(lambda notice: told.append(notice.message_primary or ""))
    crm.execute("UPDATE crm.people SET name = 'Eve' WHERE id = 1")

    assert told == [
        "ringostat-sync: whose row of crm.people has changed could not be captured (SQLSTATE 42703), so all of its source are"
        ' read: run "ringostat-sync capture status"'
    ]
    captured = crm.execute("SELECT key, watch IS NOT NULL, changed::text FROM ringostat_sync.outbox").fetchall()
    assert captured == [("", True, "null")]


def test_a_null_key_whose_where_fails_names_nobody(crm: Crm) -> None:
    """There is nobody to read."""
    watch(crm, Watch("crm.people", key="company", where="CAST(changed.name AS int) > 0"))
    crm.execute("UPDATE crm.people SET name = 'Eve' WHERE id = 1")

    assert keys(crm) == []
