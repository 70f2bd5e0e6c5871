"""What `init` takes for people, their numbers and their companies, told from names and types alone."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.support.mapping_folder import Folder
from worker.operate.init.guess import Guess, guess
from worker.operate.init.start import start
from worker.operate.init.tables import Column, Table, singular, words


def table(name: str, *columns: str, number: int = 1, schema: str = "crm") -> Table:
    """A table by its columns, each `name` or `name:type`; the first is the key, and `name>2` refers to table 2."""
    made = []
    for place, written in enumerate(columns):
        rest, _, kind = written.partition(":")
        column, _, target = rest.partition(">")
        quoted = column if column.islower() and column.isidentifier() else f'"{column}"'
        made.append(Column(column, quoted, kind or "text", place == 0, int(target) if target else None))
    return Table(number, name, f'{schema}."{name}"' if not name.islower() else f"{schema}.{name}", tuple(made))


def people_of(*tables: Table) -> str | None:
    found = guess(tables)
    return found.people.name if found is not None else None


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("accountOwnerId", ("account", "owner", "id")),
        ("phone_number", ("phone", "number")),
        ("PersonPhone2", ("person", "phone", "2")),
        ("телефон", ("телефон",)),
        ("___", ("___",)),
    ],
)
def test_a_name_has_words(name: str, told: tuple[str, ...]) -> None:
    """However it joins them."""
    assert words(name) == told


@pytest.mark.parametrize(
    ("plural", "one"), [("companies", "company"), ("phones", "phone"), ("address", "address"), ("people", "people")]
)
def test_a_plural_has_a_singular(plural: str, one: str) -> None:
    """As English builds most of them."""
    assert singular(plural) == one


@pytest.mark.parametrize(
    ("tables", "people"),
    [
        ([table("contacts", "id", "name", "phone"), table("clients", "id", "name", "phone", number=2)], "contacts"),
        ([table("customer", "id", "full_name", "mobile_phone")], "customer"),
        ([table("res_partner", "id", "name", "phone"), table("partner", "id", "name", "phone", number=2)], "partner"),
        ([table("Person", "Id", "FirstName", "LastName", "cellPhone")], "Person"),
        ([table("members", "id", "first_name", "last_name", "phone")], "members"),
        ([table("users", "id", "name", "phone")], None),
        ([table("call_log", "id", "name", "phone")], None),
        ([table("contacts", "id", "name", "phone_verified_at", "country_phone_code")], None),
        ([table("contacts", "id", "name", "phone:jsonb")], None),
        ([table("contacts", "id", "phone")], None),
        ([], None),
    ],
)
def test_people_have_a_name_and_a_telephone(tables: list[Table], people: str | None) -> None:
    """The likeliest by the last word of the table's name; colleagues and calls are none."""
    assert people_of(*tables) == people


def found(*tables: Table) -> Guess:
    made = guess(tables)
    assert made is not None
    return made


def test_numbers_may_be_in_a_table_of_their_own() -> None:
    """Found by its name, and by a key that refers to the people, or is called after them."""
    by_key = table("phones", "id", "owner>1", "number", number=2)
    by_name = table("person_emails", "id", "person_id", "address", "kind", number=3)
    strange = table("phones_of_others", "id", "device_id", "number", number=4)
    made = found(table("person", "id", "name"), by_key, by_name, strange)

    assert [(ways.type, ways.table.name, ways.owner.name, ways.value.name) for ways in made.ways] == [
        ("phone", "phones", "owner", "number"),
        ("email", "person_emails", "person_id", "address"),
    ]


def test_who_is_gone_is_left_out() -> None:
    """By a flag or by a time."""
    people = table(
        "contacts", "id", "name", "phone", "is_deleted:boolean", "active:boolean", "archivedAt:timestamp", "deleted"
    )
    made = found(people)

    assert [(column.name, test) for column, test in made.gone] == [
        ("is_deleted", "IS NOT TRUE"),
        ("active", "IS NOT FALSE"),
        ("archivedAt", "IS NULL"),
    ]


@pytest.mark.parametrize(
    "made",
    [
        None,
        found(table("contacts", "id", "name", "phone")),
        found(
            table("contacts", "id", "name", "phone", "company_id>2", "owner_id"),
            table("company", "id", "name", number=2),
        ),
        found(
            table("Contact", "Id", "LastName", "FirstName", "Phone", "companyId>2"),
            table("Firm", "Id", "Name", number=2),
        ),
    ],
    ids=["invented", "bare", "with a company", "quoted"],
)
def test_a_start_is_a_mapping(made: Guess | None, tmp_path: Path) -> None:
    """It is read without a complaint; and every watch names the columns that its query uses."""
    folder = Folder(tmp_path)
    texts = start(made)
    for name, text in texts.items():
        folder.write(name, text)
    mapping = folder.load(texts["sync.toml"])

    assert set(mapping.sources) == {source["name"] for source in tomllib.loads(texts["sync.toml"])["sources"]}
    assert all(watch.columns for source in mapping.sources.values() for watch in source.watches)
