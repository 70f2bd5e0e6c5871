"""The rules of `api.md`, held against one request. Pure: headers and bytes in, a verdict out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from worker.config.model import Method
from worker.local.sandbox.violations import Violation, entries_of, is_e164, is_email, violations
from worker.local.sandbox.wire import (
    NOBODY,
    Contact,
    Contacts,
    Direction,
    Ids,
    Organization,
    Posted,
    decode,
    ids_of,
)

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_is_integer = re.compile(r"[0-9]{1,18}").fullmatch


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that one request may hold; None for no limit."""

    bytes: int | None = None
    entries: int | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not accepted, in words that name fields and rules and never a value."""

    status: int
    error: str
    violations: Sequence[Violation] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """A request that has been read: what was `posted`, to be accepted unless there is a `refusal`.

    `ids` as far as they could be read.
    """

    ids: tuple[Ids, ...]
    posted: Posted | None
    refusal: Refusal | None = None


def project_of(headers: Mapping[str, str]) -> int | None:
    """The project that `x-project-id` names; None if it is absent or not an integer."""
    value = headers.get("x-project-id", "").strip()
    return int(value) if _is_integer(value) else None


def decide(
    method: Method,
    headers: Mapping[str, str],
    body: bytes,
    keys: Mapping[int, str] | None = None,
    limits: Limits = Limits(),
) -> Verdict:
    """Holds a POST to `method` against the API's rules.

    `headers` answers to lower-case names. With `keys` (project to key) the key must be the project's, else
    any non-empty one will do. Refusals: 401 the key, 413 the limits, 422 everything else.
    """
    project = project_of(headers)
    refusal = _of_headers(project, headers, keys)
    if limits.bytes is not None and len(body) > limits.bytes:
        return Verdict((), None, refusal or Refusal(413, f"a body may have {limits.bytes} bytes"))
    if project is None or refusal is not None:
        return Verdict(_readable_ids(method, body), None, refusal)
    return _of_body(method, project, body, limits)


def _of_headers(project: int | None, headers: Mapping[str, str], keys: Mapping[int, str] | None) -> Refusal | None:
    key = headers.get("auth-key", "").strip()
    if not key:
        return Refusal(401, "auth-key is missing")
    if project is None:
        return _broken([Violation(None, "x-project-id", "must be an integer")])
    if keys is not None and keys.get(project) != key:
        return Refusal(401, "auth-key is not this project's")
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return _broken([Violation(None, "Content-Type", "must be application/json")])
    return None


def _of_body(method: Method, project: int, body: bytes, limits: Limits) -> Verdict:
    try:
        posted = decode(method, body)
    except _UNREADABLE:
        return _explained(method, project, body)
    ids = _ids_of_sound(posted, project)
    if not ids or not _once(ids, 0) or not _once(ids, 1):
        return _explained(method, project, body)
    if limits.entries is not None and len(ids) > limits.entries:
        return Verdict(ids, posted, Refusal(413, f"a request may have {limits.entries} {method.value}"))
    return Verdict(ids, posted)


def _ids_of_sound(posted: Posted, project: int) -> tuple[Ids, ...]:
    """The ids of all entries, or nothing if one of them breaks a rule that its types do not hold it to."""
    if isinstance(posted, Contacts):  # noqa: SIM108 - in one line the types of the entries are lost on the type checker
        sound = _contacts_hold(posted.entries, project)
    else:
        sound = _organizations_hold(posted.entries, project)
    ids = tuple(map(ids_of, posted.entries)) if sound else ()
    return () if NOBODY in ids else ids


def _once(ids: Sequence[Ids], which: int) -> bool:
    named = [pair[which] for pair in ids if pair[which] is not None]
    return len(set(named)) == len(named)


# Rule by rule over all entries, not entry by entry: a call for each of them would cost more than the rule.


def _contacts_hold(contacts: Sequence[Contact], project: int) -> bool:
    organizations = [one for contact in contacts if contact.organizations for one in contact.organizations]
    return (
        {contact.project_id for contact in contacts} <= {project}
        and [] not in [contact.contact_directions for contact in contacts]
        and _filled([contact.full_name for contact in contacts])
        and _directions_hold([one for contact in contacts for one in contact.contact_directions])
        and _organizations_hold(organizations, project)
    )


def _organizations_hold(organizations: Sequence[Organization], project: int) -> bool:
    return {one.project_id for one in organizations} <= {project} and _filled(
        [one.external_id for one in organizations]
    )


def _directions_hold(directions: Sequence[Direction]) -> bool:
    return (
        _filled([one.name for one in directions])
        and all(map(is_e164, [one.value for one in directions if one.type == "phone"]))
        and all(map(is_email, [one.value for one in directions if one.type == "email"]))
    )


def _filled(texts: Sequence[str]) -> bool:
    return all(map(str.strip, texts))


def _explained(method: Method, project: int, body: bytes) -> Verdict:
    """The verdict over a body that the quick look found wanting."""
    try:
        decoded: object = msgspec.json.decode(body)
    except _UNREADABLE:
        return Verdict((), None, _broken([Violation(None, "", "the body must be JSON in UTF-8")]))
    return Verdict(_loose_ids(method, decoded), None, _broken(violations(method, project, decoded)))


def _broken(found: Sequence[Violation]) -> Refusal:
    return Refusal(422, "the request breaks the rules of the API", found)


def _readable_ids(method: Method, body: bytes) -> tuple[Ids, ...]:
    try:
        return _loose_ids(method, msgspec.json.decode(body))
    except _UNREADABLE:
        return ()


def _loose_ids(method: Method, body: object) -> tuple[Ids, ...]:
    entries = [entry for entry in entries_of(method, body) if isinstance(entry, dict)]
    return tuple((_loose(entry.get("externalId")), _loose(entry.get("leadId"))) for entry in entries)


def _loose(value: object) -> str | None:
    return value if isinstance(value, str) and value.strip() else None
