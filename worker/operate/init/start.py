"""A mapping to begin with, as text: of the tables that were found, or of invented ones."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from worker.operate.init.guess import Company, Guess, Ways
from worker.operate.init.tables import TEXTS, Column, Table

FOUND = "These tables were found by their names alone: read every line, and correct what is wrong."
INVENTED = "These tables are invented: put your own in their place."

_TOML = """\
# The mapping: which contacts there are, and which changed row concerns which of them.
# {origin}
# All keys: docs/settings.md. `ringostat-sync check` shows what would be sent, and posts nothing.

origin = "My CRM"              # what Ringostat shall call your CRM
default_region = "UA"          # for numbers written without a country code
default_responsible = "1"      # the employee's id in the CRM, for contacts for whom the query names none

[[sources]]
name = "contacts"
method = "contacts"
identity = "externalId"        # `key` of the query is the id of a contact; of a lead it would be "leadId"
query = "contacts.sql"
# Every table that the query reads, and of its columns those that it uses, after WHERE too.
watch = [
{watches}]
"""
_COMPANIES_TOML = """
[[sources]]
name = "companies"
method = "organizations"
query = "companies.sql"
watch = [
{watches}]
"""
_CONTACTS = """\
-- All contacts that should be on the telephone, one row each. Paste it into psql to see them.
-- {origin}
-- The names of the columns are the API's. All of them: docs/settings.md, "Columns of a query".
SELECT
    c.{key} AS key,
    {name} AS "fullName",
{columns}    -- 'https://crm.example.com/contacts/' || c.{key} AS "contactLink",
    ways.list AS "contactDirections"{organizations}
FROM {people} c
CROSS JOIN LATERAL (
    -- Numbers as they were typed: the sync brings them into one form.
    SELECT json_agg(json_build_object('type', way.type, 'name', way.name, 'value', way.value)
                    ORDER BY way.type DESC, way.value) AS list
    FROM (
{ways}
    ) AS way
    WHERE way.value ~ '\\S'
) AS ways
-- Those who can be reached.
WHERE ways.list IS NOT NULL{conditions};
"""
_ORGANIZATIONS = """,
    (
        SELECT json_agg(json_build_object('externalId', o.{key}, 'name', o.{name}))
        FROM {companies} o WHERE o.{key} = c.{link} AND o.{name} ~ '\\S'
    ) AS organizations"""
_COMPANIES = """\
-- Companies, by themselves: Ringostat completes the contacts with them.
SELECT
    o.{key} AS key,
    o.{name}{alias}
FROM {companies} o
WHERE o.{name} ~ '\\S';
"""


def start(found: Guess | None) -> dict[str, str]:
    """The files of a mapping, by their names: of what was found in the database, else of invented tables."""
    made, origin = (found, FOUND) if found is not None else (_invented(), INVENTED)
    texts = {"sync.toml": _toml(made, origin), "contacts.sql": _contacts(made, origin)}
    return texts | ({"companies.sql": _companies(made.company)} if made.company is not None else {})


def _invented() -> Guess:
    text, number = "text", "bigint"
    identity = Column("id", "id", number, is_key=True)
    name, owner = Column("name", "name", text), Column("contact_id", "contact_id", number, refers_to=1)
    company_id = Column("company_id", "company_id", number, refers_to=3)
    people = Table(1, "contacts", "crm.contacts", ())
    phones = Table(2, "phones", "crm.phones", ())
    companies = Table(3, "companies", "crm.companies", ())
    return Guess(
        people=people,
        key=identity,
        names=(name,),
        phones=(),
        emails=(Column("email", "email", text),),
        ways=(Ways("phone", phones, owner, Column("number", "number", text), Column("kind", "kind", text)),),
        responsible=Column("owner_id", "owner_id", number),
        company=Company(companies, identity, name, company_id),
        gone=((Column("hidden", "hidden", "boolean"), "IS NOT TRUE"),),
    )


def _toml(made: Guess, origin: str) -> str:
    text = _TOML.format(origin=origin, watches=_lines(_watches(made)))
    if made.company is None:
        return text
    company = made.company
    own = _watch(company.table, key=company.key, columns=[company.name])
    return text + _COMPANIES_TOML.format(watches=_lines([own]))


def _watches(made: Guess) -> Iterator[str]:
    company, responsible = made.company, made.responsible
    used = [*made.names, *made.phones, *made.emails, *(column for column, _ in made.gone)]
    used += [responsible] if responsible is not None else []
    used += [company.link] if company is not None else []
    yield _watch(made.people, key=made.key, columns=used)
    for ways in made.ways:
        yield _watch(ways.table, key=ways.owner, columns=[ways.owner, ways.value, *([ways.kind] if ways.kind else [])])
    if company is not None:
        belong = f"SELECT c.{made.key.quoted} FROM {made.people.quoted} c WHERE c.{company.link.quoted} = changed.{company.key.quoted}"
        yield _watch(company.table, keys=belong, columns=[company.name])


def _watch(table: Table, columns: Iterable[Column], key: Column | None = None, keys: str = "") -> str:
    names = list(dict.fromkeys(column.name for column in columns))
    whose = f"key = {_toml_text(key.name)}" if key is not None else f"keys = {_toml_text(keys)}"
    listed = ", ".join(_toml_text(name) for name in names)
    return f"{{ table = {_toml_text(table.quoted)}, {whose}, columns = [{listed}] }}"


def _lines(watches: Iterable[str]) -> str:
    return "".join(f"  {watch},\n" for watch in watches)


def _toml_text(text: str) -> str:
    """A string as TOML writes it; one with SQL's double quotes in single ones, so that it stays readable."""
    is_readable = '"' in text and "'" not in text and text.isprintable()
    return f"'{text}'" if is_readable else json.dumps(text, ensure_ascii=False)


def _contacts(made: Guess, origin: str) -> str:
    responsible, company = made.responsible, made.company
    organizations = ""
    if company is not None:
        organizations = _ORGANIZATIONS.format(
            key=company.key.quoted, name=company.name.quoted, companies=company.table.quoted, link=company.link.quoted
        )
    conditions = "".join(f"\n    AND c.{column.quoted} {test}" for column, test in made.gone)
    return _CONTACTS.format(
        origin=origin,
        key=made.key.quoted,
        name=_full_name(made.names),
        columns=f"    c.{responsible.quoted} AS responsible,\n" if responsible is not None else "",
        ways="\n        UNION ALL\n".join(f"        {select}" for select in _selects(made)),
        organizations=organizations,
        people=made.people.quoted,
        conditions=conditions,
    )


def _full_name(names: tuple[Column, ...]) -> str:
    if len(names) == 1:
        return f"c.{names[0].quoted}"
    return "concat_ws(' ', " + ", ".join(f"c.{name.quoted}" for name in names) + ")"


def _selects(made: Guess) -> Iterator[str]:
    """One SELECT for each place with numbers and addresses."""
    for kind, columns in (("phone", made.phones), ("email", made.emails)):
        for column in columns:
            yield f"SELECT '{kind}' AS type, {_literal(column.name)} AS name, {_text(column, 'c')} AS value"
    for ways in made.ways:
        name = _text(ways.kind, "w") if ways.kind is not None else f"'{ways.type}'"
        yield (
            f"SELECT '{ways.type}' AS type, {name} AS name, {_text(ways.value, 'w')} AS value"
            f" FROM {ways.table.quoted} w WHERE w.{ways.owner.quoted} = c.{made.key.quoted}"
        )


def _text(column: Column, alias: str) -> str:
    return f"{alias}.{column.quoted}" + ("" if column.type in TEXTS - {"citext"} else "::text")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _companies(company: Company) -> str:
    alias = "" if company.name.quoted == "name" else " AS name"
    return _COMPANIES.format(
        key=company.key.quoted, name=company.name.quoted, alias=alias, companies=company.table.quoted
    )
