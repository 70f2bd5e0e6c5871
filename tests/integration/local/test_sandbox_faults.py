"""Every fault of the sandbox over real HTTP, and what is seen of it afterwards."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import httpx
import pytest

from tests.support.sandbox_bodies import HEADERS, PROJECT, contact, post, send
from tests.support.waiting import wait_until
from worker.local.sandbox import Sandbox
from worker.local.sandbox.desk import Desk
from worker.local.sandbox.faults import Latency

PATH = "/minicrm/contacts/sync"


def fault(http: httpx.Client, kind: str, **words: Any) -> int:
    """Asks for a fault, as a person with curl would, and returns its id."""
    answer = http.post("/_sandbox/faults", json={"kind": kind, **words})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def accepted(sandbox: Sandbox) -> bool:
    """Whether the one contact is in the book."""
    return sandbox.book.contact(PROJECT, external_id="1") is not None


@pytest.mark.parametrize("status", [500, 429, 401, 413, 302, 204, 299])
def test_a_status_on_request(sandbox: Sandbox, http: httpx.Client, status: int) -> None:
    """So many times, with headers and a body, and nothing is processed."""
    fault(http, "status", status=status, times=2, headers={"Retry-After": "2"}, body="busy")

    answers = [send(http), send(http), send(http)]

    assert [answer.status_code for answer in answers] == [status, status, 200]
    assert answers[0].headers["Retry-After"] == "2"
    assert answers[0].text == ("" if status == 204 else "busy")
    assert [(one.fault, one.accepted) for one in sandbox.requests] == [
        ("status", False),
        ("status", False),
        (None, True),
    ]


def test_a_status_answers_json_unless_told_otherwise(http: httpx.Client) -> None:
    """As the API might."""
    fault(http, "status", status=503)

    assert send(http).json()["success"] is False


def test_an_error_in_2xx(sandbox: Sandbox, http: httpx.Client) -> None:
    """200 that says it is none."""
    fault(http, "error_in_2xx")

    answer = send(http)

    assert (answer.status_code, answer.json()["success"]) == (200, False)
    assert not accepted(sandbox)


def test_not_json(sandbox: Sandbox, http: httpx.Client) -> None:
    """A page for an answer; the contact was accepted all the same."""
    fault(http, "not_json")

    answer = send(http)

    assert answer.status_code == 200
    assert answer.text.startswith("<!doctype html>")
    assert accepted(sandbox)


def test_not_json_over_a_refusal_is_still_a_refusal(http: httpx.Client) -> None:
    """Otherwise the sandbox itself would lose a contact."""
    fault(http, "not_json")

    assert send(http, contact(fullName="")).status_code == 422


@pytest.mark.parametrize(("kind", "processed"), [("hang", False), ("hang_after", True)])
def test_hanging(sandbox: Sandbox, http: httpx.Client, kind: str, processed: bool) -> None:
    """No answer ever; the note is completed when the client gives up."""
    fault(http, kind)

    with pytest.raises(httpx.ReadTimeout):
        send(http)

    note = [*sandbox.requests][-1]
    wait_until(lambda: note.finished, what="the client's leaving to be noted")
    assert (note.status, note.fault, note.accepted) == (None, kind, processed)
    assert accepted(sandbox) is processed


@pytest.mark.parametrize(("kind", "processed"), [("reset", False), ("reset_after", True)])
def test_a_reset_connection(sandbox: Sandbox, http: httpx.Client, kind: str, processed: bool) -> None:
    """The client sees ECONNRESET, not an ordinary end."""
    fault(http, kind)

    with pytest.raises(httpx.ReadError, match="reset"):
        send(http)

    assert accepted(sandbox) is processed
    assert [(one.status, one.fault) for one in sandbox.requests] == [(None, kind)]


def test_half_an_answer(sandbox: Sandbox, http: httpx.Client) -> None:
    """The connection ends in the middle of the JSON; the contact was accepted."""
    fault(http, "half")

    with pytest.raises(httpx.RemoteProtocolError, match="complete message body"):
        send(http)

    assert accepted(sandbox)


def test_a_slow_answer_never_trips_a_timeout_between_bytes(sandbox: Sandbox, http: httpx.Client) -> None:
    """A byte comes each time before the client's patience ends; only a deadline over all ends it."""
    fault(http, "slow_drip", seconds=0.02)

    begun = time.monotonic()
    answer = send(http)

    assert answer.json() == {"success": True, "accepted": 1}
    assert time.monotonic() - begun > 0.5
    assert wait_until(lambda: [*sandbox.requests][-1].status) == 200


def test_leaving_a_slow_answer_is_noted(sandbox: Sandbox, http: httpx.Client) -> None:
    """No whole answer was sent, though the contact was accepted."""
    fault(http, "slow_drip", seconds=0.05)

    with http.stream("POST", PATH, json={"contacts": [contact()]}, headers=HEADERS) as answer:
        next(answer.iter_raw())

    note = [*sandbox.requests][-1]
    wait_until(lambda: note.finished, what="the client's leaving to be noted")
    assert (note.status, note.accepted) == (None, True)


def test_a_standing_refusal(sandbox: Sandbox, http: httpx.Client) -> None:
    """The whole request, if one entry matches, until the rule is taken away."""
    rule = fault(http, "refuse", field="fullName", contains="POISON")
    poisoned = contact("2", fullName="A POISON pill")

    refused = send(http, contact("1"), poisoned)
    assert (refused.status_code, [one["index"] for one in refused.json()["errors"]]) == (422, [1])
    assert send(http, contact("1")).status_code == 200

    http.delete("/_sandbox/faults", params={"id": rule})
    assert send(http, contact("1"), poisoned).status_code == 200
    assert sandbox.book.counts() == (2, 0)


def test_a_standing_break(sandbox: Sandbox, http: httpx.Client) -> None:
    """500 for whoever has the id."""
    fault(http, "break", ids=["1"])

    assert [send(http, contact("1")).status_code, send(http, contact("2")).status_code] == [500, 200]
    assert not accepted(sandbox)


def test_standing_limits(http: httpx.Client) -> None:
    """As an API that takes less than we thought."""
    fault(http, "max_entries", limit=1)
    assert send(http, contact("1"), contact("2")).status_code == 413
    assert send(http, contact("1")).status_code == 200

    fault(http, "max_bytes", limit=100)
    assert send(http, contact("1")).status_code == 413


def test_latency_passes_before_processing(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that overlaps another may so be overtaken."""
    overtaken = threading.Event()

    async def pass_when_overtaken(desk: Desk, _seconds: float) -> bool:
        while not overtaken.is_set() and not desk.stopping.is_set():
            await asyncio.sleep(0.005)
        return desk.stopping.is_set()

    monkeypatch.setattr(Desk, "closes_within", pass_when_overtaken)
    rule = sandbox.faults.add(Latency(ms=400))
    slow = threading.Thread(target=post, args=(sandbox.url, contact(fullName="First")))
    slow.start()
    wait_until(lambda: len(sandbox.requests), what="the slow request")
    sandbox.faults.remove(rule)

    post(sandbox.url, contact(fullName="Second"))
    overtaken.set()
    slow.join()

    assert [one["fullName"] for one in sandbox.book.history(PROJECT, external_id="1")] == ["Second", "First"]


def test_latency_does_not_hold_up_others(sandbox: Sandbox) -> None:
    """Ten requests that wait a second each take no ten."""
    sandbox.faults.add(Latency(ms=1000))
    senders = [threading.Thread(target=post, args=(sandbox.url, contact(str(number)))) for number in range(10)]

    begun = time.monotonic()
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()

    assert sandbox.book.counts() == (10, 0)
    assert time.monotonic() - begun < 6
