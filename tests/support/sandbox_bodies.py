"""Documents as the API takes them, for the tests of the sandbox."""

from __future__ import annotations

from typing import Any

import httpx

PROJECT = 106
HEADERS = {"auth-key": "key", "x-project-id": str(PROJECT), "content-type": "application/json"}
PHONE = {"type": "phone", "name": "work", "value": "+380501112233"}
EMAIL = {"type": "email", "name": "work", "value": "ivan@example.com"}


def organization(external_id: Any = "5", **fields: Any) -> dict[str, Any]:
    """An organization that breaks no rule."""
    return {"projectId": PROJECT, "name": "Ромашка", "externalId": external_id, "origin": "CRM"} | fields


def contact(external_id: Any = "1", lead_id: Any = None, **fields: Any) -> dict[str, Any]:
    """A contact that breaks no rule."""
    made = {
        "projectId": PROJECT,
        "fullName": "Іван Франко",
        "origin": "CRM",
        "externalId": external_id,
        "leadId": lead_id,
        "responsible": "7",
        "staffId": None,
        "contactLink": None,
        "leadLink": None,
        "dealLink": None,
        "googleClientId": None,
        "contactDirections": [PHONE, EMAIL],
        "organizations": None,
    }
    return made | fields


def post(url: str, *entries: dict[str, Any], method: str = "contacts", **headers: str) -> httpx.Response:
    """Posts the entries to the sandbox at `url` over a connection of its own."""
    return httpx.post(
        f"{url}/minicrm/{method}/sync",
        json={method: list(entries)},
        headers=HEADERS | {name.replace("_", "-"): value for name, value in headers.items()},
        timeout=5,
        trust_env=False,
    )


def send(http: httpx.Client, *entries: dict[str, Any]) -> httpx.Response:
    """Posts the contacts, one if none is given, over the client's connection."""
    return http.post("/minicrm/contacts/sync", json={"contacts": list(entries) or [contact()]}, headers=HEADERS)
