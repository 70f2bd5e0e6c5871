"""The sandbox over real HTTP: answers, notes, coming and going."""

from __future__ import annotations

import json
import threading
import time

import httpx
import pytest

from tests.support.sandbox_bodies import HEADERS, PROJECT, contact, organization, post, send
from tests.support.waiting import wait_until
from worker.errors import ConfigError
from worker.local.sandbox import Sandbox
from worker.local.sandbox.faults import Hang, Latency
from worker.local.sandbox.rules import Limits

PATH = "/minicrm/contacts/sync"


def test_what_keeps_to_the_rules_is_accepted(sandbox: Sandbox) -> None:
    """200, and how many entries."""
    answer = post(sandbox.url, contact("1"), contact("2"))

    assert (answer.status_code, answer.json()) == (200, {"success": True, "accepted": 2})
    assert sandbox.book.contacts() == [contact("2"), contact("1")]


def test_organizations_have_their_own_method(sandbox: Sandbox) -> None:
    """And their own book."""
    answer = post(sandbox.url, organization("1"), method="organizations")

    assert answer.json() == {"success": True, "accepted": 1}
    assert sandbox.book.organizations() == [organization("1")]
    assert sandbox.book.contacts() == []


def test_what_breaks_a_rule_is_refused_whole(sandbox: Sandbox) -> None:
    """422 with the entry, the field and the rule; nothing of the request is accepted."""
    answer = post(sandbox.url, contact("1"), contact("2", fullName=" "))

    assert answer.status_code == 422
    assert answer.json()["success"] is False
    assert answer.json()["errors"] == [
        {"index": 1, "field": "fullName", "message": "must be a string that is not blank"}
    ]
    assert sandbox.book.contacts() == []


def test_a_wrong_key_is_401() -> None:
    """Where the sandbox was given keys; an unknown project has none."""
    with Sandbox(keys={PROJECT: "right"}) as sandbox:
        assert post(sandbox.url, contact(), auth_key="right").status_code == 200
        assert post(sandbox.url, contact(), auth_key="wrong").status_code == 401
        assert post(sandbox.url, contact(), auth_key="right", x_project_id="107").status_code == 401


def test_what_is_too_large_is_413() -> None:
    """By bytes, and by entries."""
    with Sandbox(limits=Limits(bytes=2000, entries=2)) as sandbox:
        assert post(sandbox.url, contact("1"), contact("2")).status_code == 200
        assert post(sandbox.url, *(contact(str(number)) for number in range(3))).status_code == 413
        assert post(sandbox.url, contact(fullName="x" * 2000)).status_code == 413


def test_unknown_paths_and_wrong_verbs_are_told_and_noted(sandbox: Sandbox, http: httpx.Client) -> None:
    """404 and 405, in JSON; the client under test has made them."""
    answers = [http.post("/minicrm/leads/sync", json={}), http.get(PATH), http.put("/_sandbox/health")]

    assert [answer.status_code for answer in answers] == [404, 405, 405]
    assert [answer.json()["success"] for answer in answers] == [False, False, False]
    assert answers[1].headers["Allow"] == "POST"
    assert [(one.path, one.status) for one in sandbox.requests] == [("/minicrm/leads/sync", 404), (PATH, 405)]


def test_a_request_is_noted_with_its_ids(sandbox: Sandbox) -> None:
    """When, whose, what, how much, and what became of it."""
    before = time.monotonic()

    post(sandbox.url, contact("1", "2"), contact(None, "3"))

    (note,) = sandbox.requests
    assert (note.project, note.method, note.path, note.status) == (PROJECT, "contacts", PATH, 200)
    assert (note.entries, note.ids, note.accepted, note.fault) == (2, (("1", "2"), (None, "3")), True, None)
    assert note.finished is not None
    assert before <= note.arrived <= note.finished <= time.monotonic()
    assert note.size > 500


def test_a_connection_is_kept(sandbox: Sandbox, http: httpx.Client) -> None:
    """Many requests go over one, whatever their answers."""
    answers = [send(http), send(http, contact(fullName="")), send(http)]

    assert [answer.status_code for answer in answers] == [200, 422, 200]
    ports = {answer.extensions["network_stream"].get_extra_info("client_addr")[1] for answer in answers}
    assert len(ports) == 1


def test_hanging_requests_do_not_keep_it_from_stopping(sandbox: Sandbox) -> None:
    """Whoever waits is cut off."""
    sandbox.faults.add(Hang(times=1))
    sandbox.faults.add(Latency(ms=60_000))
    ended: list[str] = []

    def wait() -> None:
        try:
            post(sandbox.url, contact())
        except httpx.HTTPError as error:
            ended.append(type(error).__name__)

    waiting = [threading.Thread(target=wait) for _ in range(2)]
    for one in waiting:
        one.start()
    wait_until(lambda: len(sandbox.requests) == 2, what="both requests")
    sandbox.faults.clear()

    sandbox.stop()

    for one in waiting:
        one.join(5)
    assert len(ended) == 2


def test_a_sandbox_may_go_away_and_come_back(sandbox: Sandbox) -> None:
    """At the same address, with the book that it had: an API that was down."""
    url = sandbox.url
    post(url, contact())
    sandbox.stop()
    with pytest.raises(httpx.ConnectError):
        post(url, contact("2"))

    sandbox.start()

    assert post(url, contact("2")).status_code == 200
    assert sandbox.book.counts() == (2, 0)


def test_a_taken_port_is_said_in_one_line(sandbox: Sandbox) -> None:
    """With the setting that says which."""
    with pytest.raises(ConfigError, match=r"^SANDBOX_PORT: port \d+ .*choose a free one\.$"):
        Sandbox(port=sandbox.port).start()


def test_a_sent_body_survives_as_it_was(sandbox: Sandbox) -> None:
    """Whatever dead letters it has, and however JSON writes them."""
    entry = contact(fullName='Ґалаґан 🌻 \\ " </script> \u0000 é')
    body = json.dumps({"contacts": [entry]}, ensure_ascii=True).encode()

    httpx.post(sandbox.url + PATH, content=body, headers=HEADERS, trust_env=False)

    assert sandbox.book.contact(PROJECT, external_id="1") == entry
