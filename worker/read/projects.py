"""Which project a row of a routed source belongs to, by its column "projectId"; of what a query returns, a project sees its own rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Mapping as Row
from typing import Any

from worker.config.model import Mapping, Source
from worker.document.values import InvalidFieldError, text
from worker.read.reader import Found, Keys, Unreadable

Read = Callable[[Source, Sequence[str]], Keys]


def project_of(mapping: Mapping, source: Source, row: Any) -> int:
    """The project that has a row or a payload; one that names none of the mapping's is the source's own project's, which refuses it."""
    if not source.routed:
        return source.project
    named = named_project(mapping, row.get("projectId")) if isinstance(row, Row) else None
    return mapping.sources[source.name].project if named is None else named


def named_project(mapping: Mapping, written: object) -> int | None:
    """The project that a "projectId" names, the mapping's own one if it is blank; None if it is none of the mapping's."""
    try:
        name = (text(written, "projectId") or "").strip()
    except InvalidFieldError:
        return None
    return mapping.projects_by_name.get(name) if name else mapping.defaults.project


def is_of_project(mapping: Mapping, source: Source, row: Any) -> bool:
    """Whether a row or a payload belongs to the project that the source is seen from."""
    return project_of(mapping, source, row) == source.project


def of_project(mapping: Mapping, read: Read) -> Read:
    """`read`, without the rows of a routed source that belong to other projects; a key that is left with none is absent in this one."""

    def own(source: Source, keys: Sequence[str]) -> Keys:
        found = read(source, keys)
        if not source.routed:
            return found
        return {key: own_rows(mapping, source, rows) for key, rows in found.items()}

    return own


def own_rows(mapping: Mapping, source: Source, read: Found | Unreadable) -> Found | Unreadable:
    """What was read of a key, with the rows of the source's project alone."""
    if not isinstance(read, Found):
        return read
    return Found(read.key, tuple(row for row in read.rows if is_of_project(mapping, source, row)))
