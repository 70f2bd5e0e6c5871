"""Which tables look like people, their numbers and addresses, and their companies: by names and types alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from worker.operate.init.tables import NUMBERS, TEXTS, Column, Table, singular

PEOPLE = (
    "contact", "person", "people", "client", "customer", "partner", "patient", "guest", "subscriber", "klient", "kontakt",
)  # fmt: skip
"""The last word of a table's name, the likeliest first."""
NOT_PEOPLE = {"user", "staff", "employee", "agent", "operator", "call", "message", "log", "order", "lead"}
COMPANIES = ("company", "organization", "organisation", "firm", "account", "business", "employer")
PHONE = {"phone", "telephone", "tel", "mobile", "cell", "cellphone", "telefon", "msisdn"}
EMAIL = {"email", "mail"}
NO_WAY = {
    "id", "type", "kind", "code", "country", "calling", "verified", "at", "sanitized", "normalized", "numeric", "lower",
    "extension", "ext", "state", "status", "invalid", "count", "opt", "out", "bounce", "search", "owner",
}  # fmt: skip
"""Words of columns that say something about a number or an address, and are none."""
FULL_NAMES = ("full_name", "fullname", "display_name", "name", "contact_name")
NAME_PARTS = (
    ("last_name", "lastname", "surname", "family_name"),
    ("first_name", "firstname", "given_name"),
    ("middle_name", "middlename", "patronymic"),
)
COMPANY_NAMES = ("name", "company_name", "legal_name", "full_name", "title")
OWNERS = (
    "responsible_id", "responsible_user_id", "owner_id", "manager_id", "assigned_user_id", "assigned_to", "staff_id",
    "employee_id", "agent_id", "user_id",
)  # fmt: skip
PHONE_VALUES = ("number", "phone_number", "phone", "value", "telephone", "msisdn")
EMAIL_VALUES = ("address", "email", "email_address", "value", "mail")
KINDS = ("kind", "type", "label")
GONE = {"deleted", "is_deleted", "hidden", "is_hidden", "archived", "is_archived", "removed", "is_removed"}
THERE = {"active", "is_active", "enabled", "is_enabled"}
GONE_SINCE = {"deleted_at", "archived_at", "removed_at", "hidden_at"}

LOOKS_LIKE = (
    ("odoo", "Odoo", {"res_partner", "crm_lead"}),
    ("espocrm", "EspoCRM", {"entity_phone_number", "phone_number"}),
    ("twenty", "Twenty", {"workspaceMember", "person", "opportunity"}),
    ("chatwoot", "Chatwoot", {"contact_inboxes", "conversations"}),
)


@dataclass(frozen=True, slots=True)
class Ways:
    """A table of numbers (`type` is phone) or addresses (email): whose they are, their value, and what each is called."""

    type: str
    table: Table
    owner: Column
    value: Column
    kind: Column | None


@dataclass(frozen=True, slots=True)
class Company:
    """The companies, and the column of the people that says to which one a person belongs."""

    table: Table
    key: Column
    name: Column
    link: Column


@dataclass(frozen=True, slots=True)
class Guess:
    """What a start is made from. `gone` are the columns that tell people apart who are still there, each with its test in SQL."""

    people: Table
    key: Column
    names: tuple[Column, ...]
    phones: tuple[Column, ...]
    emails: tuple[Column, ...]
    ways: tuple[Ways, ...]
    responsible: Column | None
    company: Company | None
    gone: tuple[tuple[Column, str], ...]


def looks_like(tables: Iterable[Table]) -> tuple[str, str] | None:
    """The example for a CRM whose tables these are, and the CRM's own name."""
    names = {table.name for table in tables}
    return next(((example, crm) for example, crm, known in LOOKS_LIKE if known <= names), None)


def guess(tables: Sequence[Table]) -> Guess | None:
    """The likeliest people with all that belongs to them; None if no table looks like people who can be reached."""
    books = [table for table in tables if _about(table) & (PHONE | EMAIL)]
    firms = [table for table in tables if singular(table.words[-1]) in COMPANIES]
    found = [made for table in tables if (made := _people(table, books, firms)) is not None]
    return min(found, key=_rank, default=None)


def _people(table: Table, books: Sequence[Table], firms: Sequence[Table]) -> Guess | None:
    names = _names(table)
    if table.key is None or not names or singular(table.words[-1]) in NOT_PEOPLE:
        return None
    phones, emails = (tuple(c for c in table.columns if _is_way(c, of)) for of in (PHONE, EMAIL))
    ways = tuple(_ways(table, books))
    if not phones and not any(way.type == "phone" for way in ways):
        return None
    return Guess(
        people=table,
        key=table.key,
        names=names,
        phones=phones,
        emails=emails,
        ways=ways,
        responsible=_named(table, OWNERS),
        company=_company(table, firms),
        gone=tuple(_gone(table)),
    )


def _rank(made: Guess) -> tuple[int, int, str]:
    """The smallest is the likeliest."""
    last = made.people.words[-1]
    known = [place for place, word in enumerate(PEOPLE) if word in {last, singular(last)}]
    return (known[0] if known else len(PEOPLE) + (len(made.names) == 1), len(made.people.words), made.people.quoted)


def _names(table: Table) -> tuple[Column, ...]:
    parts = tuple(part for among in NAME_PARTS if (part := _named(table, among)) is not None and part.type in TEXTS)
    if parts:
        return parts
    full = _named(table, FULL_NAMES)
    return (full,) if full is not None and full.type in TEXTS else ()


def _is_way(column: Column, words: set[str]) -> bool:
    own = {singular(word) for word in column.words}
    return bool(own & words) and not own & NO_WAY and column.type in TEXTS | NUMBERS and not column.is_key


def _about(table: Table) -> set[str]:
    return {singular(word) for word in table.words}


def _ways(people: Table, books: Sequence[Table]) -> Iterator[Ways]:
    """The tables of numbers and addresses in which a row belongs to one of these people."""
    for table in books:
        about = _about(table)
        for kind, words, values in (("phone", PHONE, PHONE_VALUES), ("email", EMAIL, EMAIL_VALUES)):
            if not about & words or table.id == people.id:
                continue
            owner, value = _link(table, people), _named(table, values)
            if owner is not None and value is not None and value.type in TEXTS | NUMBERS:
                yield Ways(kind, table, owner, value, _named(table, KINDS))


def _company(people: Table, firms: Sequence[Table]) -> Company | None:
    """The likeliest companies to which a person may belong."""
    found = [made for table in firms if table.id != people.id and (made := _companies(people, table)) is not None]
    return min(found, key=lambda made: COMPANIES.index(singular(made.table.words[-1])), default=None)


def _companies(people: Table, table: Table) -> Company | None:
    if table.key is None:
        return None
    link, name = _link(people, table), _named(table, COMPANY_NAMES)
    return Company(table, table.key, name, link) if link and name and name.type in TEXTS else None


def _link(table: Table, to: Table) -> Column | None:
    """The column by which a row of one table belongs to a row of the other: by a foreign key, or else by its name."""
    by_key = next((column for column in table.columns if column.refers_to == to.id), None)
    if by_key is not None:
        return by_key
    wanted = tuple(singular(word) for word in to.words)
    named = {(*wanted, "id"), (*wanted[-1:], "id")}
    return next(
        (c for c in table.columns if c.refers_to is None and tuple(singular(w) for w in c.words) in named), None
    )


def _gone(table: Table) -> Iterator[tuple[Column, str]]:
    for column in table.columns:
        name = "_".join(column.words)
        if name in GONE and column.type == "boolean":
            yield column, "IS NOT TRUE"
        elif name in THERE and column.type == "boolean":
            yield column, "IS NOT FALSE"
        elif name in GONE_SINCE:
            yield column, "IS NULL"


def _named(table: Table, names: Iterable[str]) -> Column | None:
    """The first of these that the table has, however it is spelt: `ownerId` is `owner_id`."""
    spelt = {"_".join(column.words): column for column in reversed(table.columns)}
    return next((spelt[name] for name in names if name in spelt), None)
