"""Where accepted entries stand: found by either id, the newest last."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Generic, TypeVar

import msgspec

from worker.local.sandbox.wire import Entry, Ids

E = TypeVar("E", bound=Entry)


class Record(msgspec.Struct, Generic[E]):
    """One contact, or one organization: the last state that was accepted, and when.

    `revision` counts acceptances over the whole book; `times` those of this record. `history` holds every
    accepted (revision, entry) in order, where the book keeps a history at all.
    """

    number: int
    project: int
    entry: E
    external_id: str | None
    lead_id: str | None
    revision: int
    times: int
    received_at: datetime
    history: list[tuple[int, E]] = []
    haystack: str | None = None


class Shelf(Generic[E]):
    """The records of one method. Not thread-safe: the book locks."""

    def __init__(self, *, history: bool) -> None:
        self._keeps_history = history
        self._by_external: dict[int, dict[str, Record[E]]] = {}
        self._by_lead: dict[int, dict[str, Record[E]]] = {}
        self._recent: OrderedDict[int, Record[E]] = OrderedDict()
        self._last_number = 0

    def __len__(self) -> int:
        return len(self._recent)

    def find(self, project: int, external_id: str | None, lead_id: str | None) -> Record[E] | None:
        """The record known by the external id or, where nobody is, by the lead's."""
        by_external = self._by_external.get(project, {})
        by_lead = self._by_lead.get(project, {})
        found = by_external.get(external_id) if external_id is not None else None
        if found is None and lead_id is not None:
            found = by_lead.get(lead_id)
        return found

    def numbered(self, number: int) -> Record[E] | None:
        """The record with this number of the book's own."""
        return self._recent.get(number)

    def newest(self, project: int | None = None) -> Iterator[Record[E]]:
        """The records, the most recently accepted first."""
        return (one for one in reversed(self._recent.values()) if project in (None, one.project))

    def projects(self) -> set[int]:
        """The projects that something was accepted for."""
        return {project for shelf in (self._by_external, self._by_lead) for project in shelf}

    def put(self, project: int, entries: Sequence[E], ids: Sequence[Ids], revision: int, received_at: datetime) -> None:
        """Makes the entries, in their order, the last accepted states of whom their ids name.

        `revision` is that of the last acceptance before them.
        """
        by_external = self._by_external.setdefault(project, {})
        for entry, (external_id, lead_id) in zip(entries, ids, strict=True):
            revision += 1
            record = by_external.get(external_id) if external_id is not None else None
            if record is None or record.lead_id != lead_id:
                record = self._owner(project, external_id, lead_id)
            if record is None:
                record = self._new(project, entry, received_at)
            self._write(record, entry, revision, received_at)
            if record.external_id != external_id or record.lead_id != lead_id:
                self._index(record, external_id, lead_id)

    def _write(self, record: Record[E], entry: E, revision: int, received_at: datetime) -> None:
        record.entry, record.revision, record.received_at = entry, revision, received_at
        record.times += 1
        record.haystack = None
        if self._keeps_history:
            record.history.append((revision, entry))
        self._recent.move_to_end(record.number)

    def _owner(self, project: int, external_id: str | None, lead_id: str | None) -> Record[E] | None:
        """Who the ids name, after a lead known by its leadId alone has joined the contact that it belongs to.

        A lead that another contact holds changes hands, and the two contacts remain two.
        """
        contact = self.find(project, external_id, None)
        lead = self.find(project, None, lead_id)
        if external_id is None or (lead is not None and lead.external_id is None and contact is None):
            return lead
        if contact is not None and lead is not None and lead.external_id is None:
            self._join(contact, lead)
        return contact

    def _join(self, contact: Record[E], lead: Record[E]) -> None:
        contact.times += lead.times
        contact.history = sorted(contact.history + lead.history, key=lambda state: state[0])
        del self._recent[lead.number]

    def _new(self, project: int, entry: E, received_at: datetime) -> Record[E]:
        self._last_number += 1
        record = Record(self._last_number, project, entry, None, None, 0, 0, received_at)
        self._recent[record.number] = record
        return record

    def _index(self, record: Record[E], external_id: str | None, lead_id: str | None) -> None:
        if external_id is not None:
            record.external_id = external_id
            self._by_external.setdefault(record.project, {})[external_id] = record
        if lead_id is not None:
            by_lead = self._by_lead.setdefault(record.project, {})
            former = by_lead.get(lead_id)
            if former is not None:
                former.lead_id = None
            record.lead_id = lead_id
            by_lead[lead_id] = record
