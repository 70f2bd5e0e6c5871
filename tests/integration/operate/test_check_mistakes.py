"""What a newcomer does wrong, and the one line of check that says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tests.support.engine import Engine
from worker.assembly import Assembly
from worker.config.settings import load_settings
from worker.operate.check import Finding, check

WAYS = """json_build_array(json_build_object('type', 'phone', 'value', c.phone)) AS "contactDirections" """
CONTACTS = f'SELECT c.id AS key, c.name AS "fullName", {WAYS} FROM crm.contacts c'
WATCH = '{ table = "crm.contacts", key = "id" }'


def findings(engine: Engine, query: str, *watches: str) -> list[Finding]:
    """What check says of a mapping whose one source has this query and these watches."""
    (engine.folder / "sync.toml").write_text('origin = "CRM"\ndefault_responsible = "1"\n', encoding="utf-8")
    toml = '[[sources]]\nname = "checked"\nmethod = "contacts"\nquery = "checked.sql"\n'
    engine.remap(f"{toml}watch = [{', '.join(watches)}]\n" if watches else toml, checked=query)
    return [found for found in check(engine.wiring, 20) if isinstance(found, Finding)]


def told(engine: Engine, query: str, *watches: str) -> list[str]:
    """The lines of the source that are no facts, with their marks."""
    return [
        f"{'✗' if found.stops else '!'} {found.text.removeprefix('checked: ')}"
        for found in findings(engine, query, *watches)
        if found.text.startswith("checked: ") and (found.stops or found.warns)
    ]


@pytest.fixture
def crm(engine: Engine) -> Engine:
    """Nine contacts, each with a number of its own."""
    engine.contacts(1, 9)
    return engine


def test_a_mapping_without_a_mistake_has_one_line_to_run(crm: Engine) -> None:
    """Until capture is installed; then none."""
    assert told(crm, CONTACTS, WATCH) == ["! capture is missing for crm.contacts: run `ringostat-sync capture install`"]


@pytest.mark.parametrize(
    ("query", "line"),
    [
        (
            CONTACTS.replace("AS key", "AS id"),
            "✗ the query has no column `key`: name the contact's own id so (such as id AS key)",
        ),
        (
            CONTACTS.replace("AS key", "AS number"),
            "✗ the query has no column `key`: name the contact's own id so (such as c.id AS key)",
        ),
        (CONTACTS.replace("AS key", 'AS "Key"'), '✗ its column "Key" must be `key` in small letters: write AS key'),
        (
            CONTACTS.replace("AS key", "AS key, c.name AS key"),
            "✗ the query has more than one column `key`: give one to each contact's id alone",
        ),
        (
            CONTACTS.replace("crm.contacts", "contacts"),
            '✗ the query fails: relation "contacts" does not exist; write crm.contacts if that is meant',
        ),
        (
            CONTACTS.replace("crm.contacts", "crm.contact"),
            '✗ the query fails: relation "crm.contact" does not exist; write crm.contacts if that is meant',
        ),
        (CONTACTS.replace("crm.contacts", "crm.deals"), '✗ the query fails: relation "crm.deals" does not exist'),
        (
            CONTACTS.replace("c.name", "c.Nam"),
            '✗ the query fails: column c.nam does not exist. Perhaps you meant to reference the column "c.name".',
        ),
    ],
)
def test_a_query_that_can_not_be_read_is_one_line(crm: Engine, query: str, line: str) -> None:
    """It stops the source, and says what to write."""
    assert [text for text in told(crm, query, WATCH) if "capture is" not in text] == [line]


def test_a_sample_is_summed_up_by_reason(crm: Engine) -> None:
    """With a few keys; nobody's name or number is told."""
    crm.sql(
        "UPDATE crm.contacts SET name = ' ' WHERE id IN (2, 3, 4, 5); UPDATE crm.contacts SET phone = '12' WHERE id > 7"
    )

    found = told(crm, CONTACTS, WATCH)
    assert [line for line in found if "can't be sent" in line] == [
        "! 4 can't be sent: invalid: fullName must not be null or blank (keys 2, 3, 4, …); || with a null is null,"
        " concat_ws(' ', …) leaves nulls out",
        "! 2 can't be sent: no_directions: contactDirections must hold a valid number or address; left out: no complete number"
        " (keys 8, 9)",
    ]


def test_numbers_that_are_left_out_are_summed_up(crm: Engine) -> None:
    """Where the contact can be sent without them."""
    two = WAYS.replace("'value', c.phone)", "'value', c.phone), json_build_object('type', 'fax', 'value', c.phone)")

    assert any(
        line.startswith("! numbers or addresses that are left out: 9") and "(keys 1, 2, 3, …)" in line
        for line in told(crm, CONTACTS.replace(WAYS, two), WATCH)
    )


@pytest.mark.parametrize(
    "query",
    [
        CONTACTS.replace('"fullName"', "fullName"),
        CONTACTS.replace('"contactDirections"', "contactDirections"),
        f"{CONTACTS} JOIN generate_series(1, 2) ON true",
    ],
    ids=["unquoted name", "unquoted numbers", "a join repeats everybody"],
)
def test_a_sample_of_which_none_can_be_sent_stops_the_source(crm: Engine, query: str) -> None:
    """Whatever the reason, which stands beside it."""
    found = told(crm, query, WATCH)

    assert "✗ of a sample of 9, 0 can be sent" in found
    assert len(found) > 2


def test_keys_that_a_join_repeats_are_told_with_examples(crm: Engine) -> None:
    """Each would be a dead letter."""
    query = f"{CONTACTS} LEFT JOIN (VALUES (3), (3), (5), (5)) AS t (contact) ON t.contact = c.id"

    assert (
        "! keys that come more than once: 2 (keys 3, 5); each becomes a dead letter. A join repeats a contact: put what it"
        " adds into a sub-select"
    ) in told(crm, query, WATCH)


def test_a_source_without_a_row_is_a_warning(engine: Engine) -> None:
    """Never a ✓."""
    found = findings(engine, CONTACTS, WATCH)

    assert "! the query returns no row with a key: correct it, or the rights of its role, unless the CRM is empty" in (
        f"! {one.text.removeprefix('checked: ')}" for one in found if one.warns
    )
    assert not any("sample" in one.text for one in found)


def test_numbers_that_several_contacts_share_are_told_by_their_keys(crm: Engine) -> None:
    """The telephone shows one name for a number; the number is not told."""
    crm.sql(
        "UPDATE crm.contacts SET phone = '0670000001' WHERE id IN (1, 4); UPDATE crm.contacts SET phone = '0670000002' WHERE id = 6"
    )

    assert (
        "! numbers that several contacts share: 2 (keys 1, 4; keys 2, 6); the telephone can show only one name for each"
    ) in told(crm, f"{CONTACTS} ORDER BY c.id", WATCH)


def test_a_project_that_the_mapping_has_not_is_told(crm: Engine) -> None:
    """By its number, and whose rows."""
    query = CONTACTS.replace("SELECT", 'SELECT CASE WHEN c.id = 4 THEN 999 ELSE 106 END AS "projectId",')

    assert (
        '! "projectId" is 999 in 1 rows (key 4), and no project of the mapping: add it to [[projects]], or leave the column out'
    ) in told(crm, query, WATCH)


def test_a_where_that_is_null_for_some_rows_is_told(crm: Engine) -> None:
    """Three-valued logic: what is neither true nor false is not captured."""
    crm.sql("UPDATE crm.contacts SET lead = 'x' WHERE id < 4")
    watch = '{ table = "crm.contacts", key = "id", where = "changed.lead <> \'y\'" }'

    assert (
        "! `where` of the watch on crm.contacts is null for 6 of 9 rows, which counts as false: their changes are not seen."
        " Write IS DISTINCT FROM instead of <>, or OR … IS NULL"
    ) in told(crm, CONTACTS, watch)
    assert not any("is null" in line for line in told(crm, CONTACTS, watch.replace("<>", "IS DISTINCT FROM")))


@pytest.mark.parametrize(
    ("watch", "line"),
    [
        (
            '{ table = "crm.contacts", key = "id", where = "hidden" }',
            '! `where` of the watch on crm.contacts fails, and `capture install` will refuse it: column "hidden" does not exist',
        ),
        (
            '{ table = "crm.contacts", key = "id", where = "changed.nobody" }',
            "! `where` of the watch on crm.contacts fails, and `capture install` will refuse it: column changed.nobody does not"
            " exist",
        ),
        (
            '{ table = "crm.contact", key = "id" }',
            "! Source 'checked' watches crm.contact, which is not in this database; write crm.contacts if that is meant",
        ),
        (
            '{ table = "crm.Contacts", key = "ID" }',
            "",
        ),
        (
            '{ table = "crm.contacts", key = "uid" }',
            "! Source 'checked' watches crm.contacts, which has no column uid.",
        ),
        (
            '{ table = "crm.contacts", keys = "SELECT c.id FROM contacts c WHERE c.id = changed.id" }',
            '✗ `keys` of the watch on crm.contacts fails: relation "contacts" does not exist; name tables with their schemas',
        ),
    ],
)
def test_a_watch_that_does_not_fit_is_one_line(crm: Engine, watch: str, line: str) -> None:
    """As `capture install` would find it, where names without a schema mean nothing."""
    found = [text for text in told(crm, CONTACTS, watch) if "watch on" in text or "watches" in text]

    assert found == ([line] if line else [])


@pytest.mark.parametrize(
    ("watch", "by"),
    [
        ('{ table = "crm.contacts", key = "id" }, { table = "crm.notes", key = "note" }', "note"),
        (
            '{ table = "crm.contacts", key = "id" }, { table = "crm.notes", keys = "SELECT changed.note || \'x\'" }',
            "its `keys`",
        ),
    ],
)
def test_a_watch_none_of_whose_keys_is_the_querys_is_told(crm: Engine, watch: str, by: str) -> None:
    """By a sample of its table's rows, also where the query does not say how the table is joined."""
    crm.sql("CREATE TABLE crm.notes AS SELECT 100 + g AS note, 'N' || g AS whose FROM generate_series(1, 9) g")
    query = f"{CONTACTS} WHERE EXISTS (SELECT FROM crm.notes n WHERE upper(n.whose) <> upper(c.name))"

    count = 9 if by == "note" else 5

    assert (
        f"! of a sample of what the watch on crm.notes finds by {by}, none of {count} keys is one of the query's: does it find"
        " the value that the query calls `key`?"
    ) in told(crm, query, watch)


def test_keys_that_the_query_leads_to_are_right_whomever_it_leaves_out(crm: Engine) -> None:
    """A watch is held against the query's joins, as far as they say; contacts that the query filters are still its keys."""
    crm.sql("CREATE TABLE crm.towns AS SELECT 1 AS id, 'x' AS name; UPDATE crm.contacts SET lead = '1' WHERE id < 6")
    query = f"{CONTACTS} JOIN crm.towns t ON t.id::text = c.lead WHERE c.id > 3"
    right = '{ table = "crm.towns", keys = "SELECT c.id FROM crm.contacts c WHERE c.lead = changed.id::text" }'
    wrong = right.replace("SELECT c.id", "SELECT c.id + 100")

    assert not any("of a sample of what" in line for line in told(crm, query, WATCH, right))
    assert any("of a sample of what" in line for line in told(crm, query, WATCH, wrong))


def test_keys_of_another_type_are_none_of_the_querys(crm: Engine) -> None:
    """A word where the query has numbers."""
    crm.sql("CREATE TABLE crm.notes AS SELECT 'N' || g AS whose FROM generate_series(1, 9) g")
    query = f"{CONTACTS} WHERE EXISTS (SELECT FROM crm.notes n WHERE upper(n.whose) <> upper(c.name))"

    assert any("none of 9 keys" in line for line in told(crm, query, WATCH, '{ table = "crm.notes", key = "whose" }'))


@pytest.mark.parametrize(("end", "is_told"), [("LIMIT 5", True), ("FETCH FIRST ROW ONLY", True), ("-- LIMIT 5", False)])
def test_a_limit_that_was_left_in_the_query_is_told(crm: Engine, end: str, is_told: bool) -> None:
    """Whoever tries a query out has one at its end; a sub-select may have its own."""
    query = CONTACTS.replace("c.name AS", "(SELECT c.name LIMIT 1) AS")

    assert any("take it out" in line for line in told(crm, f"{query} {end}", WATCH)) is is_told


def test_a_table_that_the_role_may_not_read_is_told(crm: Engine) -> None:
    """With the rights that it needs."""
    crm.sql("CREATE TABLE crm.secret (contact bigint)")
    with _as_role(crm, "SELECT 1") as other:
        crm.sql("REVOKE ALL ON crm.secret FROM clerk")
        found = told(other, f"{CONTACTS} JOIN crm.secret s ON s.contact = c.id", WATCH)

    assert (
        "✗ the query fails: permission denied for table secret; grant clerk USAGE on its schema and SELECT on what the query"
        " reads"
    ) in found


def test_a_role_that_may_make_no_view_leaves_the_proof_to_the_outboxs(crm: Engine) -> None:
    """Both see the same tables: the columns are known all the same."""
    watch = '{ table = "crm.contacts", key = "id", columns = ["name"] }'
    with _as_role(crm, f"REVOKE TEMP ON DATABASE {_database(crm)} FROM PUBLIC") as other:
        other.wiring = Assembly.of(load_settings(crm.environment | {"CRM_DATABASE_URL": _url(crm, "clerk", "clerk")}))
        found = told(other, CONTACTS, watch)

    assert any("the query uses phone of crm.contacts" in line for line in found)
    assert not any("temporary view" in line for line in found)


def test_watches_of_a_crm_elsewhere_are_not_asked_for(crm: Engine, empty_database_url: str) -> None:
    """It is polled: what no watch covers is no mistake."""
    crm.remap('[[sources]]\nname = "checked"\nmethod = "contacts"\nquery = "checked.sql"\n', checked=CONTACTS)
    environment = crm.environment | {"DATABASE_URL": empty_database_url, "CRM_DATABASE_URL": crm.database_url}
    found = [one.text for one in check(Assembly.of(load_settings(environment)), 5) if isinstance(one, Finding)]

    assert "checked: of a sample of 5, 5 can be sent" in found
    assert not any("watch" in line or "capture" in line for line in found)


def test_policies_that_hide_rows_are_told(crm: Engine) -> None:
    """By the table's name, and what to do."""
    with _as_role(
        crm, "ALTER TABLE crm.contacts ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON crm.contacts USING (id < 5)"
    ) as other:
        found = told(other, CONTACTS, WATCH)

    assert (
        "✗ row level security of crm.contacts (own) hides rows from this role: give it BYPASSRLS, or write"
        " row_security = true into the source if what it sees is meant to be all"
    ) in found


def test_rights_that_an_installation_will_lack_are_told(crm: Engine) -> None:
    """Before it is tried; once capture is installed, nobody needs them any more."""
    with _as_role(crm, "SELECT 1") as other:
        found = [one.text for one in findings(other, CONTACTS, WATCH) if "will fail" in one.text]

    assert found == [
        "`capture install` will fail as role clerk: it may not create what it needs: GRANT CREATE ON DATABASE"
        f" {_database(crm)} TO clerk, or run it as a role that may",
        "`capture install` will fail as role clerk: crm.contacts belong to postgres: run it as postgres, or GRANT postgres TO"
        " clerk",
    ]


def test_a_publication_of_everything_is_told(crm: Engine) -> None:
    """It takes our own tables to the CRM's subscribers, who have none such."""
    crm.sql("CREATE PUBLICATION everything FOR ALL TABLES")

    assert (
        "The publication everything is FOR ALL TABLES and publishes our own tables too, which stops its subscribers: let it name"
        " its tables or schemas"
    ) in [found.text for found in findings(crm, CONTACTS, WATCH) if found.warns]


def test_a_refused_role_is_no_silence(crm: Engine) -> None:
    """PostgreSQL has answered, in its own words."""
    wiring = Assembly.of(load_settings(crm.environment | {"CRM_DATABASE_URL": _url(crm, "nobody", "wrong")}))
    [line] = [one.text for one in check(wiring, 0) if isinstance(one, Finding) and one.stops]

    assert line == 'CRM_DATABASE_URL: PostgreSQL refuses: password authentication failed for user "nobody"'


def test_a_large_table_that_is_read_for_one_key_is_told(crm: Engine) -> None:
    """A cast of the key hides its index."""
    crm.contacts(10, 30_000)
    crm.sql("ANALYZE crm.contacts")

    assert not any("for a single key" in line for line in told(crm, CONTACTS, WATCH))
    assert (
        "! for a single key PostgreSQL would read all of crm.contacts (about 30000 rows): let an index serve the key (a cast"
        " such as id::text hides it), and each column by which a table is joined"
    ) in told(crm, CONTACTS.replace("c.id AS key", "c.id::text AS key"), WATCH)


def _url(engine: Engine, user: str, password: str) -> str:
    parts = psycopg.conninfo.conninfo_to_dict(engine.database_url)
    return f"postgresql://{user}:{password}@{parts['host']}:{parts['port']}/{parts['dbname']}"


def _database(engine: Engine) -> str:
    return str(engine.sql("SELECT current_database()")[0][0])


@contextmanager
def _as_role(engine: Engine, change: str) -> Iterator[Engine]:
    """The engine again, as a role that may read the CRM and no more, after a change."""
    engine.sql(change)
    engine.sql("CREATE ROLE clerk LOGIN PASSWORD 'clerk'; GRANT USAGE ON SCHEMA crm, ringostat_sync TO clerk")
    engine.sql("GRANT SELECT ON ALL TABLES IN SCHEMA crm, ringostat_sync TO clerk")
    usual = engine.wiring
    engine.wiring = Assembly.of(load_settings(engine.environment | {"DATABASE_URL": _url(engine, "clerk", "clerk")}))
    try:
        yield engine
    finally:
        engine.wiring.engine.dispose()
        engine.wiring.crm.dispose()
        engine.wiring = usual
        engine.sql("DROP OWNED BY clerk; DROP ROLE clerk")
