"""Cutting contacts into batches: how wide, how many, in which order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import Priority
from worker.collect.collector import UNDER_WAY, batches_wanted
from worker.collect.cut import Candidate, behind_live, cut, width
from worker.collect.groups import groups, messages

candidates = st.lists(
    st.builds(
        Candidate,
        row=st.uuids().map(str),
        attempts=st.integers(0, 12),
        lost_leases=st.integers(0, 4),
    ),
    max_size=120,
    unique_by=lambda candidate: candidate.row,
)


def fresh(count: int, prefix: str = "f") -> list[Candidate]:
    return [Candidate(f"{prefix}{n}") for n in range(count)]


def keys(batches: list[list[Candidate]]) -> list[str]:
    return [candidate.row for batch in batches for candidate in batch]


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 200, 1000])
def test_fresh_contacts_make_as_few_batches_as_hold_them(count: int) -> None:
    """N contacts make N / size batches, rounded up, in the order in which they came."""
    batches = cut(fresh(count), batch_size=100, max_attempts=12, limit=99)

    assert len(batches) == -(-count // 100)
    assert keys(batches) == keys([fresh(count)])


@pytest.mark.parametrize(
    ("attempts", "expected"),
    [(0, 100), (1, 100), (2, 50), (3, 25), (4, 12), (5, 6), (6, 3), (7, 1), (10, 1), (11, 1), (40, 1)],
)
def test_company_is_halved_from_the_third_attempt_on(attempts: int, expected: int) -> None:
    """Two tries in full company; each one after that in half the company of the one before."""
    assert width(attempts, 0, 100, 12) == expected


@pytest.mark.parametrize("max_attempts", [2, 3, 4, 12])
def test_the_last_try_is_made_alone(max_attempts: int) -> None:
    """However few tries there are, and however wide the batches."""
    assert width(max_attempts - 1, 0, 10_000, max_attempts) == 1


def test_with_a_single_try_the_company_is_full() -> None:
    """With one try there is no last one to make alone: batches stay batches."""
    assert width(0, 0, 100, 1) == 100


def test_lost_leases_narrow_as_failures_do() -> None:
    """A contact on which workers die takes ever fewer others along."""
    assert [width(0, lost_leases, 100, 12) for lost_leases in range(9)] == [100, 100, 50, 25, 12, 6, 3, 1, 1]


@given(candidates, st.integers(1, 30), st.integers(1, 12))
def test_nobody_is_cut_twice_and_nobody_is_left_out(found: list[Candidate], size: int, most: int) -> None:
    """With room for all, every candidate is in exactly one batch, and none is empty."""
    batches = cut(found, batch_size=size, max_attempts=most, limit=10_000)

    assert sorted(keys(batches)) == sorted(candidate.row for candidate in found)
    assert all(batches)


@given(candidates, st.integers(1, 30), st.integers(1, 12))
def test_nobody_travels_in_wider_company_than_allowed(found: list[Candidate], size: int, most: int) -> None:
    """A batch is at most as wide as the narrowest of its contacts may travel."""
    for batch in cut(found, batch_size=size, max_attempts=most, limit=10_000):
        assert len(batch) <= min(width(one.attempts, one.lost_leases, size, most) for one in batch)


@given(candidates, st.integers(0, 5))
def test_the_limit_holds(found: list[Candidate], limit: int) -> None:
    """No more batches are cut than asked for."""
    assert len(cut(found, batch_size=10, max_attempts=12, limit=limit)) <= limit


def test_widths_take_turns() -> None:
    """Contacts that travel alone do not hold up those that fill a batch, however many of them are in front."""
    alone = [Candidate(f"a{n}", attempts=11) for n in range(10)]
    batches = cut(alone + fresh(20), batch_size=10, max_attempts=12, limit=4)

    assert [len(batch) for batch in batches] == [1, 10, 1, 10]


def test_no_more_batches_than_the_quota_lets_out_soon() -> None:
    """Batches that wait for a permit already count against the slots; those posted do not."""
    assert batches_wanted(slots=3, under_way=4, without_permit=1, of_method=2) == 2


def test_no_more_than_eight_batches_are_under_way() -> None:
    """However large the quota."""
    assert batches_wanted(slots=500, under_way=UNDER_WAY - 2, without_permit=0, of_method=6) == 2


def test_a_method_with_nothing_under_way_gets_a_batch() -> None:
    """One method's backlog cannot shut the other out."""
    assert batches_wanted(slots=1, under_way=UNDER_WAY, without_permit=3, of_method=0) == 1
    assert batches_wanted(slots=1, under_way=UNDER_WAY, without_permit=3, of_method=2) <= 0


def test_contacts_follow_organizations_in_one_message() -> None:
    """Where both are cut in one round, organizations complete what the contacts name, so they go first."""
    assert messages([7], [[(1, 2)], [(3,)]]) == (((7,),), ((1, 2), (3,)))


def test_groups_of_one_method_travel_at_once() -> None:
    """Without the other method there is nothing to wait for: a message each."""
    assert messages([], [[], [(3,), (4,)]]) == (((3,),), ((4,),))


@pytest.mark.parametrize(
    ("batches", "under_way", "sizes"),
    [(1, 0, [1]), (4, 0, [1] * 4), (5, 0, [2, 2, 1]), (4, 8, [3, 1]), (16, 0, [4] * 4), (4, 12, [4]), (2, 40, [2])],
)
def test_the_more_batches_there_are_the_more_travel_together(batches: int, under_way: int, sizes: list[int]) -> None:
    """Few go side by side; a backlog goes in groups, of four at most."""
    assert [len(group) for group in groups(range(batches), under_way)] == sizes


@pytest.mark.parametrize(
    ("live", "batches", "backfilled"), [(0, 3, 30), (0, 0, 0), (4, 0, 0), (4, 2, 26), (10, 0, 0), (10, 1, 10)]
)
def test_what_waits_behind_fills_up_and_stays_behind(live: int, batches: int, backfilled: int) -> None:
    """The last live batch is filled up from it; beyond that it gets no more batches than it may have."""
    waiting = [Candidate(str(n)) for n in range(live)]
    waiting += [Candidate(f"b{n}", priority=Priority.FAN_OUT if n < 50 else Priority.BACKFILL) for n in range(100)]
    chosen = behind_live(waiting, 10, batches)

    assert chosen == waiting[: live + backfilled]
