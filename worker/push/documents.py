"""Prepare: contacts in flight become documents, or verdicts where there is nothing to send."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from models import LONGEST_KEY, DeadLetterReason
from worker.config.model import Mapping, Source
from worker.document.build import Built, Invalid, build
from worker.document.raw import as_json
from worker.document.values import Unparsed
from worker.push.batch_run import Ready
from worker.read.reader import ROW_KEY, Found, Unreadable
from worker.settle.verdicts import Absent, Buried, Claimed, Lease, Verdict, Verdicts

Read = Callable[[Source, Sequence[str]], dict[str, Found | Unreadable]]


def build_documents(
    lease: Lease, contacts: Sequence[Claimed], mapping: Mapping, read: Read
) -> tuple[list[Ready], Verdicts]:
    """Documents of those that have one, verdicts on the rest. Reads the CRM through `read`, one call a source.

    `lease` is that of any batch in which the contacts are: they are of one project and method.

    Raises what `read` raises: MappingBrokenError, ReplicaUnavailableError.
    """
    ready: list[Ready] = []
    verdicts: Verdicts = []
    for source, group in _by_source(lease, contacts, mapping):
        keys = [contact.key for contact in group if contact.payload is None and not _too_long(contact)]
        found = read(source, keys) if source and keys else {}
        for contact in group:
            result = _too_long(contact) or _document(contact, source, found, mapping)
            if isinstance(result, Built):
                ready.append(Ready(contact, result))
            else:
                verdicts.append((contact, result))
    return ready, verdicts


def _by_source(
    lease: Lease, contacts: Sequence[Claimed], mapping: Mapping
) -> list[tuple[Source | None, list[Claimed]]]:
    groups: dict[str, tuple[Source | None, list[Claimed]]] = {}
    sources: dict[tuple[str, str], Source | None] = {}
    for contact in contacts:
        kind = (contact.source, contact.identity)
        if kind not in sources:
            sources[kind] = _source_of(lease, contact, mapping)
        source = sources[kind]
        groups.setdefault(source.name if source else "", (source, []))[1].append(contact)
    return list(groups.values())


def _source_of(lease: Lease, contact: Claimed, mapping: Mapping) -> Source | None:
    """The contact's source, or, where it has left the mapping, one that maps the same kind of contact."""
    alike = [
        source
        for source in mapping.sources.values()
        if (source.project, str(source.method), str(source.identity))
        == (lease.project.id, str(lease.method), str(contact.identity))
    ]
    return next((source for source in alike if source.name == contact.source), alike[0] if alike else None)


def _too_long(contact: Claimed) -> Buried | None:
    if len(contact.key) <= LONGEST_KEY:
        return None
    return Buried(DeadLetterReason.INVALID, f"The key must have at most {LONGEST_KEY} characters.")


def _document(
    contact: Claimed, source: Source | None, found: dict[str, Found | Unreadable], mapping: Mapping
) -> Built | Verdict:
    if source is None:
        return Absent()
    if contact.payload is not None:
        return _build(contact.payload, contact.key, source, mapping)
    read = found[contact.key]
    if isinstance(read, Unreadable):
        detail = f"PostgreSQL could not compute this contact's row: {read.problem}."
        return Buried(DeadLetterReason.MAPPING_ERROR, detail)
    match read.rows:
        case ():
            return Absent()
        case (row,):
            return _build(row, str(row[ROW_KEY]), source, mapping)
        case rows:
            detail = f"The mapping returned this key {len(rows)} times; it must be once."
            return Buried(DeadLetterReason.DUPLICATE_KEY, detail)


def _build(row: Any, key: str, source: Source, mapping: Mapping) -> Built | Verdict:
    if isinstance(row, Unparsed):
        return Buried(
            DeadLetterReason.INVALID, "The payload is nested too deeply, or holds too long a number, to be read."
        )
    if not isinstance(row, dict):
        return Buried(DeadLetterReason.INVALID, "The payload is not a JSON object.")
    document = build(row, key=key, source=source, defaults=mapping.defaults)
    if isinstance(document, Invalid):
        return Buried(DeadLetterReason(document.reason), document.detail, _shown(row))
    return document


def _shown(row: dict[str, Any]) -> bytes | None:
    """The row as its dead letter shows it, without the column that we add to the query. A copy: two spellings of a key share a row."""
    return as_json({name: value for name, value in row.items() if name != ROW_KEY})
