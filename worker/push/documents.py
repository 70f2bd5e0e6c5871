"""Documents: contacts in flight become documents, or verdicts if there is nothing to send."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog

from models import LONGEST_KEY, DeadLetterReason
from worker.config.model import Mapping, Source
from worker.document.build import Built, Invalid, build
from worker.document.raw import as_json
from worker.document.values import Unparsed
from worker.push.batch_run import Ready
from worker.read.projects import Read, is_of_project, of_project
from worker.read.reader import ROW_KEY, Found, Unreadable
from worker.settle.verdicts import Absent, Buried, Claimed, Lease, PutBack, Verdict, Verdicts

log = structlog.get_logger()

UNKNOWN_SOURCE_WAIT = 30.0
"""Seconds for which a contact waits whose source this process's mapping has not: another process may have it."""


def build_documents(
    lease: Lease, contacts: Sequence[Claimed], mapping: Mapping, read: Read
) -> tuple[list[Ready], Verdicts]:
    """Documents of those that have one, verdicts on the rest. Reads the CRM through `read`, one call a source.

    `lease` is that of any batch in which the contacts are: they are of one project and method. Sources of the same project, method
    and identity are one: the first of them that returns a key has its document.

    Raises what `read` raises: MappingBrokenError, ReplicaUnavailableError.
    """
    ready: list[Ready] = []
    verdicts: Verdicts = []
    for identity in dict.fromkeys(contact.identity for contact in contacts):
        alike = mapping.alike(lease.project.id, lease.method, identity)
        group = [contact for contact in contacts if contact.identity == identity]
        to_read = [contact for contact in group if contact.payload is None and not _too_long(contact)]
        rows = read_first(alike, to_read, of_project(mapping, read))
        for contact in group:
            result = _too_long(contact) or _document(contact, alike, rows, mapping)
            if isinstance(result, Built):
                ready.append(Ready(contact, result))
            else:
                verdicts.append((contact, result))
    _tell_unknown_sources(lease, contacts, mapping)
    return ready, verdicts


def build_one(mapping: Mapping, source: Source, key: str, read: Read) -> Built | Verdict:
    """What a push to the source's project would come to for one contact now: its document, or the verdict if there is none."""
    lease = Lease(0, 0, mapping.projects[source.project], source.method, 0.0, 0)
    contact = Claimed(source.identity, key, 0, 0, 0, source.name, 0, None, 0, 0, False)
    ready, verdicts = build_documents(lease, [contact], mapping, read)
    return ready[0].document if ready else verdicts[0][1]


def read_first(
    alike: Sequence[Source], contacts: Sequence[Claimed], read: Read
) -> dict[str, tuple[Source, Found | Unreadable]]:
    """By key, what the first source says that returns it; one whose row can't be computed has it too."""
    rows: dict[str, tuple[Source, Found | Unreadable]] = {}
    missing = {contact.key: contact.source for contact in contacts}
    for source in alike:
        if not missing:
            break
        for key, row in read(source, list(missing)).items():
            if isinstance(row, Unreadable) or _is_returned(row, key, exactly=source.name != missing[key]):
                rows[key] = source, row
                del missing[key]
            else:
                rows.setdefault(key, (source, Found(key, ())))
    return rows


def _is_returned(row: Found, key: str, *, exactly: bool) -> bool:
    """Another source's key is the same only if it is spelt the same: `+1` of one with texts is no `1` of one with numbers."""
    if not row.rows:
        return False
    return not exactly or str(row.rows[0][ROW_KEY]) == key


def _tell_unknown_sources(lease: Lease, contacts: Sequence[Claimed], mapping: Mapping) -> None:
    for name in sorted({contact.source for contact in contacts} - mapping.sources.keys()):
        log.warning("source_unknown", source=name, project=lease.project.id)


def _too_long(contact: Claimed) -> Buried | None:
    if len(contact.key) <= LONGEST_KEY:
        return None
    return Buried(DeadLetterReason.INVALID, f"The key must have at most {LONGEST_KEY} characters.")


def _document(
    contact: Claimed, alike: Sequence[Source], rows: dict[str, tuple[Source, Found | Unreadable]], mapping: Mapping
) -> Built | Verdict:
    # A mapping that lacks the contact's source can't say that the contact is gone: it is older or newer than the one that knew it.
    missing: Verdict = Absent() if contact.source in mapping.sources else PutBack(UNKNOWN_SOURCE_WAIT)
    if not alike:
        return missing
    if contact.payload is not None:
        return _payload(contact, alike, mapping)
    source, read = rows[contact.key]
    if isinstance(read, Unreadable):
        detail = f"PostgreSQL could not compute this contact's row: {read.problem}."
        return Buried(DeadLetterReason.MAPPING_ERROR, detail)
    match read.rows:
        case ():
            return missing
        case (row,):
            return build_row(row, str(row[ROW_KEY]), source, mapping)
        case several:
            detail = f"The mapping returned this key {len(several)} times; it must be once."
            return Buried(DeadLetterReason.DUPLICATE_KEY, detail)


def _payload(contact: Claimed, alike: Sequence[Source], mapping: Mapping) -> Built | Verdict:
    source = next((source for source in alike if source.name == contact.source), alike[0])
    if not is_of_project(mapping, source, contact.payload):
        return Absent()  # it has moved to another project, in which it waits too
    return build_row(contact.payload, contact.key, source, mapping)


def build_row(row: Any, key: str, source: Source, mapping: Mapping) -> Built | Buried:
    """The document of a row or payload, or the dead letter that it becomes."""
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
