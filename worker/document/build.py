"""A row in, a finished document out: validated, normalised, and encoded once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Literal, assert_never

import msgspec

from worker.config.model import Defaults, Identity, Method, Source
from worker.document.directions import directions
from worker.document.left_out import LeftOut, summed_up
from worker.document.organizations import nested, organization
from worker.document.raw import as_json
from worker.document.values import InvalidFieldError, array, optional, project_id, required, wire_id
from worker.document.wire import Contact, Organization, encode

_DIGEST_BYTES = 16


class Built(msgspec.Struct, frozen=True, gc=False):
    """A document that may be sent.

    `body` is its JSON in UTF-8, `digest` what to compare with the one last accepted, `left_out` what of its
    directions is not sent. An organization has no `lead_id`.
    """

    body: bytes
    digest: bytes
    external_id: str | None
    lead_id: str | None
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, slots=True)
class Invalid:
    """A row that cannot be sent.

    `detail` names the field and the rule, never a value, so that it may be logged; `document` is the row as
    JSON for the operator's eyes (at most 64 kB), None if there was no row or no room for it.
    """

    reason: Literal["invalid", "no_directions"]
    detail: str
    document: bytes | None


class _NoDirectionsError(InvalidFieldError):
    """Nothing is left by which the contact could be reached."""


def columns_read(method: Method) -> tuple[str, ...]:
    """The names that a row's columns may have; others are ignored."""
    match method:
        case Method.ORGANIZATIONS:
            return ("key", "watermark", *Organization.__struct_fields__)
        case Method.CONTACTS:
            return ("key", "region", "watermark", *Contact.__struct_fields__)
        case _:
            assert_never(method)


def build(row: Mapping[str, Any], *, key: str, source: Source, defaults: Defaults) -> Built | Invalid:
    """The document of a row, or why there is none. Never raises for anything that a row may hold.

    `row`: columns of the mapping's query, or a producer's payload; names that are not the API's are
    ignored, but for `region`. `key`: the CRM's id of the contact, used where the id is blank.
    """
    if type(row) is not dict and not isinstance(row, Mapping):
        return Invalid("invalid", "The payload must be an object.", None)
    try:
        match source.method:
            case Method.ORGANIZATIONS:
                return _organization(row, key, source, defaults)
            case Method.CONTACTS:
                return _contact(row, key, source, defaults)
            case _:
                assert_never(source.method)
    except _NoDirectionsError as error:
        return Invalid("no_directions", str(error), as_json(row))
    except InvalidFieldError as error:
        return Invalid("invalid", str(error), as_json(row))


def _organization(row: Mapping[str, Any], key: str, source: Source, defaults: Defaults) -> Built:
    made = organization(row, key=key, project=_project(row, source, defaults), defaults=defaults)
    return _built(made, external_id=wire_id(made.externalId, "externalId"))


def _contact(row: Mapping[str, Any], key: str, source: Source, defaults: Defaults) -> Built:
    get = row.get
    external_id, lead_id = _ids(row, key, source.identity)
    region = optional(get("region"), "region") or defaults.region
    elements = array(get("contactDirections"), "contactDirections") or []
    made, left_out = directions(elements, region.strip().upper(), defaults.phone_check)
    contact = Contact(
        projectId=_project(row, source, defaults),
        fullName=required(get("fullName"), "fullName"),
        origin=required(get("origin"), "origin", defaults.origin),
        externalId=external_id,
        leadId=lead_id,
        responsible=required(get("responsible"), "responsible", defaults.responsible),
        staffId=optional(get("staffId"), "staffId"),
        contactLink=optional(get("contactLink"), "contactLink"),
        leadLink=optional(get("leadLink"), "leadLink"),
        dealLink=optional(get("dealLink"), "dealLink"),
        googleClientId=optional(get("googleClientId"), "googleClientId"),
        contactDirections=made,
        organizations=nested(get("organizations"), project=source.project, defaults=defaults),
    )
    if not made:
        raise _NoDirectionsError(
            f"contactDirections must hold a valid number or address; left out: {summed_up(left_out)}."
            if left_out
            else "contactDirections must hold at least one number or address."
        )
    return _built(contact, external_id=external_id, lead_id=lead_id, left_out=left_out)


def _project(row: Mapping[str, Any], source: Source, defaults: Defaults) -> int:
    """The source's project, which a row may repeat but not contradict; one of a routed source names it, unless there is a default."""
    if not source.routed:
        return project_id(row.get("projectId"), "projectId", source.project)
    written = required(row.get("projectId"), "projectId", None if defaults.project is None else str(defaults.project))
    if written.strip() != str(source.project):
        raise InvalidFieldError("projectId must be one of the mapping's projects.")
    return source.project


def _ids(row: Mapping[str, Any], key: str, identity: Identity) -> tuple[str | None, str | None]:
    external_id = wire_id(optional(row.get("externalId"), "externalId"), "externalId")
    lead_id = wire_id(optional(row.get("leadId"), "leadId"), "leadId")
    if identity is Identity.LEAD_ID:
        return external_id, lead_id or required(key, "leadId")
    return external_id or required(key, "externalId"), lead_id


def _built(
    made: Contact | Organization,
    *,
    external_id: str | None,
    lead_id: str | None = None,
    left_out: Sequence[LeftOut] = (),
) -> Built:
    body = encode(made)
    return Built(body, blake2b(body, digest_size=_DIGEST_BYTES).digest(), external_id, lead_id, tuple(left_out))
