"""An example's CRM on a real PostgreSQL, synced as its mapping says, and the truth to hold the book against."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import dict_row

from tests.support.engine import PROJECT, Engine
from tests.support.waiting import nothing_waits, wait_until
from worker import capture
from worker.config.settings import libpq_url

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples"
Rows = list[dict[str, Any]]
Document = dict[str, Any]


class Entry(NamedTuple):
    """Who an entry of the book is: a contact or an organization by its externalId, a lead by its leadId."""

    kind: str
    id: str


class Step(NamedTuple):
    """Something that happens to a CRM in a day, as its own code would write it."""

    what: str
    statement: str


def corrections(table: str, *changes: tuple[object, str, str]) -> list[Step]:
    """One column of one row (its id, the column, the new value in SQL) at a time."""
    return [
        Step(f"{column} of {table} {row} is corrected", f"UPDATE {table} SET \"{column}\" = {value} WHERE id = '{row}'")
        for row, column, value in changes
    ]


class Tables:
    """The rows of a CRM, by the names of its tables. Nothing is computed by PostgreSQL."""

    def __init__(self, connection: psycopg.Connection[Any], schema: str) -> None:
        self._connection, self._schema = connection, schema

    def __getattr__(self, name: str) -> Rows:
        with self._connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(f'SELECT * FROM {self._schema}."{name}" ORDER BY 1'.encode()).fetchall()

    def by_id(self, name: str) -> dict[Any, dict[str, Any]]:
        return {row["id"]: row for row in getattr(self, name)}


@dataclass
class Crm:
    """A CRM with its sample data, watched and sent whole. `kind` is the module that knows it."""

    kind: ModuleType
    engine: Engine
    connection: psycopg.Connection[Any]
    shown: dict[Entry, Document] = field(default_factory=dict)
    """What the telephone should show: everybody as they are, and those who are gone as they were."""

    def start(self) -> None:
        """Triggers, and everybody who is there already."""
        capture.install(self.connection, self.engine.wiring.mapping)
        for source in self.engine.wiring.mapping.sources:
            self.engine.backfill(source)
        self.settle()
        self._look()

    def happens(self, step: Step) -> None:
        """Let a step happen in one transaction, and wait until all of it has been sent."""
        with self.connection.transaction():
            self.connection.execute(step.statement.encode())
        self.settle()
        self._look()

    def _look(self) -> None:
        now = self.truth()
        # A lead that has become a contact's is found under the contact alone.
        joined = {Entry("lead", document.get("leadId")) for entry, document in now.items() if entry.kind == "contact"}
        self.shown = {entry: document for entry, document in (self.shown | now).items() if entry not in joined}

    def settle(self) -> None:
        def is_quiet() -> bool:
            self.engine.wiring.fan_out.run(PROJECT)
            self.engine.push()
            return nothing_waits(self.engine.sql)

        wait_until(is_quiet, timeout=20, what="all changes to be sent")

    def truth(self) -> dict[Entry, Document]:
        """What should be on the telephone now, computed from the rows by Python alone."""
        made = self.kind.truth(Tables(self.connection, self.kind.SCHEMA))
        return {entry: {"projectId": PROJECT} | document for entry, document in made.items()}

    def book(self, entries: Iterable[Entry]) -> dict[Entry, Document | None]:
        """What the telephone shows of these."""
        return {entry: self._found(entry) for entry in entries}

    def _found(self, entry: Entry) -> Document | None:
        book = self.engine.sandbox.book
        if entry.kind == "organization":
            return book.organization(PROJECT, entry.id)
        if entry.kind == "contact":
            return book.contact(PROJECT, external_id=entry.id)
        return book.contact(PROJECT, lead_id=entry.id)

    def letters(self) -> Rows:
        return self.engine.sql("SELECT source, key, reason::text, detail FROM ringostat_sync.dead_letters")


def files_of(kind: ModuleType) -> dict[str, str]:
    """The texts of an example's folder, by their names."""
    return {path.name: path.read_text(encoding="utf-8") for path in (EXAMPLES / kind.NAME).iterdir()}


def fenced(text: str, language: str) -> list[str]:
    """The blocks of a document in this language, in their order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def create(kind: ModuleType, url: str) -> None:
    """The CRM's tables and its sample data."""
    texts = files_of(kind)
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        for name in ("schema.sql", "sample.sql"):
            connection.execute(texts[name].encode())


def phone(written: str | None, code: str = "380") -> str | None:
    """A number of the samples in E.164; `code` is the country's, for one that is written without."""
    digits = re.sub(r"\D", "", written or "")
    if not digits:
        return None
    return f"+{digits}" if "+" in str(written) else f"+{code}{digits.removeprefix('0')}"


def ways(*found: tuple[str, str | None, str | None]) -> list[Document]:
    """Directions of (type, name, value), without the empty ones, and of equal ones the first."""
    kept: dict[tuple[str, str], Document] = {}
    for kind, name, value in found:
        if value and value.strip():
            kept.setdefault((kind, value), {"type": kind, "name": name or kind, "value": value})
    return list(kept.values())


def contact(origin: str, name: str, directions: list[Document], responsible: Any, **more: Any) -> Document:
    """A contact's document with every key that the API wants."""
    keys = ("externalId", "leadId", "staffId", "contactLink", "leadLink", "dealLink", "googleClientId", "organizations")
    document = dict.fromkeys(keys) | {
        key: value if key == "organizations" else str(value) for key, value in more.items() if value
    }
    return document | {
        "fullName": name,
        "origin": origin,
        "responsible": str(responsible),
        "contactDirections": directions,
    }


def organization(origin: str, identity: Any, name: str) -> Document:
    return {"origin": origin, "externalId": str(identity), "name": name}


def belonging(origin: str, found: Iterable[tuple[Any, str]]) -> list[Document] | None:
    """A contact's organizations by (id, name); None for none."""
    made = [{"projectId": PROJECT} | organization(origin, identity, name) for identity, name in found]
    return made or None


def newest(rows: Iterable[Mapping[str, Any]], order: Callable[[Mapping[str, Any]], Any]) -> dict[str, Any] | None:
    """The row that comes first by this order."""
    return min((dict(row) for row in rows), key=order, default=None)
