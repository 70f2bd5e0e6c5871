"""Faults on request: whose turn it is, for whom, and how often."""

from __future__ import annotations

import random

import msgspec
import pytest

from tests.support.sandbox_bodies import PROJECT, contact
from worker.config.model import Method
from worker.local.sandbox.faults import (
    Break,
    Faults,
    Hang,
    Latency,
    MaxBytes,
    MaxEntries,
    Refuse,
    Reset,
    Status,
    kind_of,
    rule_of,
)
from worker.local.sandbox.rules import Limits, Refusal
from worker.local.sandbox.wire import Contact

CONTACTS = Method.CONTACTS


def taken(faults: Faults, times: int, project: int | None = PROJECT, method: Method = CONTACTS) -> list[str | None]:
    """The kinds of fault that so many requests meet."""
    met = [faults.take(project, method) for _ in range(times)]
    return [None if fault is None else kind_of(fault) for fault in met]


def entry(**fields: object) -> Contact:
    """A contact as the rules hand it on."""
    return msgspec.convert(contact(**fields), Contact)


def test_a_fault_happens_once() -> None:
    """Unless it is asked for more."""
    faults = Faults()
    faults.add(Hang())

    assert taken(faults, 2) == ["hang", None]


def test_faults_are_a_queue() -> None:
    """The first asked for is the first served."""
    faults = Faults()
    faults.add(Status(times=2))
    faults.add(Reset())

    assert taken(faults, 4) == ["status", "status", "reset", None]


def test_zero_times_is_until_cleared() -> None:
    """As an API that is down."""
    faults = Faults()
    faults.add(Status(times=0))
    assert taken(faults, 50) == ["status"] * 50

    faults.clear()

    assert taken(faults, 1) == [None]


def test_so_many_requests_may_pass_first() -> None:
    """Those that an earlier fault takes do not count as passed."""
    faults = Faults()
    faults.add(Reset())
    faults.add(Hang(after=2))

    assert taken(faults, 5) == ["reset", None, None, "hang", None]


def test_a_fault_may_depend_on_the_dice() -> None:
    """The same dice give the same faults."""
    faults = Faults(random.Random(1))
    faults.add(Hang(times=0, probability=0.25))

    assert 200 < taken(faults, 1000).count("hang") < 300


@pytest.mark.parametrize(
    ("fault", "project", "method", "met"),
    [
        (Hang(project=106), 106, CONTACTS, "hang"),
        (Hang(project=106), 107, CONTACTS, None),
        (Hang(project=106), None, CONTACTS, None),
        (Hang(method=Method.ORGANIZATIONS), 106, CONTACTS, None),
        (Hang(method=CONTACTS), 106, CONTACTS, "hang"),
        (Hang(), None, CONTACTS, "hang"),
    ],
)
def test_a_fault_may_be_for_one_project_or_method(
    fault: Hang, project: int | None, method: Method, met: str | None
) -> None:
    """Others do not meet it, nor use it up."""
    faults = Faults()
    faults.add(fault)

    assert taken(faults, 1, project, method) == [met]


@pytest.mark.parametrize(
    ("rule", "status"),
    [
        (Refuse(field="fullName", contains="Франко"), 422),
        (Refuse(field="contactDirections", contains="+380501112233"), 422),
        (Refuse(field="fullName", contains="Шевченко"), None),
        (Refuse(field="name", contains="Франко"), None),
        (Refuse(field="leadId", contains="1"), None),
        (Refuse(ids=["5", "1"]), 422),
        (Refuse(ids=["5"]), None),
        (Break(ids=["1"]), 500),
        (Break(ids=["1"], project=107), None),
    ],
)
def test_a_standing_rule_is_against_single_entries(rule: Refuse | Break, status: int | None) -> None:
    """By an id of theirs, or by a text in one of their fields."""
    faults = Faults()
    faults.add(rule)

    objection = faults.objection(PROJECT, CONTACTS, [entry(external_id="0"), entry(external_id="1")])

    assert status == (objection.status if isinstance(objection, Refusal) else None)


def test_the_narrowest_limit_counts() -> None:
    """Of the standing ones and the sandbox's own."""
    faults = Faults()
    faults.add(MaxEntries(limit=50))
    faults.add(MaxEntries(limit=30))
    faults.add(MaxBytes(limit=1000))

    assert faults.limits(PROJECT, CONTACTS, Limits(bytes=500)) == Limits(bytes=500, entries=30)


def test_latency_adds_up_and_jitters_by_the_dice() -> None:
    """In seconds; a rule is written in milliseconds."""
    faults = Faults(random.Random(1))
    faults.add(Latency(ms=20))
    faults.add(Latency(ms=10, jitter_ms=10, method=CONTACTS))

    assert 0.03 <= faults.latency(PROJECT, CONTACTS) <= 0.04
    assert faults.latency(PROJECT, Method.ORGANIZATIONS) == 0.02


def test_rules_are_listed_with_what_is_left_of_them() -> None:
    """And with how often they were met."""
    faults = Faults()
    rule_id = faults.add(Status(status=503, times=3, headers={"Retry-After": "2"}))
    faults.take(PROJECT, CONTACTS)

    (listed,) = faults.listed()

    assert listed["kind"] == "status"
    assert (listed["id"], listed["hits"], listed["left"]) == (rule_id, 1, 2)
    assert listed["headers"] == {"Retry-After": "2"}


def test_one_rule_may_be_taken_out_of_force() -> None:
    """The others stay."""
    faults = Faults()
    first, second = faults.add(Hang()), faults.add(Reset())

    assert faults.remove(first)
    assert not faults.remove(first)
    assert [rule["id"] for rule in faults.listed()] == [second]


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "nonsense",
        '{"kind": "unknown"}',
        '{"kind": "hang", "time": 3}',
        '{"kind": "hang", "times": -1}',
        '{"kind": "hang", "probability": 2}',
        '{"kind": "hang", "method": "leads"}',
        '{"kind": "status", "status": 99}',
        '{"kind": "status", "headers": {"X": "a\\r\\nB: c"}}',
        '{"kind": "latency"}',
    ],
)
def test_what_is_no_rule_is_refused(text: str) -> None:
    """A mistyped fault that never happens would make a test pass for nothing."""
    with pytest.raises(ValueError, match=r"\S"):
        rule_of(text.encode())


@pytest.mark.parametrize(
    "rule", [Refuse(), Refuse(field="fullName"), Refuse(field="nonsense", contains="x"), Break(ids=[])]
)
def test_a_rule_that_could_match_nothing_is_refused(rule: Refuse | Break) -> None:
    """For the same reason."""
    with pytest.raises(ValueError, match=r"ids|field"):
        Faults().add(rule)
