"""The sandbox's page and its own JSON: what a browser is given, and what it is kept from."""

from __future__ import annotations

import httpx
import pytest

from tests.support.sandbox_bodies import PROJECT, contact, organization, post, send
from worker.local.sandbox import Sandbox
from worker.local.sandbox.page import FILES


def test_the_page_comes_with_a_strict_policy(http: httpx.Client) -> None:
    """Nothing is loaded from elsewhere, nothing inline runs, nobody may frame it."""
    answer = http.get("/")

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("name", FILES)
def test_the_page_is_served_from_the_package(http: httpx.Client, name: str) -> None:
    """Its files name no other host, and hold no script or style inline."""
    answer = http.get(f"/{name}")

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, FILES[name])
    assert "//" not in answer.text.replace("// ", "").replace("http://www.w3.org/", "")
    assert not any(inline in answer.text for inline in ("style=", "onclick=", "innerHTML"))


@pytest.mark.parametrize("name", ["__init__.py", "..%2Fserver.py", "page", "page.js/"])
def test_nothing_else_is(http: httpx.Client, name: str) -> None:
    """The page's folder is no file server."""
    assert http.get(f"/{name}").status_code == 404


def test_the_page_sees_what_the_telephone_would(http: httpx.Client) -> None:
    """A contact with its organizations' names and the three buttons, inactive ones included."""
    send(http, contact("1", contactLink="https://crm/1", leadLink="javascript:x", organizations=[organization()]))

    page = http.get("/_sandbox/view").json()

    (seen,) = page["contacts"]
    assert (page["found"], seen["name"], seen["organizations"]) == (1, "Іван Франко", ["Ромашка"])
    assert seen["links"] == [
        {"kind": "contact", "url": "https://crm/1"},
        {"kind": "lead", "url": None},
        {"kind": "deal", "url": None},
    ]


def test_the_page_counts(sandbox: Sandbox, http: httpx.Client) -> None:
    """Contacts, organizations, and the last minute's requests, entries and errors."""
    send(http, contact("1"), contact("2"))
    post(sandbox.url, organization(), method="organizations")
    send(http, contact(fullName=""))

    figures = http.get("/_sandbox/view").json()["figures"]

    counted = [figures[name] for name in ("contacts", "organizations", "requests", "entries", "errors")]
    assert counted == [2, 1, 3, 4, 1]
    assert sum(requests for requests, _ in figures["minute"]) == 3


def test_the_page_is_told_nothing_twice(http: httpx.Client) -> None:
    """With the version that it has seen, contacts come only if there is something new."""
    send(http)
    seen = http.get("/_sandbox/view").json()["version"]
    assert http.get("/_sandbox/view", params={"version": seen}).json()["contacts"] is None

    send(http)

    assert len(http.get("/_sandbox/view", params={"version": seen}).json()["contacts"]) == 1


def test_a_restarted_sandbox_is_another_version(sandbox: Sandbox, http: httpx.Client) -> None:
    """The page must not take an empty book for the one that it has seen."""
    before = http.get("/_sandbox/view").json()["version"]
    sandbox.stop()
    sandbox.start()

    with httpx.Client(base_url=sandbox.url, trust_env=False) as client:
        assert client.get("/_sandbox/view").json()["version"] != before


def test_the_page_shows_the_newest_of_many(http: httpx.Client) -> None:
    """Two hundred of however many, found by a search over all."""
    send(http, *(contact(str(number), fullName=f"Person {number}") for number in range(300)))

    page = http.get("/_sandbox/view").json()
    assert (page["found"], len(page["contacts"]), page["contacts"][0]["name"]) == (300, 200, "Person 299")

    found = http.get("/_sandbox/view", params={"q": "person 29", "project": PROJECT}).json()
    assert found["found"] == len([number for number in range(300) if "29" in str(number)])


def test_one_contact_may_be_seen_whole(http: httpx.Client) -> None:
    """The last accepted document, and how often one came."""
    send(http, contact(fullName="Old"))
    send(http, contact(fullName="New"))
    number = http.get("/_sandbox/view").json()["contacts"][0]["number"]

    seen = http.get(f"/_sandbox/view/{number}").json()

    assert seen["document"] == contact(fullName="New")
    assert seen["contact"]["times"] == 2
    assert http.get("/_sandbox/view/999").status_code == 404


def test_the_book_as_json(sandbox: Sandbox, http: httpx.Client) -> None:
    """The last accepted documents, of all projects or of one."""
    send(http, contact("1"), contact("2"))
    post(sandbox.url, organization(), method="organizations")

    assert http.get("/_sandbox/contacts.json").json() == {"total": 2, "contacts": [contact("2"), contact("1")]}
    assert http.get("/_sandbox/contacts.json?project=107").json() == {"total": 0, "contacts": []}
    assert http.get("/_sandbox/organizations.json").json()["organizations"] == [organization()]
    assert http.get("/_sandbox/contacts.json?project=abc").status_code == 400


def test_the_log_as_json(http: httpx.Client) -> None:
    """From a number on, with the number to go on from."""
    for number in range(3):
        send(http, contact(str(number)))

    log = http.get("/_sandbox/requests", params={"since": 1}).json()

    assert [(one["number"], one["ids"], one["status"]) for one in log["requests"]] == [
        (2, [["1", None]], 200),
        (3, [["2", None]], 200),
    ]
    assert (log["last"], log["totals"]) == (3, {"requests": 3, "entries": 3, "errors": 0})
    assert http.get("/_sandbox/requests", params={"since": 3}).json()["requests"] == []


def test_faults_over_http(http: httpx.Client) -> None:
    """Put in force, listed, taken away one by one or all at once; what is none is told why."""
    first = http.post("/_sandbox/faults", json={"kind": "hang", "times": 2}).json()["id"]
    http.post("/_sandbox/faults", json={"kind": "latency", "ms": 5})
    refused = http.post("/_sandbox/faults", json={"kind": "hang", "time": 2})
    assert (refused.status_code, refused.json()["error"]) == (400, "Object contains unknown field `time`")

    listed = http.get("/_sandbox/faults").json()["faults"]
    assert [(rule["kind"], rule["hits"]) for rule in listed] == [("hang", 0), ("latency", 0)]
    assert http.delete("/_sandbox/faults", params={"id": first}).status_code == 200
    assert http.delete("/_sandbox/faults", params={"id": first}).status_code == 404
    http.delete("/_sandbox/faults")

    assert http.get("/_sandbox/faults").json() == {"faults": []}


def test_clearing(http: httpx.Client) -> None:
    """The sandbox is as it was at its start."""
    send(http)
    http.post("/_sandbox/faults", json={"kind": "hang"})

    assert http.post("/_sandbox/clear").status_code == 200

    assert http.get("/_sandbox/health").json() == {
        "status": "ok",
        "contacts": 0,
        "organizations": 0,
        "totals": {"requests": 0, "entries": 0, "errors": 0},
    }
    assert http.get("/_sandbox/faults").json() == {"faults": []}


def test_another_sites_page_may_read_nothing(http: httpx.Client) -> None:
    """A name of somebody else's that leads to this machine is not answered: the contacts may be real."""
    answers = [http.get(path, headers={"Host": "evil.example"}) for path in ("/", "/_sandbox/contacts.json")]

    assert [answer.status_code for answer in answers] == [421, 421]
    assert http.get("/", headers={"Host": "localhost:1"}).status_code == 200


def test_another_sites_script_may_change_nothing(http: httpx.Client) -> None:
    """What bears the origin of another page is refused; the page's own is not."""
    send(http)

    assert http.post("/_sandbox/clear", headers={"Origin": "https://evil.example"}).status_code == 403
    assert http.get("/_sandbox/health").json()["contacts"] == 1
    own = str(http.base_url).rstrip("/")
    assert http.post("/_sandbox/clear", headers={"Origin": own}).status_code == 200
