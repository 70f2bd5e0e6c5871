"""What our sessions ask of PostgreSQL, whatever the server's, the database's, the role's and the address's settings are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.exc import DBAPIError

from tests.support.engine import Engine
from worker import capture
from worker.config.settings import load_settings
from worker.database import engines
from worker.database.connect import capture_session
from worker.database.engines import crm_engine, outbox_engine
from worker.database.sessions import CRM, OUTBOX
from worker.errors import ConfigError

HOSTILE = {
    "DateStyle": "SQL, DMY",
    "IntervalStyle": "sql_standard",
    "extra_float_digits": "-15",
    "bytea_output": "escape",
    "client_encoding": "WIN1251",
    "TimeZone": "Asia/Tokyo",
    "standard_conforming_strings": "off",
    "escape_string_warning": "off",
    "quote_all_identifiers": "on",
    "default_transaction_isolation": "serializable",
    "lock_timeout": "1ms",
    "idle_in_transaction_session_timeout": "1ms",
    "idle_session_timeout": "50ms",
    "row_security": "off",
    "default_transaction_read_only": "on",
}


def alter_database(engine: Engine, settings: dict[str, str]) -> None:
    """Make these the defaults of every session that begins from now on."""
    name = conninfo_to_dict(engine.database_url)["dbname"]
    with psycopg.connect(engine.database_url, autocommit=True) as connection:
        for setting, value in settings.items():
            alter = sql.SQL("ALTER DATABASE {} SET {} = {}")
            if setting == "DateStyle":
                connection.execute(alter.format(sql.Identifier(str(name)), sql.SQL(setting), sql.SQL(value)))
            else:
                connection.execute(alter.format(sql.Identifier(str(name)), sql.SQL(setting), sql.Literal(value)))


@pytest.mark.parametrize("database", ["engine", "crm"])
def test_nothing_is_compiled(engine: Engine, database: str) -> None:
    """A batch's statement is over before PostgreSQL's compiler has warmed up."""
    with getattr(engine.wiring, database).connect() as connection:
        assert connection.exec_driver_sql("SHOW jit").scalar_one() == "off"


def test_no_plan_reads_a_whole_table_of_ours(engine: Engine) -> None:
    """Where an index serves: a plan made for an empty table is still in use when it is full."""
    with engine.wiring.engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW enable_seqscan").scalar_one() == "off"


def test_changes_arrive_whatever_the_database_sets(engine: Engine) -> None:
    """From the trigger, in a session of the CRM's own, to the telephone: dates, letters and locks included."""
    engine.remap(
        """[[sources]]
name = "dated"
method = "contacts"
query = "dated.sql"
watch = [{ table = "crm.dated", key = "id" }]
""",
        dated="""SELECT id AS key, name AS "fullName", born AS "staffId", '[{"type":"phone","value":"0671234567"}]'::json
            AS "contactDirections" FROM crm.dated""",
    )
    engine.sql("CREATE TABLE crm.dated (id int PRIMARY KEY, name text, born date)")
    alter_database(engine, HOSTILE)
    with capture_session(engine.database_url) as session:
        capture.install(session, engine.wiring.mapping)
    with psycopg.connect(engine.database_url, autocommit=True, client_encoding="UTF8") as crm:
        crm.execute("SET default_transaction_read_only = off")
        crm.execute("INSERT INTO crm.dated VALUES (1, 'Їжак', '2026-11-05')")
    engine.drain()

    assert engine.history(1) == ["Їжак"]
    assert engine.sandbox.book.history(106, external_id="1")[-1]["staffId"] == "2026-11-05"
    with capture_session(engine.database_url) as session:
        assert [one.state for one in capture.watch(session, engine.wiring.mapping)] == ["ok"]


@pytest.mark.parametrize(
    ("key_type", "key", "spelt"),
    [
        ("date", "2026-11-05", "2026-11-05"),
        ("timestamp", "2026-11-05 10:00:00", "2026-11-05 10:00:00"),
        ("timestamptz", "2026-11-05 10:00:00+00", None),
        ("float8", "0.1234567890123456", "0.1234567890123456"),
        ("float4", "1.17549435e-38", "1.1754944e-38"),
        ("interval", "1 day 02:03:04", "1 day 02:03:04"),
        ("bytea", "\\x00ff41", "\\x00ff41"),
    ],
)
def test_a_key_is_written_alike_in_every_session(engine: Engine, key_type: str, key: str, spelt: str | None) -> None:
    """Backfill and trigger write the same key, also where the CRM's session writes values in other forms."""
    engine.sql(f"CREATE TABLE crm.people (k {key_type}, name text)")
    engine.sql(f"INSERT INTO crm.people VALUES (%s::{key_type}, 'A')", key)
    engine.remap(
        """[[sources]]
name = "people"
method = "contacts"
query = "people.sql"
watch = [{ table = "crm.people", key = "k" }]
""",
        people="""SELECT k AS key, name AS "fullName", '[{"type":"phone","value":"0671234567"}]'::json AS "contactDirections"
            FROM crm.people""",
    )
    with capture_session(engine.database_url) as session:
        capture.install(session, engine.wiring.mapping)
    engine.backfill("people")
    (filled,) = engine.waiting()
    engine.drain()
    settings = {
        name: HOSTILE[name] for name in ("DateStyle", "IntervalStyle", "extra_float_digits", "bytea_output", "TimeZone")
    }
    alter_database(engine, settings)
    engine.sql("UPDATE crm.people SET name = 'B'")
    [(captured,)] = engine.sql("SELECT key FROM ringostat_sync.outbox")
    engine.drain()

    assert captured == filled
    assert spelt in (None, captured)
    assert engine.history(captured) == ["A", "B"]
    assert engine.lane().absent == 0


@pytest.mark.parametrize("key_type", ["int", "bigint", "text", "varchar(9)", "uuid", "numeric(9)", "char(4)"])
def test_a_key_of_most_types_costs_its_trigger_no_settings(engine: Engine, key_type: str) -> None:
    """Each takes a microsecond of the CRM's transaction, and these types are written alike everywhere."""
    engine.sql(f"CREATE TABLE crm.people (k {key_type})")
    engine.remap(
        '[[sources]]\nname = "p"\nmethod = "contacts"\nquery = "p.sql"\nwatch = [{ table = "crm.people", key = "k" }]\n',
        p="SELECT k AS key FROM crm.people",
    )
    with capture_session(engine.database_url) as session:
        capture.install(session, engine.wiring.mapping)
    found = engine.sql("SELECT proconfig FROM pg_proc WHERE proname LIKE 'capture%%' AND proname NOT LIKE '%%truncate'")

    assert found == [(["search_path=pg_catalog, pg_temp"],)]


@pytest.mark.parametrize("make", [outbox_engine, crm_engine], ids=["outbox", "crm"])
def test_what_the_address_says_is_kept(database_url: str, make: Callable[..., object]) -> None:
    """Its options, its name for us and its hosts: ours come on top, not instead."""
    more = f"?options={quote('-c work_mem=7MB -c lock_timeout=9s')}&application_name=theirs&target_session_attrs=read-write"
    address = conninfo_to_dict(database_url)
    hosts = f"127.0.0.1:1,{address['host']}:{address['port']}"
    url = f"postgresql+psycopg://{address['user']}:{address['password']}@{hosts}/{address['dbname']}{more}"
    engine = make(url)
    with engine.connect() as connection:  # type: ignore[attr-defined]
        shown = [
            connection.exec_driver_sql(f"SHOW {name}").scalar_one()
            for name in ("work_mem", "application_name", "lock_timeout")
        ]
    engine.dispose()  # type: ignore[attr-defined]

    assert shown == ["7MB", "theirs", "0"]


def test_a_service_is_kept(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address may name an entry of libpq's file, and nothing else."""
    address = conninfo_to_dict(database_url)
    entry = "".join(f"{name}={value}\n" for name, value in address.items())
    (tmp_path / "services").write_text(f"[crm]\n{entry}application_name=theirs\n")
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    settings = load_settings({"DATABASE_URL": "postgresql:///?service=crm"})
    engine = outbox_engine(settings.require_database_url())
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW application_name").scalar_one() == "theirs"
        assert connection.exec_driver_sql("SELECT current_database()").scalar_one() == address["dbname"]
    engine.dispose()


@pytest.mark.parametrize("variable", ["PGCLIENTENCODING", "PGTZ", "PGDATESTYLE"])
def test_the_environments_word_for_a_session_is_not_the_last(
    database_url: str, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """libpq hands it on; ours comes after it."""
    monkeypatch.setenv(variable, {"PGCLIENTENCODING": "KOI8U", "PGTZ": "Asia/Tokyo", "PGDATESTYLE": "German"}[variable])
    engine = outbox_engine(database_url)
    with engine.connect() as connection:
        shown = [
            connection.exec_driver_sql(f"SHOW {name}").scalar_one()
            for name in ("client_encoding", "TimeZone", "DateStyle")
        ]
    engine.dispose()

    assert (shown[0], shown[1], shown[2][:3]) == ("UTF8", "UTC", "ISO")


@pytest.mark.parametrize(("database", "settings"), [("engine", OUTBOX), ("crm", CRM)], ids=["outbox", "crm"])
def test_every_setting_is_the_sessions(engine: Engine, database: str, settings: dict[str, str]) -> None:
    """However the database sets it."""
    alter_database(engine, HOSTILE)
    with getattr(engine.wiring, database).connect() as connection:
        for name, value in settings.items():
            shown = connection.exec_driver_sql(f"SELECT current_setting('{name}')").scalar_one()
            assert shown.replace("1min", "60s").replace("10min", "600s").replace("ISO, DMY", "ISO") == value, name


def test_a_session_that_can_not_write_any_more_ends(engine: Engine) -> None:
    """As one on a primary that was demoted: the next one goes to whatever the address leads to now."""
    with engine.wiring.engine.connect() as connection:
        connection.exec_driver_sql("SET default_transaction_read_only = on")
        connection.commit()
    engine.change(1)
    with pytest.raises(DBAPIError, match="read-only"):
        engine.drain()
    engine.contacts(1, 1)
    engine.drain()

    assert engine.history(1) == ["Name 1"]


def test_an_address_that_can_not_be_is_one_line(database_url: str) -> None:
    """An option of another library's names itself, and nothing of the address is told."""
    with pytest.raises(ConfigError, match="invalid URI query parameter") as caught:
        outbox_engine(database_url.replace("postgresql://", "postgresql+psycopg://") + "?pgbouncer=true").connect()

    assert "@" not in str(caught.value)


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("connect_timeout=soon", "soon"),
        ("sslmode=maybe", 'invalid sslmode value: "maybe"'),
        ("target_session_attrs=banana", 'invalid target_session_attrs value: "banana"'),
        ("load_balance_hosts=often", 'invalid load_balance_hosts value: "often"'),
        ("keepalives_idle=long", 'invalid integer value "long" for connection option "keepalives_idle"'),
        ("service=nobody", 'definition of service "nobody" not found'),
    ],
)
def test_an_option_that_can_not_be_is_one_line(database_url: str, option: str, told: str) -> None:
    """Nobody is waited for who can't come: the line names the setting, what is wrong in it, and no password."""
    with pytest.raises(ConfigError, match=f"^DATABASE_URL: .*{told}.*: correct the address.$") as caught:
        capture_session(f"{database_url}?{option}")

    assert str(conninfo_to_dict(database_url)["password"]) not in str(caught.value)


def test_a_session_of_a_demoted_primary_is_given_up(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it is only read from; a session that was a standby's from its beginning may be used."""
    engine = outbox_engine(database_url)
    with engine.connect() as connection:
        first = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    monkeypatch.setattr(engines, "FRESH", -1.0)
    monkeypatch.setattr(engines, "is_standby", lambda session: session.info.backend_pid == first)
    with engine.connect() as connection:
        second = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    monkeypatch.setattr(engines, "is_standby", lambda _: True)
    engine.dispose()
    for _ in range(2):
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT 1")
    engine.dispose()

    assert second != first
