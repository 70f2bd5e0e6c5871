"""Compare: the contacts of a chunk beside what was last accepted of them. What is equal is passed over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

from sqlalchemy import Engine, Row

from models import LONGEST_KEY, DeadLetterReason
from worker.config.model import Mapping, Source
from worker.database.engines import at_once
from worker.database.sql import sql
from worker.document.build import Built
from worker.push.documents import build_row
from worker.read.projects import of_project, own_rows, project_of
from worker.read.reader import ROW_KEY, Found, Keys, Reader, Unreadable
from worker.read.walk import Chunk
from worker.settle.verdicts import Buried


class Kind(StrEnum):
    """How a contact differs from what was last accepted. What is `overtaken` was accepted while we read, and counts as no drift."""

    DIFFERING = "differing"
    NEVER_SENT = "never_sent"
    GONE = "gone"
    OVERTAKEN = "overtaken"


Drift = list[tuple[str, int, Kind]]
"""Keys, each with the project whose contact it is."""
Document = Built | Buried


@dataclass(frozen=True, slots=True)
class Compared:
    """Of a chunk: the contacts to send, and how many the API is known to hold."""

    drift: Drift
    known: int


@dataclass(slots=True)
class Comparison:
    """Compares the contacts of a source. `address`: the id of the API's address."""

    engine: Engine
    reader: Reader
    mapping: Mapping
    source: Source
    address: int

    def compare(self, chunk: Chunk, read_at: datetime) -> Compared:
        """What of a chunk is to be sent. `read_at`: the outbox's clock, before the chunk was read."""
        compared = [self.of(project)._compare(part, read_at) for project, part in self._by_project(chunk).items()]
        return Compared([drift for one in compared for drift in one.drift], sum(one.known for one in compared))

    def of(self, project: int) -> Comparison:
        """The same for the contacts of one project."""
        return replace(self, source=self.source.of(project))

    def read(self, source: Source, keys: Sequence[str]) -> Keys:
        """What the source's project sees of `keys`. Raises as `Reader.read` does."""
        return of_project(self.mapping, self.reader.read)(source, keys)

    def _by_project(self, chunk: Chunk) -> dict[int, Chunk]:
        """The rows of a chunk by the projects that they name."""
        if not self.source.routed:
            return {self.source.project: chunk}
        parts: dict[int, Chunk] = {}
        for key, read in chunk.items():
            rows = read.rows if isinstance(read, Found) else ()
            projects = {project_of(self.mapping, self.source, row) for row in rows} or {self.source.project}
            for project in projects:
                parts.setdefault(project, {})[key] = own_rows(self.mapping, self.source.of(project), read)
        return parts

    def _compare(self, chunk: Chunk, read_at: datetime) -> Compared:
        documents = {stored(key): self._document(key, row) for key, row in chunk.items()}
        digests = self._digests(list(documents))
        unequal = {
            key: document
            for key, document in documents.items()
            if isinstance(document, Buried) or digests.get(key) != document.digest
        }
        unequal = self._without_those_of_earlier_sources(unequal)
        known = self._known(list(unequal), read_at) if unequal else []
        equal = len(documents) - len(unequal)
        drift = [
            (row.key, self.source.project, kind_of(row))
            for row in known
            if not row.waits and not is_buried(unequal[row.key], row)
        ]
        return Compared(drift, equal + sum(row.is_known for row in known))

    def _document(self, key: str, read: Found | Unreadable) -> Document:
        if len(key) > LONGEST_KEY:
            return Buried(DeadLetterReason.INVALID, f"The key must have at most {LONGEST_KEY} characters.")
        if isinstance(read, Unreadable):
            detail = f"PostgreSQL could not compute this contact's row: {read.problem}."
            return Buried(DeadLetterReason.MAPPING_ERROR, detail)
        if len(read.rows) == 1:
            return build_row(read.rows[0], key, self.source, self.mapping)
        detail = f"The mapping returned this key {len(read.rows)} times; it must be once."
        return Buried(DeadLetterReason.DUPLICATE_KEY, detail)

    def _digests(self, keys: list[str]) -> dict[str, bytes]:
        with at_once(self.engine) as connection:
            found = connection.execute(sql(__package__, "digests"), {**self.contacts, "keys": keys})
            return {key: bytes(digest) for key, digest in found}

    def _known(self, keys: list[str], read_at: datetime) -> Sequence[Row[Any]]:
        with at_once(self.engine) as connection:
            values = {**self.contacts, "keys": keys, "read_at": read_at}
            return connection.execute(sql(__package__, "known"), values).all()

    def _without_those_of_earlier_sources(self, unequal: dict[str, Document]) -> dict[str, Document]:
        """Sources of the same project, method and identity are one: the first that returns a key has its document."""
        for earlier in self.alike:
            if earlier.name == self.source.name or not unequal:
                break
            returned = self.returned_by(earlier, list(unequal))
            unequal = {key: document for key, document in unequal.items() if key not in returned}
        return unequal

    def returned_by(self, source: Source, keys: Sequence[str], *, exactly: bool = True) -> set[str]:
        """The keys that a source returns, `exactly` so spelt; one whose row can't be computed is returned too."""
        return {
            key
            for key, row in self.read(source, keys).items()
            if isinstance(row, Unreadable) or (row.rows and (not exactly or str(row.rows[0][ROW_KEY]) == key))
        }

    @property
    def alike(self) -> list[Source]:
        """The sources whose keys name the same contacts, in the order of the mapping; the source itself is one of them."""
        return self.mapping.alike(self.source.project, self.source.method, self.source.identity)

    @property
    def contacts(self) -> dict[str, object]:
        """Whose deliveries these are, as the statements take it."""
        source = self.source
        return {
            "project": source.project,
            "method": source.method,
            "identity": source.identity,
            "address": self.address,
        }


def stored(key: str) -> str:
    """A key as our tables have it; as `bounded_key` of the schema."""
    return key if len(key) <= LONGEST_KEY else f"{key[:448]}…{sha256(key.encode()).hexdigest()}"


def kind_of(known: Row[Any]) -> Kind:
    """How a contact differs."""
    if known.is_newer:
        return Kind.OVERTAKEN
    return Kind.DIFFERING if known.is_known else Kind.NEVER_SENT


def is_buried(document: Document, known: Row[Any]) -> bool:
    """Whether its dead letter says all that could be said again: the same document, or the same problem with the same row."""
    if known.reason is None:
        return False
    if isinstance(document, Built):
        return bool(known.document == document.body.decode())
    row = document.document.decode() if document.document else None
    return (known.reason, known.detail, known.document) == (str(document.reason), document.detail, row)
