"""CRMs whose databases hold other letters than ours, and collations that take two spellings for one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

import migrations
from tests.support.engine import Engine
from tests.support.other_postgres import database_in, distributed_postgres
from tests.support.watching import keys, mapping
from worker import capture
from worker.backfill.backfill import Backfill
from worker.config.model import Watch
from worker.database.connect import capture_session
from worker.local.up.embedded import EmbeddedPostgres
from worker.read.reader import Reader

PEOPLE = """
CREATE SCHEMA crm;
CREATE TABLE crm.companies (id bigint PRIMARY KEY, name text);
CREATE TABLE crm.contacts (id bigint PRIMARY KEY, name text, phone text, lead text, hidden boolean NOT NULL DEFAULT false);
"""


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("WIN1251", "Їжакевич Ґ. “Ω”"),
        ("KOI8U", "Їжакевич Ґ."),
        ("LATIN1", "Müller"),
        ("LATIN2", "Łukasz"),
        ("SQL_ASCII", "Їжак"),
    ],
)
def test_a_crm_in_another_encoding_is_read(
    make_engine: Callable[..., Engine], postgres_server: EmbeddedPostgres, encoding: str, name: str
) -> None:
    """Letters arrive as they are; the query may have letters of its own."""
    name = name.replace("Ω", "№") if encoding == "WIN1251" else name
    with database_in(postgres_server, encoding) as url:
        engine = make_engine(CRM_DATABASE_URL=url)
        with psycopg.connect(url, autocommit=True, client_encoding="UTF8") as crm:
            crm.execute(PEOPLE)
            crm.execute("INSERT INTO crm.contacts (id, name, phone) VALUES (1, %s, '0671234567')", [name])
        engine.backfill()
        engine.drain()
        engine.wiring.crm.dispose()

    assert engine.history(1) == [name]


def test_bytes_that_are_no_letters_harm_their_contact_alone(
    make_engine: Callable[..., Engine], postgres_server: EmbeddedPostgres
) -> None:
    """A server that does not know its encoding may hold any, and says so when it is to send them as letters."""
    with database_in(postgres_server, "SQL_ASCII") as url:
        engine = make_engine(CRM_DATABASE_URL=url)
        with psycopg.connect(url, autocommit=True, client_encoding="UTF8") as crm:
            crm.execute(PEOPLE)
            crm.execute(
                "INSERT INTO crm.contacts (id, name, phone) VALUES (1, E'\\xcf\\xe5', '0671234567'), (2, 'B', '0671234567')"
            )
        engine.backfill()
        engine.drain()
        engine.wiring.crm.dispose()

    assert engine.dead_letters() == [("1", "mapping_error")]
    assert engine.history(2) == ["B"]


@pytest.fixture(scope="module")
def icu() -> Iterator[EmbeddedPostgres]:
    """A server whose collations may be loose."""
    with distributed_postgres() as server:
        yield server


@pytest.fixture
def loose(icu: EmbeddedPostgres) -> Iterator[str]:
    """A migrated database whose contacts' keys are equal in capitals and small letters."""
    with database_in(icu, "UTF8") as url:
        migrations.upgrade(url)
        with psycopg.connect(url, autocommit=True) as crm:
            crm.execute(
                "CREATE SCHEMA crm; CREATE COLLATION crm.ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
            )
            crm.execute("CREATE EXTENSION citext")
        yield url


QUERY = """SELECT k AS key, name AS "fullName", '[{"type":"phone","value":"0671234567"}]'::json AS "contactDirections" FROM crm.people"""


@pytest.mark.parametrize("key_type", ["text COLLATE crm.ci", "varchar(9) COLLATE crm.ci", "citext"])
def test_a_key_in_other_letters_is_found(make_engine: Callable[..., Engine], loose: str, key_type: str) -> None:
    """A changed row of another table may spell it so: what the CRM takes for the same is the same, and is no absence."""
    with psycopg.connect(loose, autocommit=True) as crm:
        crm.execute(f"CREATE TABLE crm.people (k {key_type}, name text)".encode())
        crm.execute("INSERT INTO crm.people VALUES ('Ab', 'one'), ('CD', 'two')")
    engine = make_engine(CRM_DATABASE_URL=loose)
    engine.remap('[[sources]]\nname = "people"\nmethod = "contacts"\nquery = "people.sql"\n', people=QUERY)
    read = Reader(engine.wiring.crm).read(engine.wiring.mapping.sources["people"], ["aB", "CD", "cd", "no"])
    engine.wiring.crm.dispose()

    assert {key: [row["fullName"] for row in found.rows] for key, found in read.items()} == {
        "aB": ["one"],
        "CD": ["two"],
        "cd": ["two"],
        "no": [],
    }


def test_two_contacts_whose_keys_are_equal_are_two(make_engine: Callable[..., Engine], loose: str) -> None:
    """A TRUNCATE captures each, and a backfill that was stopped between them passes none over."""
    with psycopg.connect(loose, autocommit=True) as crm:
        crm.execute("CREATE TABLE crm.people (k text COLLATE crm.ci, name text)")
        crm.execute("INSERT INTO crm.people VALUES ('Ab', 'one'), ('ab', 'two'), ('AB', 'three'), (NULL, 'none')")
    engine = make_engine(CRM_DATABASE_URL=loose)
    engine.remap('[[sources]]\nname = "people"\nmethod = "contacts"\nquery = "people.sql"\n', people=QUERY)
    backfill = Backfill(
        engine.wiring.engine, engine.wiring.crm, engine.wiring.mapping, engine.wiring.mapping.sources["people"]
    )
    backfill.begin()
    engine.sql("UPDATE ringostat_sync.backfills SET last_key = 'Ab', done = 2")
    list(backfill.run())
    engine.wiring.crm.dispose()
    assert list(engine.waiting()) == ["ab"]

    with capture_session(loose) as session:
        capture.install(session, mapping(Watch("crm.people", key="k")))
    with psycopg.connect(loose, autocommit=True) as crm:
        crm.execute("TRUNCATE crm.people")
        assert keys(crm) == ["AB", "Ab", "ab"]
