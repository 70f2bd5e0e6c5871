"""The ways to reach a contact: normalised, in order, each once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from worker.document.addresses import addresses_in
from worker.document.left_out import LeftOut, Why
from worker.document.phones.reader import numbers_in
from worker.document.values import InvalidFieldError, optional
from worker.document.wire import Direction

_Field = tuple[str, str, str]
"""What one element of `contactDirections` says: type, name, value."""


def directions(elements: Iterable[object], region: str | None, check: str) -> tuple[list[Direction], list[LeftOut]]:
    """The directions that can be sent, and what was left out because it cannot.

    `region` and `check` as in `numbers_in`. A field with several numbers or addresses is as many directions.
    Of equal ones (same type and normalised value) the first is kept; the others do not count as left out.
    """
    kept: dict[tuple[str, str], Direction] = {}
    left_out: list[LeftOut] = []
    for at, element in enumerate(elements):
        field = _field(element)
        if isinstance(field, Why):
            left_out.append(LeftOut(at, field))
            continue
        kind, name, written = field
        values, reasons = _reached(kind, written, region, check)
        for value in values:
            if (kind, value) not in kept:
                kept[kind, value] = Direction(kind, name, value)
        if reasons:
            left_out += [LeftOut(at, why) for why in reasons]
    return list(kept.values()), left_out


def _field(element: object) -> _Field | Why:
    if type(element) is not dict and not isinstance(element, Mapping):
        return Why.UNREADABLE
    try:
        kind = optional(element.get("type"), "type") or ""
        name = optional(element.get("name"), "name")
        value = optional(element.get("value"), "value")
    except InvalidFieldError:
        return Why.UNREADABLE
    if value is None:
        return Why.UNREADABLE
    kind = kind.strip().lower()
    return kind, name or kind, value


def _reached(kind: str, written: str, region: str | None, check: str) -> tuple[Sequence[str], Sequence[Why]]:
    match kind:
        case "phone":
            return numbers_in(written, region, check)
        case "email":
            return addresses_in(written)
        case _:
            return (), (Why.UNKNOWN_TYPE,)
