"""The search field: every word must occur somewhere in a contact; a number may be typed with its blanks."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from worker.local.sandbox.shelf import Record
from worker.local.sandbox.wire import Contact, Organization

_NUMBER = re.compile(r"[+0-9 ()-]+")
_PUNCTUATION = str.maketrans("", "", " ()-")


@dataclass(frozen=True, slots=True)
class Query:
    """A search, ready to be held against many contacts."""

    words: tuple[str, ...]
    number: str | None

    @classmethod
    def of(cls, text: str) -> Query | None:
        """The search that a person typed; None for nothing to look for."""
        words = tuple(text.casefold().split())
        number = text.translate(_PUNCTUATION) if _NUMBER.fullmatch(text) else None
        return cls(words, number or None) if words else None

    def organizations(self, records: Iterable[Record[Organization]]) -> frozenset[tuple[int, str]]:
        """Which organizations' names the search occurs in, as (project, externalId)."""
        return frozenset(
            (record.project, record.entry.external_id)
            for record in records
            if self._occurs(record.entry.name.casefold())
        )

    def matches(self, record: Record[Contact], named: frozenset[tuple[int, str]]) -> bool:
        """Whether the contact has the search in itself, or belongs to one of the organizations `named`."""
        if record.haystack is None:
            record.haystack = haystack(record.entry)
        if self._occurs(record.haystack):
            return True
        theirs = record.entry.organizations or ()
        return bool(named) and any((record.project, one.external_id) in named for one in theirs)

    def _occurs(self, hay: str) -> bool:
        if self.number is not None and self.number in hay:
            return True
        return all(word in hay for word in self.words)


def haystack(contact: Contact) -> str:
    """Everything of a contact that a person may search for, in one case."""
    parts = [contact.full_name, contact.origin, contact.responsible, contact.staff_id]
    parts += [contact.external_id, contact.lead_id]
    parts += [direction.value for direction in contact.contact_directions]
    parts += [organization.name for organization in contact.organizations or ()]
    return "\n".join(part for part in parts if part).casefold()
