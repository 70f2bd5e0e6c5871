"""Which entries a standing rule is against: by their ids, or by a text in one of their fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from msgspec.structs import fields

from worker.local.sandbox.violations import Violation
from worker.local.sandbox.wire import Contact, Entry, Organization, ids_of

_ATTRIBUTES = {one.encode_name: one.name for kind in (Contact, Organization) for one in fields(kind)}


@dataclass(frozen=True, slots=True)
class Matcher:
    """Finds the entries that a rule is against. `attribute` belongs to the wire name `field`."""

    field: str
    attribute: str
    contains: str
    ids: frozenset[str]

    @classmethod
    def of(cls, field: str | None, contains: str | None, ids: Sequence[str] | None) -> Matcher:
        """A matcher from a rule's words; ValueError if they could match nothing."""
        if ids:
            return cls("", "", "", frozenset(ids))
        if not field or not contains:
            raise ValueError('a rule needs "ids", or "field" and "contains"')
        if field not in _ATTRIBUTES:
            raise ValueError(f'"field" must be one of {", ".join(sorted(_ATTRIBUTES))}')
        return cls(field, _ATTRIBUTES[field], contains, frozenset())

    def violations(self, entries: Sequence[Entry]) -> list[Violation]:
        """One for every entry that matches."""
        field = self.field or "externalId"
        return [
            Violation(index, field, "is refused by a standing rule")
            for index, entry in enumerate(entries)
            if self._matches(entry)
        ]

    def _matches(self, entry: Entry) -> bool:
        if self.ids:
            return not self.ids.isdisjoint(ids_of(entry))
        value = getattr(entry, self.attribute, None)
        return self.contains in _text(value)


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
