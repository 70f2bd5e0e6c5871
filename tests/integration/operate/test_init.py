"""`init`: what it writes, by the command itself; without a name, for databases of many shapes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from tests.support.engine import PROJECT, Engine
from worker import capture
from worker.__main__ import main
from worker.assembly import Assembly
from worker.cli import session
from worker.config.settings import load_settings
from worker.local.demo import install
from worker.operate.check import Example, Finding, check
from worker.operate.init.files import known


class Done(NamedTuple):
    code: int
    errors: str


@pytest.fixture
def init(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """The command in an empty folder, with nothing of ours in the environment but what is given."""
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(session, "set_up_logs", lambda *_: None)  # else they would go where this test's output goes
    for name in [
        name for name in os.environ if name.startswith(("DATABASE_", "CRM_", "REDIS_", "RINGOSTAT_", "SYNC_"))
    ]:
        monkeypatch.delenv(name)

    def run(*arguments: str, **environment: str) -> Done:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("sys.argv", ["ringostat-sync", "init", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        output = capsys.readouterr()
        assert output.out == ""
        return Done(int(ended.value.code or 0), output.err)

    return run


def written() -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in Path().iterdir()}


@pytest.mark.parametrize("name", known())
def test_an_example_is_copied(init: Callable[..., Done], name: str) -> None:
    """The mapping alone: no schema and no sample gets near a real database; without any setting, and without a database."""
    done = init(name)
    files = written()

    assert done.code == 0
    assert {"sync.toml", "contacts.sql"} <= set(files)
    assert not {"schema.sql", "sample.sql", "README.md"} & set(files)
    assert f"{name}/README.md" in done.errors
    assert f"Written: {', '.join(sorted(files, key=done.errors.index))}." in done.errors


@pytest.mark.parametrize("arguments", [(), ("odoo",)], ids=["a start", "an example"])
@pytest.mark.parametrize("there", ["sync.toml", "contacts.sql"])
def test_nothing_is_overwritten(init: Callable[..., Done], arguments: tuple[str, ...], there: str) -> None:
    """One file that is there already is named, and nothing is written at all."""
    Path(there).write_text("mine")
    done = init(*arguments)

    assert (done.code, written()) == (1, {there: "mine"})
    assert done.errors == f"ringostat-sync: There is already {there} here: nothing was written. Take another folder.\n"


def test_not_even_through_a_link(init: Callable[..., Done], tmp_path: Path) -> None:
    """A link that leads nowhere is a file that somebody has put there."""
    Path("contacts.sql").symlink_to(tmp_path / "elsewhere.sql")

    assert init("odoo").code == 1
    assert not (tmp_path / "elsewhere.sql").exists()


@pytest.mark.parametrize("name", ["nosuch", "Odoo", "../odoo", "odoo/", ".", ""])
def test_an_unknown_name_is_told_the_known_ones(init: Callable[..., Done], name: str) -> None:
    """Exit code 2, one line, and nothing is written."""
    done = init(name)

    assert (done.code, written()) == (2, {})
    assert (
        done.errors
        == f"ringostat-sync: There is no example {name!r}: the known ones are chatwoot, espocrm, odoo, twenty.\n"
    )


def test_a_folder_that_can_not_be_written_to_is_one_line(
    init: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written before the failure is taken back."""
    real = Path.open

    def fails(path: Path, *arguments: Any, **more: Any) -> Any:
        if path.name == "contacts.sql" and arguments == ("x",):
            raise OSError(28, "No space left on device")
        return real(path, *arguments, **more)

    with monkeypatch.context() as broken:
        broken.setattr(Path, "open", fails)
        done = init("odoo")

    assert written() == {}
    assert done == (1, "ringostat-sync: contacts.sql can't be written (No space left on device): nothing was.\n")


INVENTED = {"sync.toml", "contacts.sql", "companies.sql"}


def test_without_a_database_the_tables_are_invented(init: Callable[..., Done]) -> None:
    """A start that can be read by `check`, and that says so."""
    done = init()

    assert (done.code, set(written())) == (0, INVENTED)
    assert "Neither CRM_DATABASE_URL nor DATABASE_URL is set: the tables are invented." in done.errors
    assert "These tables are invented" in written()["sync.toml"]


def test_a_database_that_does_not_answer_stops_nobody(init: Callable[..., Done]) -> None:
    """The same start, and why."""
    done = init(CRM_DATABASE_URL="postgresql://crm:secret@127.0.0.1:1/crm")

    assert (done.code, set(written())) == (0, INVENTED)
    assert "The CRM's database does not answer (" in done.errors
    assert "secret" not in done.errors


def test_a_wrong_address_is_one_line(init: Callable[..., Done]) -> None:
    """As of every command."""
    done = init(DATABASE_URL="mysql://x/y")

    assert (done.code, written(), len(done.errors.splitlines())) == (2, {}, 1)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE public.articles (id int PRIMARY KEY, name text)",
        "CREATE TABLE public.contacts (id int PRIMARY KEY, name text)",
        "CREATE TABLE public.contacts (name text, phone text)",
        "CREATE SCHEMA hidden; CREATE TABLE hidden.contacts (id int PRIMARY KEY, name text, phone text)",
    ],
    ids=["other tables", "without a phone", "without a key", "not for this role"],
)
def test_a_database_without_people_is_told_of(
    init: Callable[..., Done], empty_database_url: str, statement: str
) -> None:
    """Nobody can be shown by these tables: the start is of invented ones."""
    role = f"init_{os.getpid()}"
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute(statement.encode())
        connection.execute(
            f"CREATE ROLE {role} LOGIN PASSWORD 'init'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}".encode()
        )
        try:
            url = empty_database_url.rpartition("@")[2]
            done = init(DATABASE_URL=f"postgresql://{role}:init@{url}")
        finally:
            connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}".encode())

    assert done.code == 0
    assert "No table that this role may read looks like people with telephones" in done.errors
    assert set(written()) == INVENTED


PLAIN = """
CREATE TABLE public.customers (
    id serial PRIMARY KEY, full_name text, mobile varchar(20), home_phone text, email text, phone_verified_at timestamp,
    deleted_at timestamp
);
INSERT INTO public.customers (full_name, mobile, email, deleted_at) VALUES
    ('Ольга Клен', '067 123 45 67', 'olha@example.com', NULL), ('Давно Нема', '067 123 45 68', NULL, now()),
    ('Без Номера', NULL, NULL, NULL);
"""
QUOTED = """
CREATE SCHEMA "Sales";
CREATE TABLE "Sales"."Account" ("Id" uuid PRIMARY KEY DEFAULT gen_random_uuid(), "Name" text);
CREATE TABLE "Sales"."Person" (
    "Id" uuid PRIMARY KEY DEFAULT gen_random_uuid(), "FirstName" text, "LastName" text, "AccountId" uuid REFERENCES "Sales"."Account",
    "ownerId" int, "isActive" boolean, "order" int
);
CREATE TABLE "Sales"."PersonPhone" ("PersonId" uuid REFERENCES "Sales"."Person", "Number" bigint, "Type" char(1));
INSERT INTO "Sales"."Account" ("Name") VALUES ('ТОВ «Клен»');
INSERT INTO "Sales"."Person" ("FirstName", "LastName", "AccountId", "ownerId", "isActive")
    SELECT 'Ольга', 'Клен', "Id", 7, true FROM "Sales"."Account" UNION ALL SELECT 'Давно', 'Нема', "Id", 7, false FROM "Sales"."Account";
INSERT INTO "Sales"."PersonPhone" SELECT "Id", 380671234567, 'm' FROM "Sales"."Person";
"""
BY_NAMES = """
CREATE SCHEMA crm;
CREATE TYPE crm.kind AS ENUM ('work', 'home');
CREATE TABLE crm.users (id int PRIMARY KEY, name text, phone text);
CREATE TABLE crm.organizations (id int PRIMARY KEY, name text);
CREATE TABLE crm.contacts (
    id bigint PRIMARY KEY, surname text, first_name text, patronymic text, organization_id int, manager_id int, is_deleted boolean,
    "user" text
);
CREATE TABLE crm.contact_phones (id int PRIMARY KEY, contact_id bigint, phone text, kind crm.kind, "primary" boolean);
CREATE TABLE crm.contact_emails (id int PRIMARY KEY, contact_id bigint, email text);
INSERT INTO crm.users VALUES (7, 'Менеджер', '0440000000');
INSERT INTO crm.organizations VALUES (1, 'ТОВ «Клен»'), (2, ' ');
INSERT INTO crm.contacts VALUES (1, 'Клен', 'Ольга', NULL, 1, 7, false, NULL), (2, 'Давно', 'Нема', NULL, 2, 7, true, NULL);
INSERT INTO crm.contact_phones VALUES (1, 1, '(067) 123-45-67', 'work', true), (2, 2, '0671234568', NULL, true);
INSERT INTO crm.contact_emails VALUES (1, 1, 'olha@example.com');
"""


@pytest.mark.parametrize(
    ("statement", "people", "more"),
    [
        (PLAIN, "public.customers", {"organizations": None}),
        (QUOTED, '"Sales"."Person"', {"responsible": "7", "organizations": ["ТОВ «Клен»"]}),
        (BY_NAMES, "crm.contacts", {"responsible": "7", "organizations": ["ТОВ «Клен»"]}),
    ],
    ids=["numbers beside the name", "quoted names", "tables by their names"],
)
def test_the_tables_that_are_found_lead_to_the_telephone(
    init: Callable[..., Done], engine: Engine, statement: str, people: str, more: dict[str, Any]
) -> None:
    """As they are written, without a correction: `check` has nothing to say, the triggers fit, and the one who is there arrives."""
    engine.sql("DROP SCHEMA crm CASCADE")
    engine.sql(statement)
    done = init(DATABASE_URL=engine.database_url)
    wiring = Assembly.of(load_settings(engine.environment | {"SYNC_CONFIG": "sync.toml"}))
    with psycopg.connect(engine.database_url, autocommit=True) as connection:
        capture.install(connection, wiring.mapping)
    findings = list(check(wiring, 10))
    engine.wiring.mapping = wiring.mapping
    engine.backfill()
    engine.drain()
    [contact] = engine.sandbox.book.contacts(PROJECT)

    assert done.code == 0
    assert f"{people} looks like the people to be shown." in done.errors
    assert [one.text for one in findings if isinstance(one, Finding) and (one.warns or one.stops)] == []
    assert any(isinstance(one, Example) for one in findings)
    assert set(str(contact["fullName"]).split()) == {"Ольга", "Клен"}
    assert contact["contactDirections"][0]["value"] == "+380671234567"
    organizations = contact["organizations"] and [one["name"] for one in contact["organizations"]]
    assert {"responsible": contact["responsible"], "organizations": organizations} == {"responsible": "1"} | more


def test_the_demo_crm_is_found(init: Callable[..., Done], empty_database_url: str) -> None:
    """Contacts, phones and emails of tables of their own, companies by a key; who is hidden is left out."""
    import random  # noqa: PLC0415 - the demo's dice

    install(empty_database_url, dice=random.Random(1))
    init(DATABASE_URL=empty_database_url)
    query = written()["contacts.sql"]

    assert "concat_ws(' ', c.last_name, c.first_name, c.patronymic)" in query
    assert "crm.phones w WHERE w.contact_id = c.id" in query
    assert "crm.emails w WHERE w.contact_id = c.id" in query
    assert "c.staff_id AS responsible" in query
    assert "c.hidden IS NOT TRUE" in query
    assert "crm.companies o WHERE o.id = c.company_id" in query


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        (
            ("res_partner", "crm_lead"),
            "The database looks like Odoo's: in another folder, try `ringostat-sync init odoo`.",
        ),
        (("entity_phone_number", "phone_number"), "looks like EspoCRM's"),
        (("contact_inboxes", "conversations"), "looks like Chatwoot's"),
        (('"workspaceMember"', "person", "opportunity"), "looks like Twenty's"),
    ],
    ids=["odoo", "espocrm", "chatwoot", "twenty"],
)
def test_a_known_crm_is_recognised(
    init: Callable[..., Done], empty_database_url: str, tables: tuple[str, ...], told: str
) -> None:
    """By its tables, wherever they are."""
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        for table in tables:
            connection.execute(f"CREATE TABLE public.{table} (id int PRIMARY KEY, name text, phone text)".encode())
    done = init(CRM_DATABASE_URL=empty_database_url)

    assert told in done.errors
