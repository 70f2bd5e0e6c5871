"""The documents of `api.md` as types: every key present, none extra, null only where the table says so."""

from __future__ import annotations

from typing import Literal

import msgspec

from worker.config.model import Method

Ids = tuple[str | None, str | None]
"""The ids by which the API knows an entry: (externalId, leadId)."""

NOBODY: Ids = (None, None)


class Direction(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A number or an address."""

    type: Literal["phone", "email"]
    name: str
    value: str


class Organization(msgspec.Struct, forbid_unknown_fields=True, gc=False, rename="camel"):
    """An organization, posted by itself or inside a contact."""

    project_id: int
    name: str
    external_id: str
    origin: str


class Contact(msgspec.Struct, forbid_unknown_fields=True, gc=False, rename="camel"):
    """A contact, a lead or a deal's person."""

    project_id: int
    full_name: str
    origin: str
    external_id: str | None
    lead_id: str | None
    responsible: str
    staff_id: str | None
    contact_link: str | None
    lead_link: str | None
    deal_link: str | None
    google_client_id: str | None
    contact_directions: list[Direction]
    organizations: list[Organization] | None


class Contacts(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """What is posted to `/minicrm/contacts/sync`."""

    entries: list[Contact] = msgspec.field(name="contacts")


class Organizations(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """What is posted to `/minicrm/organizations/sync`."""

    entries: list[Organization] = msgspec.field(name="organizations")


Entry = Contact | Organization
Posted = Contacts | Organizations

_contacts = msgspec.json.Decoder(Contacts)
_organizations = msgspec.json.Decoder(Organizations)


def decode(method: Method, body: bytes) -> Posted:
    """The posted entries; raises msgspec.DecodeError, UnicodeDecodeError or RecursionError."""
    return (_contacts if method is Method.CONTACTS else _organizations).decode(body)


def ids_of(entry: Entry) -> Ids:
    """The ids of an entry, blank ones as None."""
    external_id, lead_id = entry.external_id, entry.lead_id if isinstance(entry, Contact) else None
    if external_id is not None and (not external_id or external_id.isspace()):
        external_id = None
    if lead_id is not None and (not lead_id or lead_id.isspace()):
        lead_id = None
    return external_id, lead_id


def document(entry: Entry) -> dict[str, object]:
    """The entry as it was posted."""
    posted: dict[str, object] = msgspec.to_builtins(entry)
    return posted
