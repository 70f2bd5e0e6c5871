"""Organizations: a row of their own, or the ones that a contact belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from worker.config.model import Defaults
from worker.document.values import InvalidFieldError, array, optional, project_id, required
from worker.document.wire import Organization


def organization(
    row: Mapping[str, Any], *, key: str | None, project: int, defaults: Defaults, within: str = ""
) -> Organization:
    """One organization; `key` replaces a blank `externalId`, `within` is how messages call the place.

    Raises `InvalidFieldError`, since none of the fields may be null.
    """
    return Organization(
        projectId=project_id(row.get("projectId"), within + "projectId", project),
        name=required(row.get("name"), within + "name"),
        externalId=required(row.get("externalId"), within + "externalId", key),
        origin=required(row.get("origin"), within + "origin", defaults.origin),
    )


def nested(value: object, *, project: int, defaults: Defaults) -> list[Organization] | None:
    """A contact's organizations: null stays null, an empty array stays one.

    What a LEFT JOIN leaves behind (null, or an object with neither name nor id) is passed over; anything
    else that is broken raises `InvalidFieldError`.
    """
    elements = array(value, "organizations")
    if elements is None:
        return None
    made = []
    for index, element in enumerate(elements):
        within = f"organizations[{index}]."
        if element is not None and not isinstance(element, Mapping):
            raise InvalidFieldError(f"organizations[{index}] must be an object.")
        if element is not None and not _is_leftover(element, within):
            made.append(organization(element, key=None, project=project, defaults=defaults, within=within))
    return made


def _is_leftover(element: Mapping[str, Any], within: str) -> bool:
    name, external_id = element.get("name"), element.get("externalId")
    return optional(name, within + "name") is None and optional(external_id, within + "externalId") is None
