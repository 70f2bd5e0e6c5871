"""Where a scan may start."""

from __future__ import annotations

from itertools import pairwise

from worker.collect.watermark import GRACE, LOWEST, SWEEP, Watermark


def scans(watermark: Watermark, until: float, step: float = 0.1) -> dict[float, int]:
    """Scan every `step` seconds; the first row found is always the time in tenths. Where each scan started."""
    starts = {}
    for tick in range(int(until / step)):
        now = tick * step
        starts[now] = watermark.start(now)
        watermark.note(tick, now)
    return starts


def test_the_first_scan_starts_at_the_beginning() -> None:
    """Nothing is known yet."""
    assert Watermark().start(100.0) == LOWEST


def test_a_scan_starts_at_what_was_first_a_while_ago() -> None:
    """Never above what was first `GRACE` seconds before, and not far below it."""
    starts = scans(Watermark(), 20.0)
    marked = {now: start for now, start in starts.items() if start != LOWEST and now > 5}

    assert marked
    assert all(now - 2 * GRACE - 0.2 <= start / 10 <= now - GRACE + 0.01 for now, start in marked.items())


def test_a_sweep_starts_at_the_beginning() -> None:
    """Once every `SWEEP` seconds, whatever was seen."""
    swept = [now for now, start in scans(Watermark(), 20.0).items() if start == LOWEST and now > 5]

    assert len(swept) >= 14 / SWEEP
    assert all(later - earlier >= SWEEP - 0.01 for earlier, later in pairwise(swept))


def test_slow_sweeps_are_rare() -> None:
    """One that took half a second is followed by ten without one: a twentieth of the time."""
    watermark = Watermark()
    assert watermark.start(100.0) == LOWEST
    watermark.note(7, 100.5)
    watermark.note(8, 103.0)

    assert {watermark.start(100.5 + second) for second in range(10)} == {7}
    assert watermark.start(110.6) == LOWEST


def test_a_sweep_that_came_to_nothing_puts_off_no_other() -> None:
    """It was broken off before its end was noted: how long it would have taken is not known."""
    watermark = Watermark()
    watermark.start(100.0)
    watermark.start(100.8)
    watermark.note(7, 100.9)
    watermark.note(7, 103.0)
    watermark.note(8, 105.1)
    assert watermark.start(105.2) == LOWEST
