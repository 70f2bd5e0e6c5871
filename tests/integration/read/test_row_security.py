"""Row level security: a row that a policy would hide is an error, unless the source reads through the policies on purpose."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

import migrations
from tests.support.engine import PROJECT, Engine
from tests.support.watching import PEOPLE, keys, watch
from worker.config.model import Watch
from worker.errors import MappingBrokenError
from worker.operate.check import Finding, check
from worker.read.reader import Reader

ROLE = "rs_reader"
HIDDEN = "Row level security would hide rows from source 'contacts' (42501): give the role BYPASSRLS"


@pytest.fixture
def reader(database_url: str) -> Iterator[str]:
    """The address of a role that may read everything, and is no superuser."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"DROP ROLE IF EXISTS {ROLE}")
        connection.execute(f"CREATE ROLE {ROLE} LOGIN PASSWORD 'p' IN ROLE pg_read_all_data")
        yield address(database_url, ROLE)
        connection.execute(f"REASSIGN OWNED BY {ROLE} TO CURRENT_USER")
        connection.execute(f"DROP OWNED BY {ROLE}")
        connection.execute(f"DROP ROLE {ROLE}")


def address(database_url: str, role: str) -> str:
    """The same database as another role."""
    parts = conninfo_to_dict(database_url)
    return f"postgresql://{role}:p@{parts['host']}:{parts['port']}/{parts['dbname']}"


@pytest.fixture
def engine(make_engine: Callable[..., Engine], reader: str) -> Engine:
    """The engine, reading as that role; contacts 1 to 4 were sent."""
    made = make_engine(CRM_DATABASE_URL=reader)
    made.contacts(1, 4)
    made.change(1, 2, 3, 4)
    made.drain()
    assert made.lane().sent == 4
    return made


def hide(engine: Engine, *, table: str = "crm.contacts", condition: str = "id < 3", owner: str | None = None) -> None:
    """Switch a policy on."""
    engine.sql(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    engine.sql(f"CREATE POLICY few ON {table} USING ({condition})")
    if owner:
        engine.sql(f"ALTER TABLE {table} OWNER TO {owner}")
        engine.sql(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def requery(engine: Engine, **queries: str) -> None:
    """Another query, or another word in `sync.toml`, under the engine that runs."""
    engine.remap("", **queries)
    engine.wiring.pusher.mapping = engine.wiring.mapping
    engine.wiring.pusher.reader = Reader(engine.wiring.crm)


def pushed(engine: Engine) -> Any:
    """What the lane says after all four have changed once more."""
    engine.contacts(1, 4, "New")
    engine.change(1, 2, 3, 4)
    engine.push()
    return engine.lane()


@pytest.mark.parametrize("owner", [None, ROLE], ids=["a policy", "forced upon the owner"])
def test_a_policy_pauses_the_project(engine: Engine, owner: str | None) -> None:
    """While the worker runs: nothing settles as absent, and the pause says what to do; without the policy all goes on."""
    hide(engine, owner=owner)
    lane = pushed(engine)

    assert lane.paused is not None
    assert (lane.paused.reason, lane.absent) == ("mapping_broken", 0)
    assert lane.paused.detail.startswith(HIDDEN)

    engine.sql("ALTER TABLE crm.contacts DISABLE ROW LEVEL SECURITY")
    engine.probe_now()
    engine.drain()
    assert (engine.lane().sent, engine.lane().absent) == (8, 0)


@pytest.mark.parametrize(
    "view",
    [
        "CREATE VIEW crm.seen WITH (security_invoker) AS SELECT * FROM crm.contacts",
        "CREATE VIEW crm.seen WITH (security_barrier) AS SELECT * FROM crm.contacts",
        "CREATE VIEW crm.seen AS SELECT * FROM crm.contacts",
    ],
    ids=["the reader's rights", "a barrier", "the owner's rights"],
)
def test_a_view_hides_nothing_either(engine: Engine, view: str) -> None:
    """A policy that applies to the reader, or to the view's owner, is an error beneath it."""
    engine.sql(view)
    engine.sql(f"ALTER VIEW crm.seen OWNER TO {ROLE}")
    engine.sql(f"GRANT USAGE ON SCHEMA crm TO {ROLE}")
    requery(
        engine,
        contacts="""SELECT id AS key, name AS "fullName", '[{"type":"phone","value":"0671234567"}]'::json
        AS "contactDirections" FROM crm.seen""",
    )
    hide(engine)

    assert pushed(engine).paused.detail.startswith(HIDDEN)


def test_numbers_of_another_table_are_not_dropped(engine: Engine) -> None:
    """A policy on a joined table would leave contacts without some of their numbers."""
    engine.sql("CREATE TABLE crm.phones AS SELECT id, phone FROM crm.contacts")
    requery(
        engine,
        contacts="""SELECT c.id AS key, c.name AS "fullName", (SELECT json_agg(json_build_object('type', 'phone',
        'value', p.phone)) FROM crm.phones p WHERE p.id = c.id) AS "contactDirections" FROM crm.contacts c""",
    )
    hide(engine, table="crm.phones")

    assert pushed(engine).paused.detail.startswith(HIDDEN)
    assert engine.dead_letters() == []


def test_a_source_may_read_through_policies(engine: Engine) -> None:
    """What it does not see is absent then; another source beside it is still an error."""
    hide(engine)
    toml = (
        (engine.folder / "sync.toml")
        .read_text()
        .replace('query = "contacts.sql"', 'query = "contacts.sql"\nrow_security = true')
    )
    (engine.folder / "sync.toml").write_text(toml)
    requery(engine)
    lane = pushed(engine)

    assert (lane.paused, lane.absent, lane.sent) == (None, 2, 6)

    engine.sql("UPDATE crm.contacts SET lead = 'L' WHERE id = 1")
    engine.change("L", source="leads")
    engine.push()
    assert engine.lane().paused is not None


def test_a_fan_out_does_not_overlook_anybody(engine: Engine) -> None:
    """The `keys` SELECT is read alike."""
    engine.sql(
        "INSERT INTO ringostat_sync.watches (id, source, table_name, keys, definition) VALUES ('w', 'contacts',"
        " 'crm.companies', 'SELECT c.id FROM crm.contacts c WHERE c.id >= changed.id', '{}')"
    )
    hide(engine)
    engine.sql("INSERT INTO ringostat_sync.outbox (source, watch, changed) VALUES ('contacts', 'w', '{\"id\": 1}')")
    engine.collect()

    assert engine.wiring.fan_out.run(PROJECT) == 0
    assert engine.lane().paused is not None
    assert engine.lane().paused.detail.startswith(HIDDEN)


def test_a_backfill_says_so(engine: Engine) -> None:
    """It does not put in those alone whom it sees."""

    hide(engine)
    with pytest.raises(MappingBrokenError, match="Row level security would hide rows"):
        engine.backfill()


def test_check_says_so(engine: Engine) -> None:
    """It stops the source."""
    hide(engine)
    found = [one for one in check(engine.wiring, 5) if isinstance(one, Finding) and one.stops]

    told = "contacts: row level security of crm.contacts (few) hides rows from this role: give it BYPASSRLS, or write row_security"
    assert any(one.text.startswith(told) for one in found)


def test_a_source_without_a_row_is_never_well(engine: Engine) -> None:
    """An empty CRM, a role that sees nothing and a wrong query look alike: a warning, and not a word of what can be sent."""
    engine.sql("TRUNCATE crm.contacts")
    found = [one for one in check(engine.wiring, 5) if isinstance(one, Finding) and one.text.startswith("contacts")]

    assert all(one.warns for one in found)
    assert any("the query returns no row" in one.text for one in found)


@pytest.fixture
def crm(empty_database_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A CRM whose tables have an owner of their own, on whom their policies are forced; the owner's session."""

    migrations.upgrade(empty_database_url)
    name = "rs_owner"
    with psycopg.connect(empty_database_url, autocommit=True) as admin:
        admin.execute(f"DROP ROLE IF EXISTS {name}")
        admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'p'")
        admin.execute(PEOPLE + "INSERT INTO crm.people (id, name) VALUES (1, 'Ada'), (2, 'Ben')")
        admin.execute(f"ALTER SCHEMA crm OWNER TO {name}")
        admin.execute(f"ALTER TABLE crm.people OWNER TO {name}")
        admin.execute(f"ALTER SCHEMA ringostat_sync OWNER TO {name}")
        for (table,) in admin.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'ringostat_sync'::regnamespace AND relkind = 'r'"
        ):
            admin.execute(
                sql.SQL("ALTER TABLE ringostat_sync.{} OWNER TO {}").format(sql.Identifier(table), sql.Identifier(name))
            )
        with psycopg.connect(make_conninfo(address(empty_database_url, name)), autocommit=True) as owner:
            yield owner
        admin.execute(f"REASSIGN OWNED BY {name} TO CURRENT_USER")
        admin.execute(f"DROP OWNED BY {name}")
        admin.execute(f"DROP ROLE {name}")


def test_triggers_are_not_blind_where_their_owner_is(crm: psycopg.Connection[Any]) -> None:
    """A TRUNCATE reads the table, and a `where` may read another one: what they can't see counts as changed."""
    crm.execute("CREATE TABLE crm.staff (person int)")
    watch(crm, Watch("crm.people", key="id", where="changed.id IN (SELECT s.person FROM crm.staff s)"))
    crm.execute("INSERT INTO crm.staff VALUES (1)")
    for table in ("people", "staff"):
        crm.execute(f"ALTER TABLE crm.{table} ENABLE ROW LEVEL SECURITY")
        crm.execute(f"CREATE POLICY nobody ON crm.{table} FOR SELECT USING (false)")
        crm.execute(f"CREATE POLICY writers ON crm.{table} FOR INSERT WITH CHECK (true)")
        crm.execute(f"ALTER TABLE crm.{table} FORCE ROW LEVEL SECURITY")
    crm.execute("INSERT INTO crm.people (id, name) VALUES (3, 'Eve')")
    assert keys(crm) == ["3"]

    crm.execute("TRUNCATE crm.people")
    found = crm.execute("SELECT changed::text FROM ringostat_sync.outbox").fetchall()
    assert found == [("null",)]


def test_what_a_source_sees_on_purpose_is_a_fact(engine: Engine) -> None:
    """Which policies it reads through."""
    hide(engine)
    toml = (engine.folder / "sync.toml").read_text()
    (engine.folder / "sync.toml").write_text(
        toml.replace('query = "contacts.sql"', 'query = "contacts.sql"\nrow_security = true')
    )
    requery(engine)
    told = "contacts: it has row_security = true, and sees of crm.contacts what its policies (few) leave"

    assert Finding(told) in list(check(engine.wiring, 5))
