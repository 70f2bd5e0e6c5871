"""The long way over a body that breaks a rule: which entry, which field, which rule. Never a value."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, islice

import msgspec

from worker.config.model import Method

MOST = 100
"""So many violations are told; the sender of a thousand wrong contacts has read enough by then."""

is_e164 = re.compile(r"\+[1-9][0-9]{6,14}").fullmatch
is_email = re.compile(r"[^@\s]+@[^@\s]+").fullmatch

Problem = tuple[str, str]
Check = Callable[[str, object], Iterator[Problem]]


class Violation(msgspec.Struct, frozen=True):
    """`index` of the entry (None: the body itself), the field within it, and the rule that it breaks."""

    index: int | None
    field: str
    message: str


def _leaf(message: str, holds: Callable[[object], bool]) -> Check:
    def check(where: str, value: object) -> Iterator[Problem]:
        if not holds(value):
            yield where, message

    return check


def _is_filled(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


_text = _leaf("must be a string", lambda value: isinstance(value, str))
_text_or_null = _leaf("must be a string or null", lambda value: value is None or isinstance(value, str))
_filled = _leaf("must be a string that is not blank", _is_filled)
_type = _leaf('must be "phone" or "email"', lambda value: value in ("phone", "email"))

_DIRECTION: Mapping[str, Check] = {"type": _type, "name": _filled, "value": _filled}


def _project_is(project: int) -> Check:
    return _leaf(
        "must be the integer that x-project-id says",
        lambda value: type(value) is int and value == project,
    )


def _object(where: str, value: object, checks: Mapping[str, Check]) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield where.rstrip("."), "must be an object"
        return
    for name, check in checks.items():
        if name in value:
            yield from check(where + name, value[name])
        else:
            yield where + name, "is missing"
    for name in value.keys() - checks.keys():
        yield where + name[:60], "is not a key of the API"


def _direction(where: str, value: object) -> Iterator[Problem]:
    found = list(_object(f"{where}.", value, _DIRECTION))
    yield from found
    if found or not isinstance(value, dict):
        return
    if value["type"] == "phone" and not is_e164(value["value"]):
        yield f"{where}.value", "must be E.164: a plus and 7 to 15 digits, the first of them not 0"
    if value["type"] == "email" and not is_email(value["value"]):
        yield f"{where}.value", "must be an address: one @, something on both its sides, no blanks"


def _directions(where: str, value: object) -> Iterator[Problem]:
    if not isinstance(value, list) or not value:
        yield where, "must be an array of at least one direction"
        return
    for at, direction in enumerate(value):
        yield from _direction(f"{where}[{at}]", direction)


def _organization_checks(project: int) -> Mapping[str, Check]:
    return {"projectId": _project_is(project), "name": _text, "externalId": _filled, "origin": _text}


def _organizations_or_null(project: int) -> Check:
    checks = _organization_checks(project)

    def check(where: str, value: object) -> Iterator[Problem]:
        if value is None:
            return
        if not isinstance(value, list):
            yield where, "must be an array or null"
            return
        for at, organization in enumerate(value):
            yield from _object(f"{where}[{at}].", organization, checks)

    return check


def _contact_checks(project: int) -> Mapping[str, Check]:
    return {
        "projectId": _project_is(project),
        "fullName": _filled,
        "origin": _text,
        "externalId": _text_or_null,
        "leadId": _text_or_null,
        "responsible": _text,
        "staffId": _text_or_null,
        "contactLink": _text_or_null,
        "leadLink": _text_or_null,
        "dealLink": _text_or_null,
        "googleClientId": _text_or_null,
        "contactDirections": _directions,
        "organizations": _organizations_or_null(project),
    }


def _nameless(method: Method, entry: object) -> Iterator[Problem]:
    if method is not Method.CONTACTS or not isinstance(entry, dict):
        return
    if not (_is_filled(entry.get("externalId")) or _is_filled(entry.get("leadId"))):
        yield "externalId", "must be filled, or leadId must be"


def _of_entries(method: Method, project: int, entries: list[object]) -> Iterator[Violation]:
    contacts = method is Method.CONTACTS
    checks = _contact_checks(project) if contacts else _organization_checks(project)
    for index, entry in enumerate(entries):
        for field, message in chain(_object("", entry, checks), _nameless(method, entry)):
            yield Violation(index, field, message)


def _repeated(entries: list[object], names: Iterable[str]) -> Iterator[Violation]:
    for name in names:
        seen: set[str] = set()
        for index, entry in enumerate(entries):
            value = entry.get(name) if isinstance(entry, dict) else None
            if not isinstance(value, str) or not value.strip():
                continue
            if value in seen:
                yield Violation(index, name, "stands twice in this request")
            seen.add(value)


def entries_of(method: Method, body: object) -> list[object]:
    """What a decoded body lists under the method's name; nothing if it lists nothing."""
    entries = body.get(method.value) if isinstance(body, dict) else None
    return entries if isinstance(entries, list) else []


def _of_envelope(method: Method, body: object) -> Iterator[Violation]:
    if not isinstance(body, dict):
        yield Violation(None, "", "the body must be an object")
        return
    if not entries_of(method, body):
        yield Violation(None, method.value, "must be an array of at least one entry")
    for name in body.keys() - {method.value}:
        yield Violation(None, name[:60], "is not a key of the API")


def violations(method: Method, project: int, body: object) -> list[Violation]:
    """What is wrong with a decoded body (by the tables of `api.md`), the first `MOST` of it."""
    entries = entries_of(method, body)
    names = ("externalId", "leadId") if method is Method.CONTACTS else ("externalId",)
    found = chain(_of_envelope(method, body), _of_entries(method, project, entries), _repeated(entries, names))
    return list(islice(found, MOST))
