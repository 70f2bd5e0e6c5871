"""What goes over the wire: the API's names in the API's order, every key present, nulls explicit."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from worker.config.model import Method


class Direction(msgspec.Struct, frozen=True, gc=False):
    """A telephone number in E.164 or an e-mail address, with what the CRM calls it."""

    type: str
    name: str
    value: str


class Organization(msgspec.Struct, frozen=True, gc=False):
    """An organization, alone or inside a contact. Nothing in it may be null."""

    projectId: int  # noqa: N815 - the API's name
    name: str
    externalId: str  # noqa: N815 - the API's name
    origin: str


class Contact(msgspec.Struct, frozen=True):
    """A contact. At least one of the two ids is filled, and there is at least one direction."""

    projectId: int  # noqa: N815 - the API's name
    fullName: str  # noqa: N815 - the API's name
    origin: str
    externalId: str | None  # noqa: N815 - the API's name
    leadId: str | None  # noqa: N815 - the API's name
    responsible: str
    staffId: str | None  # noqa: N815 - the API's name
    contactLink: str | None  # noqa: N815 - the API's name
    leadLink: str | None  # noqa: N815 - the API's name
    dealLink: str | None  # noqa: N815 - the API's name
    googleClientId: str | None  # noqa: N815 - the API's name
    contactDirections: list[Direction]  # noqa: N815 - the API's name
    organizations: list[Organization] | None


encode = msgspec.json.Encoder().encode


def envelope(method: Method, bodies: Sequence[bytes]) -> bytes:
    """Joins documents that are already encoded into the body of one request, `{"contacts":[...]}`."""
    return b'{"%s":[%s]}' % (method.value.encode(), b",".join(bodies))


def path(method: Method) -> str:
    """Where requests of the method are posted."""
    return f"/minicrm/{method.value}/sync"
