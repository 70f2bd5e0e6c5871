"""The watchdog: when a worker counts as deaf."""

from __future__ import annotations

from typing import Any

import pytest

from worker.broker.watchdog import EVERY, PATIENCE, Hearing

DEAF = {"taken": "a", "waiting": 1, "is_free": True}
LOOKS = int(PATIENCE / EVERY)


def looks(*seen: dict[str, Any]) -> list[bool]:
    """What a watchdog says at each look."""
    hearing = Hearing()
    return [hearing.is_deaf(**look, now=number * EVERY) for number, look in enumerate(seen)]


def test_a_worker_that_takes_nothing_for_a_minute_is_deaf() -> None:
    """While something waits and it has a process free; not a moment earlier."""
    assert looks(*[DEAF] * (LOOKS + 1)) == [False] * LOOKS + [True]


@pytest.mark.parametrize(
    "look",
    [{**DEAF, "taken": "b"}, {**DEAF, "waiting": 0}, {**DEAF, "is_free": False}],
    ids=["took one", "nothing waited", "was busy"],
)
def test_one_look_that_was_well_is_a_new_beginning(look: dict[str, Any]) -> None:
    """A worker under work is never ended, nor one that has nothing to do."""
    said = looks(*[DEAF] * LOOKS, look, *[DEAF] * LOOKS)

    assert not any(said[:-1])


def test_a_look_after_a_minute_without_any_is_a_new_beginning() -> None:
    """Redis was frozen, and the worker's loop with it: messages wait when both go on, and the worker takes them."""
    hearing = Hearing()

    assert [hearing.is_deaf(**DEAF, now=now) for now in (0.0, EVERY, EVERY + PATIENCE, 2 * EVERY + PATIENCE)] == [
        False
    ] * 4


def test_a_worker_may_be_deaf_from_the_start() -> None:
    """It has never taken anything."""
    assert looks(*[{**DEAF, "taken": ""}] * (LOOKS + 1))[-1]
