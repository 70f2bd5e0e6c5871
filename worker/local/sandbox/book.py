"""The contact book: the last accepted state of every contact and organization, in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice

from worker.local.sandbox.search import Query
from worker.local.sandbox.shelf import Record, Shelf
from worker.local.sandbox.wire import Contact, Contacts, Ids, Organization, Posted, document

Document = dict[str, object]


def utc_now() -> datetime:
    """The wall clock, in UTC."""
    return datetime.now(UTC)


class Book:
    """What the telephone would show, by (project, method, id on the wire).

    A contact is found by its externalId or its leadId; one that arrives with both joins the lead known by its
    leadId alone. With `history`, every accepted document is kept in order. Safe to use from any thread.
    """

    def __init__(self, *, history: bool = False, wall: Callable[[], datetime] = utc_now) -> None:
        self._history = history
        self._wall = wall
        self._lock = threading.RLock()
        self._revision = 0
        self._contacts: Shelf[Contact] = Shelf(history=history)
        self._organizations: Shelf[Organization] = Shelf(history=history)

    @property
    def revision(self) -> int:
        """A number that grows with every accepted entry and every clearing."""
        return self._revision

    def accept(self, project: int, posted: Posted, ids: Sequence[Ids]) -> None:
        """Makes the entries, in their order, the last accepted states. `ids` are theirs; the rules hold."""
        now = self._wall()
        with self._lock:
            if isinstance(posted, Contacts):
                self._contacts.put(project, posted.entries, ids, self._revision, now)
            else:
                self._organizations.put(project, posted.entries, ids, self._revision, now)
            self._revision += len(ids)

    def clear(self) -> None:
        """Forgets everything."""
        with self._lock:
            self._revision += 1
            self._contacts = Shelf(history=self._history)
            self._organizations = Shelf(history=self._history)

    def contact(self, project: int, *, external_id: str | None = None, lead_id: str | None = None) -> Document | None:
        """The last accepted document of a contact."""
        with self._lock:
            record = self._contacts.find(project, external_id, lead_id)
            return None if record is None else document(record.entry)

    def organization(self, project: int, external_id: str) -> Document | None:
        """The last accepted document of an organization."""
        with self._lock:
            record = self._organizations.find(project, external_id, None)
            return None if record is None else document(record.entry)

    def history(self, project: int, *, external_id: str | None = None, lead_id: str | None = None) -> list[Document]:
        """Every accepted document of a contact, the oldest first; empty without `history`."""
        with self._lock:
            record = self._contacts.find(project, external_id, lead_id)
            return [] if record is None else [document(entry) for _, entry in record.history]

    def organization_history(self, project: int, external_id: str) -> list[Document]:
        """Every accepted document of an organization, the oldest first; empty without `history`."""
        with self._lock:
            record = self._organizations.find(project, external_id, None)
            return [] if record is None else [document(entry) for _, entry in record.history]

    def contacts(self, project: int | None = None) -> list[Document]:
        """The last accepted document of every contact, the most recently accepted first."""
        with self._lock:
            return [document(record.entry) for record in self._contacts.newest(project)]

    def organizations(self, project: int | None = None) -> list[Document]:
        """The last accepted document of every organization, the most recently accepted first."""
        with self._lock:
            return [document(record.entry) for record in self._organizations.newest(project)]

    def counts(self, project: int | None = None) -> tuple[int, int]:
        """How many contacts and how many organizations there are."""
        with self._lock:
            if project is None:
                return len(self._contacts), len(self._organizations)
            return _length(self._contacts.newest(project)), _length(self._organizations.newest(project))

    def projects(self) -> list[int]:
        """The projects that something was accepted for."""
        with self._lock:
            return sorted(self._contacts.projects() | self._organizations.projects())

    def record(self, number: int) -> Record[Contact] | None:
        """The contact with this number of the book's own."""
        with self._lock:
            return self._contacts.numbered(number)

    def find(self, text: str, project: int | None, limit: int) -> tuple[list[Record[Contact]], int]:
        """The contacts with all words of `text` in them, the newest first: at most `limit`, and how many."""
        query = Query.of(text)
        with self._lock:
            newest = self._contacts.newest(project)
            if query is None:
                return list(islice(newest, limit)), self.counts(project)[0]
            named = query.organizations(self._organizations.newest(project))
            found = [record for record in newest if query.matches(record, named)]
        return found[:limit], len(found)

    def organization_name(self, record: Record[Contact], organization: Organization) -> str:
        """What a contact's organization is called: by whichever was accepted last, itself or the contact."""
        with self._lock:
            posted = self._organizations.find(record.project, organization.external_id, None)
        if posted is None or posted.revision < record.revision:
            return organization.name
        return posted.entry.name


def _length(records: Iterable[object]) -> int:
    return sum(1 for _ in records)
