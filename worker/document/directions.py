"""The ways to reach a contact: normalised, in order, each once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from worker.document.addresses import normalized
from worker.document.phones import e164
from worker.document.values import InvalidFieldError, blank, sendable, text
from worker.document.wire import Direction


def directions(elements: Iterable[object], region: str | None, check: str) -> tuple[list[Direction], int]:
    """The directions that can be sent, and how many were dropped because they cannot.

    `region` and `check` as in `phones.e164`. Of equal ones (same type and normalised value) the first is
    kept; the others do not count as dropped.
    """
    kept: dict[tuple[str, str], Direction] = {}
    dropped = 0
    for element in elements:
        made = _direction(element, region, check)
        if made is None:
            dropped += 1
        else:
            kept.setdefault((made.type, made.value), made)
    return list(kept.values()), dropped


def _direction(element: object, region: str | None, check: str) -> Direction | None:
    if type(element) is not dict and not isinstance(element, Mapping):
        return None
    try:
        kind = text(element.get("type"), "type")
        name = text(element.get("name"), "name")
        value = text(element.get("value"), "value")
    except InvalidFieldError:
        return None
    kind = (kind or "").strip().lower()
    reached = _normalised(kind, value, region, check)
    if reached is None:
        return None
    if name is None or blank(name):
        name = kind
    return Direction(kind, name, reached) if sendable(name) else None


def _normalised(kind: str, value: str | None, region: str | None, check: str) -> str | None:
    if value is None or blank(value) or not sendable(value):
        return None
    if kind == "phone":
        return e164(value, region, check)
    return normalized(value) if kind == "email" else None
