"""The stand-in API over real HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from worker.sandbox.server import Sandbox

CONTACT: dict[str, Any] = {
    "projectId": 106,
    "fullName": "Оля <script>",
    "origin": "CRM",
    "externalId": "1",
    "leadId": None,
    "responsible": "1",
    "staffId": None,
    "contactLink": "https://crm.example.com/1",
    "leadLink": None,
    "dealLink": None,
    "googleClientId": None,
    "contactDirections": [{"type": "phone", "name": "work", "value": "+380501234567"}],
    "organizations": None,
}
HEADERS = {"auth-key": "k", "x-project-id": "106"}


def post(sandbox: Sandbox, *contacts: dict[str, Any], **headers: str) -> httpx.Response:
    url = f"{sandbox.url}/minicrm/contacts/sync"
    return httpx.post(url, json={"contacts": contacts}, headers=HEADERS | headers, trust_env=False)


def test_a_sound_contact_is_accepted(sandbox: Sandbox) -> None:
    """And stands in the contact book."""
    assert post(sandbox, CONTACT).status_code == 200
    assert httpx.get(f"{sandbox.url}/_sandbox/contacts.json", trust_env=False).json()["total"] == 1


@pytest.mark.parametrize(
    "change",
    [
        {"projectId": "106"},
        {"projectId": 107},
        {"fullName": None},
        {"fullName": " "},
        {"externalId": None},
        {"externalId": 1},
        {"responsible": None},
        {"contactDirections": []},
        {"contactDirections": [{"type": "fax", "name": "x", "value": "+380501234567"}]},
        {"contactDirections": [{"type": "phone", "name": "x", "value": "050 123 45 67"}]},
        {"organizations": [{"name": "x"}]},
        {"extra": 1},
    ],
    ids=str,
)
def test_a_broken_rule_is_refused(sandbox: Sandbox, change: dict[str, Any]) -> None:
    """Each key, type and null of the contract."""
    assert post(sandbox, CONTACT | change).status_code == 422


def test_a_missing_key_is_refused(sandbox: Sandbox) -> None:
    """Every key is always present."""
    assert post(sandbox, {name: value for name, value in CONTACT.items() if name != "staffId"}).status_code == 422


def test_an_id_twice_in_a_request_is_refused(sandbox: Sandbox) -> None:
    """One contact, one entry."""
    assert post(sandbox, CONTACT, CONTACT).status_code == 422


def test_a_wrong_key_is_unauthorized() -> None:
    """Where keys are given, they are checked."""
    with Sandbox(keys={106: "right"}) as sandbox:
        assert post(sandbox, CONTACT, **{"auth-key": "wrong"}).status_code == 401


def test_a_fault_comes_when_asked_for(sandbox: Sandbox) -> None:
    """By HTTP, as many times as said."""
    fault = {"kind": "status", "status": 503, "times": 1, "headers": {"Retry-After": "2"}}
    httpx.post(f"{sandbox.url}/_sandbox/faults", json=fault, trust_env=False).raise_for_status()
    answer = post(sandbox, CONTACT)

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert post(sandbox, CONTACT).status_code == 200


def test_the_page_is_served_with_a_strict_policy(sandbox: Sandbox) -> None:
    """The contact book's page runs nothing but its own files."""
    page = httpx.get(f"{sandbox.url}/", trust_env=False)

    assert page.status_code == 200
    assert "default-src" in page.headers["Content-Security-Policy"]
