"""The pure decisions: cutting, backing off, reading an answer, judging."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import pytest

from models import PauseReason
from worker.api.answer import read_answer, retry_after
from worker.api.outcome import Accepted, Failed, Refused, Throttled, Unauthorized, Unexpected
from worker.collect.collector import room
from worker.collect.cut import Candidate, cut, width
from worker.document import Built
from worker.push.backoff import backoff, ceiling
from worker.push.judge import Journey, judge
from worker.push.model import Buried, Contact, Moved, PutBack, Sent, Suspect
from worker.push.policy import Policy
from worker.push.prepare import Ready

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


def ready(place: int, attempts: int = 0) -> Ready:
    contact = Contact("externalId", str(place), place, 0, "contacts", place, None, attempts, 0, False)
    return Ready(contact, Built(b"{}", b"digest", str(place), None, 0))


def decide(outcome, part, journey, *, probe=False, policy=None):
    return judge(outcome, part, journey, policy=policy or Policy(), dice=Random(1), probe=probe)


@pytest.mark.parametrize("count", [1, 99, 100, 101, 1000])
def test_fresh_contacts_fill_batches(count: int) -> None:
    """N contacts make N / size batches rounded up."""
    batches = cut([Candidate("externalId", str(n)) for n in range(count)], batch_size=100, max_attempts=12, limit=99)

    assert len(batches) == -(-count // 100)
    assert sum(map(len, batches)) == count


@pytest.mark.parametrize(("attempts", "expected"), [(0, 100), (1, 100), (2, 50), (3, 25), (7, 1), (11, 1)])
def test_company_narrows_with_attempts(attempts: int, expected: int) -> None:
    """From the third attempt on the company is halved each time; the last tries are made alone."""
    assert width(attempts, 0, 100, 12) == expected


def test_the_last_try_is_made_alone() -> None:
    """However few tries there are."""
    assert width(2, 0, 100, 3) == 1


def test_widths_take_turns() -> None:
    """Contacts that travel alone do not hold up those that fill a batch."""
    alone = [Candidate("externalId", f"a{n}", attempts=11) for n in range(10)]
    fresh = [Candidate("externalId", f"f{n}") for n in range(10)]
    batches = cut(alone + fresh, batch_size=100, max_attempts=12, limit=2)

    assert [len(batch) for batch in batches] == [1, 10]


def test_a_method_with_nothing_under_way_may_always_have_a_batch() -> None:
    """One method's backlog can't shut the other out."""
    assert room(slots=1, under_way=8, without_grant=3, of_method=0) == 1
    assert room(slots=1, under_way=8, without_grant=3, of_method=2) == -2 or room(1, 8, 3, 2) <= 0


def test_backoff_doubles_up_to_its_limit() -> None:
    """Exponential, bounded, with full jitter below the bound."""
    assert [ceiling(n, base=1, longest=60) for n in (1, 2, 3, 7, 5000)] == [1, 2, 4, 60, 60]
    assert all(0 <= backoff(4, base=1, longest=60, dice=Random(seed)) <= 8 for seed in range(50))


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b"", Accepted),
        (204, b"", Accepted),
        (200, b"<html>", Accepted),
        (200, b'{"success": true, "errors": []}', Accepted),
        (200, b'{"success": false}', Refused),
        (200, b'{"error": "x"}', Refused),
        (200, b'{"errors": [1]}', Refused),
        (201, b'{"status": "error"}', Refused),
        (400, b"", Refused),
        (413, b"", Refused),
        (422, b"", Refused),
        (408, b"", Failed),
        (425, b"", Failed),
        (500, b"", Failed),
        (503, b"", Failed),
        (429, b"", Throttled),
        (401, b"", Unauthorized),
        (403, b"", Unauthorized),
        (302, b"", Unexpected),
        (404, b"", Unexpected),
    ],
)
def test_an_answer_is_read_by_status_and_body(status: int, body: bytes, kind: type) -> None:
    """Every answer is one outcome."""
    assert type(read_answer(status, {}, body, now=NOW)) is kind


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("7", 7),
        ("-3", 0),
        ("999999999", 86400),
        ("Tue, 24 Nov 2026 12:00:30 GMT", 30),
        ("Tue, 24 Nov 2020 12:00:30 GMT", 0),
        ("soon", None),
        ("nan", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    """Both forms, within bounds."""
    assert retry_after(value, now=NOW) == seconds


def test_acceptance_sends_all_and_buries_suspects() -> None:
    """An acceptance proves that the API is sound, so refused singles before it are at fault."""
    journey = Journey([])
    decide(Refused(422, ""), [ready(0)], Journey([[ready(1)]]))
    journey.suspects = [(ready(9).contact, Buried("refused", ""))]
    verdicts = decide(Accepted(200), [ready(0), ready(1)], journey).verdicts

    assert [type(verdict) for _, verdict in verdicts] == [Sent, Sent, Buried]


def test_a_refused_part_is_split_depth_first() -> None:
    """The left half goes next, the right half keeps its place in line."""
    journey = Journey([[ready(8)]])
    judgement = decide(Refused(422, ""), [ready(n) for n in range(4)], journey)

    assert [[item.contact.place for item in part] for part in journey.parts] == [[0, 1], [2, 3], [8]]
    assert [verdict for _, verdict in judgement.verdicts] == [Moved(2), Moved(2)]


def test_five_refused_singles_pause_and_bury_nobody() -> None:
    """The fifth single in a row, with nothing accepted, is the API's fault."""
    journey = Journey([[ready(n)] for n in range(1, 9)])
    kinds = []
    for place in range(5):
        judgement = decide(Refused(400, "no"), [ready(place)], journey)
        journey.parts = journey.parts[1:]
        kinds.append({type(verdict) for _, verdict in judgement.verdicts})

    assert kinds == [{Suspect}] * 4 + [{PutBack}]
    assert judgement.pause is not None
    assert judgement.pause.reason is PauseReason.REFUSING_ALL


def test_a_failure_costs_an_attempt_only_where_it_was_posted() -> None:
    """The part that failed is counted; the parts behind it only wait."""
    judgement = decide(Failed("http_500", unknown=False, status=500), [ready(0)], Journey([[ready(1)]]))

    assert {contact.place: verdict.counted for contact, verdict in judgement.verdicts} == {0: True, 1: False}


def test_a_probe_costs_no_attempt() -> None:
    """A paused project's probe may fail for days."""
    judgement = decide(Failed("http_500", unknown=False), [ready(0, attempts=11)], Journey([]), probe=True)

    assert [verdict.counted for _, verdict in judgement.verdicts] == [False]


def test_only_a_contact_alone_runs_out_of_attempts() -> None:
    """In company it may be somebody else's fault."""
    failure = Failed("http_500", unknown=False)

    assert type(decide(failure, [ready(0, attempts=11)], Journey([])).verdicts[0][1]) is Buried
    assert type(decide(failure, [ready(0, attempts=11), ready(1)], Journey([])).verdicts[0][1]) is PutBack
