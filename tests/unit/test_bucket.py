"""The bucket: `bucket.lua` in a Redis whose clock the test turns."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.limiter_bench import TICK, Bench, Clock
from worker.config.model import Project, Rate
from worker.limiter.bucket import CONFIRMATION, SLACK, Later, Limiter, Permit, lateness


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A bench whose Redis is empty; fakeredis takes its time from `time.time`."""
    clock = Clock()
    monkeypatch.setattr("time.time", lambda: clock.now)
    return Bench(clock)


def project(count: int, period: float, number: int = 1) -> Project:
    return Project(number, Rate(count, period), 100)


def most_in_a_window(moments: list[float], seconds: float) -> int:
    """The most moments that any half-open window of so many seconds holds."""
    return max(sum(first <= moment < first + seconds - 4 * TICK for moment in moments) for first in moments or [0.0])


def refill(bench: Bench, limits: Project) -> None:
    bench.limiter.slots(limits, 0.0)


@pytest.mark.parametrize(("count", "period"), [(1, 1.0), (2, 1.0), (5, 1.0), (10, 1.0), (30, 60.0), (7, 3600.0)])
@pytest.mark.parametrize("workers", [1, 8])
def test_no_period_grants_more_than_n(bench: Bench, count: int, period: float, workers: int) -> None:
    """However many ask, in any window of a period at most N requests begin."""
    bench.work(project(count, period), 6 * period, workers)

    assert most_in_a_window(bench.posted, period) <= count


@pytest.mark.parametrize(("count", "period"), [(5, 1.0), (50, 1.0), (30, 60.0), (7, 3600.0)])
def test_a_backlog_uses_the_quota(bench: Bench, count: int, period: float) -> None:
    """With somebody always asking, at least 95 % of what is allowed is used."""
    bench.work(project(count, period), 10 * period, workers=8)
    span = bench.posted[-1] - bench.posted[0]

    assert (len(bench.posted) - 1) >= 0.95 * count * span / period


bursts = st.tuples(st.floats(0, 4), st.integers(1, 12), st.floats(0, 2))


@given(st.lists(bursts, min_size=1, max_size=6), st.integers(1, 6))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_neither_bursts_nor_losses_break_the_limit(
    bench: Bench, found: list[tuple[float, int, float]], count: int
) -> None:
    """Idle times save nothing up, and a Redis flushed at any moment forgets nothing that was posted."""
    new = Bench(bench.clock)
    for idle, workers, lost_after in found:
        new.clock.sleep(idle)
        new.work(project(count, 1.0), 1.5, workers, lost_after=lost_after)

    assert most_in_a_window(new.posted, 1.0) <= count


def test_an_hourly_quota_is_spent_evenly(bench: Bench) -> None:
    """Not in the first seconds: the first tenth of an hour gets about a tenth of it."""
    bench.work(project(100, 3600.0), 360, workers=4)

    assert 9 <= len(bench.posted) <= 12


def test_projects_do_not_share_a_bucket(bench: Bench) -> None:
    """One project's backlog takes nothing from another's quota."""
    bench.work(project(1, 60.0, number=1), 5, workers=4)
    answer = bench.limiter.take(project(1, 60.0, number=2), 0.0)

    assert isinstance(answer, Permit)
    assert answer.wait == 0


def test_no_grant_beyond_the_patience(bench: Bench) -> None:
    """Whoever would have to wait longer is told how long, and takes nothing."""
    limits = project(1, 10.0)
    bench.limiter.take(limits, 0.0)
    answers = [bench.limiter.take(limits, 1.0) for _ in range(3)]

    assert [type(answer) for answer in answers] == [Later] * 3
    assert all(answer.wait == pytest.approx(10.0 * SLACK, abs=0.1) for answer in answers)


def test_a_grant_in_the_future_is_a_grant(bench: Bench) -> None:
    """Within the patience, the next in line is told when to begin; the one after it begins later."""
    limits = project(5, 1.0)
    waits = [bench.limiter.take(limits, 10.0).wait for _ in range(4)]

    assert waits == sorted(waits)
    assert waits[0] == 0
    assert min(late - early for early, late in itertools.pairwise(waits)) > 0.15


def test_slots_are_what_could_be_granted(bench: Bench) -> None:
    """As many as `take` would then permit within the horizon, to within one."""
    limits = project(10, 1.0)
    for _ in range(40):
        slots = bench.limiter.slots(limits, 0.5)
        permitted = 0
        while isinstance(bench.limiter.take(limits, 0.5), Permit):
            permitted += 1
        assert abs(slots.count - permitted) <= 1
        bench.clock.sleep(0.23)


def test_asking_for_slots_takes_none(bench: Bench) -> None:
    """The collector only looks."""
    limits = project(1, 60.0)

    assert [bench.limiter.slots(limits, 0.5).count for _ in range(5)] == [1] * 5


def test_without_slots_it_says_how_long(bench: Bench) -> None:
    """A spent quota has no slot, and names the seconds until it has one."""
    limits = project(1, 60.0)
    bench.limiter.take(limits, 0.0)
    bench.clock.sleep(10)
    slots = bench.limiter.slots(limits, 0.5)

    assert slots.count == 0
    assert slots.wait == pytest.approx(60 * SLACK - 10, abs=0.5)


def test_a_hold_is_obeyed_to_its_end(bench: Bench) -> None:
    """Nobody is permitted anything for so long, and then it goes on."""
    limits = project(100, 1.0)
    bench.throttle(limits, 30)
    bench.clock.sleep(29.9)
    assert isinstance(bench.limiter.take(limits, 0.0), Later)

    bench.clock.sleep(0.1 + TICK)
    assert isinstance(bench.limiter.take(limits, 0.0), Permit)


def test_an_operator_may_end_a_hold(bench: Bench) -> None:
    """Whoever was told to hold back for a day is permitted at once; a bucket that nobody has used yet is left alone."""
    limits = project(5, 1.0)
    bench.limiter.reset(limits)
    bench.throttle(limits, 86_400)
    bench.throttled_until = 0.0
    bench.limiter.reset(limits)
    answer = bench.limiter.take(limits, 0.0)

    assert isinstance(answer, Permit)


def test_a_throttle_ends_when_postgresql_says_so(bench: Bench) -> None:
    """What Redis knows of it is a copy: a throttle that PostgreSQL has forgotten, or thinks shorter, ends in Redis too."""
    limits = project(5, 1.0)
    bench.throttle(limits, 86_400)
    bench.throttled_until = bench.clock.now + 10
    assert bench.limiter.take(limits, 0.0).wait == pytest.approx(10, abs=0.1)

    bench.throttled_until = 0.0
    assert bench.limiter.slots(limits, 0.5).count > 0


def test_a_reset_forgets_no_request(bench: Bench) -> None:
    """What was posted within the period still counts, also what is written down a moment later."""
    limits = project(3, 60.0)
    bench.limiter.take(limits, 0.0)
    start = bench.clock.now
    bench.limiter.reset(limits)
    bench.posts[1] = [start - 50, start - 20, start]
    answer = bench.limiter.take(limits, 1.0)

    assert isinstance(answer, Later)
    assert answer.wait == pytest.approx(60 * SLACK - 50, abs=0.5)
    assert bench.clock.now - start == pytest.approx(CONFIRMATION)


def test_a_shorter_hold_does_not_shorten_a_longer_one(bench: Bench) -> None:
    """Two answers, the later of which asks for less: the longer wish counts."""
    limits = project(100, 1.0)
    bench.throttle(limits, 30)
    bench.throttle(limits, 1)
    answer = bench.limiter.take(limits, 0.0)

    assert answer.wait == pytest.approx(30)


def test_a_hold_outlives_the_period(bench: Bench) -> None:
    """A day asked for is a day kept, however short the rate's period is."""
    limits = project(1, 1.0)
    bench.throttle(limits, 86_400)
    bench.clock.sleep(80_000)
    answer = bench.limiter.take(limits, 0.0)

    assert isinstance(answer, Later)
    assert answer.wait == pytest.approx(6_400, abs=1)


def test_a_hold_voids_grants_that_wait(bench: Bench) -> None:
    """`Retry-After` is for every worker at once, also for those that were permitted a moment before it came."""
    limits = project(5, 1.0)
    bench.limiter.take(limits, 1.0)
    permit = bench.limiter.take(limits, 1.0)
    assert isinstance(permit, Permit)
    bench.throttle(limits, 30)
    bench.clock.sleep(permit.wait)

    assert not bench.limiter.confirm(limits, permit)


def test_a_grant_is_confirmed_when_its_time_has_come(bench: Bench) -> None:
    """Also one that was permitted for the end of a hold."""
    limits = project(5, 1.0)
    bench.throttle(limits, 0.5)
    permit = bench.limiter.take(limits, 1.0)
    assert isinstance(permit, Permit)
    bench.clock.sleep(permit.wait)

    assert bench.limiter.confirm(limits, permit)


def test_a_grant_of_a_lost_bucket_is_void(bench: Bench) -> None:
    """Flushed and refilled between permit and request: whoever waited asks anew."""
    limits = project(5, 1.0)
    permit = bench.limiter.take(limits, 1.0)
    assert isinstance(permit, Permit)
    bench.redis.flushall()
    refill(bench, limits)

    assert not bench.limiter.confirm(limits, permit)


def test_a_lost_bucket_is_refilled_from_the_requests(bench: Bench) -> None:
    """Not full: what was posted within the period still counts."""
    limits = project(3, 60.0)
    bench.posts[1] = [bench.clock.now - age for age in (50, 20, 5)]
    answer = bench.limiter.take(limits, 1.0)

    assert isinstance(answer, Later)
    assert answer.wait == pytest.approx(60 * SLACK - 50, abs=0.5)


def test_a_lost_bucket_remembers_the_hold(bench: Bench) -> None:
    """`Retry-After` outlives Redis."""
    limits = project(100, 1.0)
    bench.throttled_until = bench.clock.now + 30
    answer = bench.limiter.take(limits, 1.0)

    assert answer.wait == pytest.approx(30, abs=0.2)


def test_only_one_refills(bench: Bench) -> None:
    """A second one that has seen the loss changes nothing: what was permitted since then counts."""
    limits = project(1, 60.0)
    late = Limiter(bench.redis, "test", bench.recall, bench.clock.sleep)
    assert isinstance(bench.limiter.take(limits, 0.0), Permit)
    late._refill(limits)  # the race is staged: both have seen the loss

    assert isinstance(late.take(limits, 0.0), Later)


def test_an_idle_bucket_goes_by_itself(bench: Bench) -> None:
    """Redis keeps nothing of a project that has no more to send."""
    bench.work(project(5, 1.0), 3, workers=2)
    bench.clock.sleep(3600)

    assert bench.redis.keys() == [b"test:remembers"]


def test_a_crowd_is_told(bench: Bench) -> None:
    """With at least half of the quota used lately, requests keep their distance at the receiver; without, they need not."""
    limits = project(5, 1.0)
    first = bench.limiter.take(limits, 0.0)
    bench.work(limits, 3, workers=4)
    later = bench.limiter.take(limits, 2.0)

    assert isinstance(first, Permit)
    assert isinstance(later, Permit)
    assert (first.crowded, later.crowded) == (False, True)


@pytest.mark.parametrize(("count", "period"), [(5, 1.0), (50, 1.0), (200, 1.0), (100, 60.0)])
def test_requests_late_by_what_is_allowed_keep_to_n_plus_one(bench: Bench, count: int, period: float) -> None:
    """The worst that can come: one request as late as it may be, and those behind it on time."""
    bench.work(project(count, period), 3 * period, workers=8)
    latest = lateness(Rate(count, period))
    arrived = [moment + latest if number % count == 0 else moment for number, moment in enumerate(bench.posted)]

    assert most_in_a_window(sorted(arrived), period) <= count + 1


def test_nobody_waits_for_a_bucket_that_was_never_there(bench: Bench) -> None:
    """Only the first one in an empty Redis waits until permits of what was lost have landed; ten thousand others don't."""
    limiter, before = bench.limiter, bench.clock.now
    for number in range(1, 20):
        limiter.slots(project(5, 1.0, number), 0.0)

    assert bench.clock.now - before == pytest.approx(CONFIRMATION, abs=0.01)


BACK = [3.0, 3_600.0, 40 * 86_400.0]
"""Seconds by which the clock of Redis is set back."""


@pytest.mark.parametrize("back", BACK)
@pytest.mark.parametrize("idle", [0.0, 0.3, 30.0])
def test_a_clock_set_back_stops_nobody(bench: Bench, back: float, idle: float) -> None:
    """Whoever asks is permitted a request within seconds, however far back the clock was set, and however long nobody had asked."""
    limits = project(5, 1.0)
    bench.work(limits, 3, workers=4)
    bench.clock.sleep(idle - back)
    answer = bench.limiter.take(limits, 5.0)

    assert isinstance(answer, Permit)


@pytest.mark.parametrize("back", BACK)
def test_a_throttle_lasts_as_long_as_was_asked_for(bench: Bench, back: float) -> None:
    """A clock set back makes it no longer than it was when the API asked for it."""
    limits = project(5, 1.0)
    bench.throttle(limits, 30)
    bench.clock.sleep(-back)

    assert bench.limiter.take(limits, 0.0).wait == pytest.approx(30, abs=3.5)


@pytest.mark.parametrize("back", BACK)
def test_a_clock_set_back_spends_no_quota(bench: Bench, back: float) -> None:
    """What was permitted before still counts: a spent quota of an hour is spent for as long as it was going to be."""
    limits = project(7, 3_600.0)
    bench.work(limits, 3_600, workers=2)
    before = bench.limiter.take(limits, 0.0)
    bench.clock.sleep(-back)
    after = bench.limiter.take(limits, 0.0)

    assert after.wait == pytest.approx(before.wait, abs=3.5)


def test_a_clock_set_back_again_and_again_keeps_the_rate(bench: Bench) -> None:
    """In real time, which the clock has no part in, no second has more than N + 1 requests."""
    limits, real = project(5, 1.0), []
    set_back = 0.0
    for _ in range(5):
        seen = len(bench.posted)
        bench.work(limits, 10, workers=4)
        real += [moment + set_back for moment in bench.posted[seen:]]
        bench.clock.now -= 1_000
        set_back += 1_000

    assert most_in_a_window(real, 1.0) <= 6
    assert len(real) >= 0.8 * 5 * 50


@pytest.mark.parametrize("ahead", BACK)
def test_what_lies_far_ahead_is_brought_nearer(bench: Bench, ahead: float) -> None:
    """However it came there: a bucket whose moments all lie in the future permits within seconds."""
    limits = project(5, 1.0)
    bench.work(limits, 3, workers=4)
    bucket, permits = "{test:1}:bucket", "{test:1}:permits"
    moments = [int(float(moment)) + int(ahead * 1e6) for moment in bench.redis.lrange(permits, 0, -1)]
    bench.redis.delete(permits)
    bench.redis.rpush(permits, *moments)
    for name in ("next", "throttled"):
        bench.redis.hset(bucket, name, int((bench.clock.now + ahead) * 1e6))
    answer = bench.limiter.take(limits, 5.0)

    assert isinstance(answer, Permit)


def test_a_refill_waits_no_longer_for_a_clock_set_back(bench: Bench) -> None:
    """What Redis remembers of its own beginning lies ahead then."""
    limits = project(5, 1.0)
    refill(bench, limits)
    bench.redis.delete("{test:1}:bucket")
    bench.clock.sleep(-3_600)
    start = bench.clock.now
    refill(bench, limits)

    assert bench.clock.now - start <= CONFIRMATION
