"""Waiting on a condition instead of sleeping for a time that is too long here and too short there."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
WAITING = """
SELECT 1 FROM ringostat_sync.outbox UNION ALL SELECT 1 FROM ringostat_sync.fan_outs
UNION ALL SELECT 1 FROM ringostat_sync.pending UNION ALL SELECT 1 FROM ringostat_sync.in_flight LIMIT 1
"""


def wait_until(condition: Callable[[], T], timeout: float = 10, every: float = 0.02, what: str | None = None) -> T:
    """Call `condition` until it returns something true, and return that.

    Looks every `every` seconds. Raises `AssertionError` after `timeout` seconds, naming `what` was awaited, or
    else the condition's own source, and the last thing it returned.
    """
    deadline = time.monotonic() + timeout
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(
                f"after {timeout:g} s still waiting for: {what or _source(condition)}; last: {found!r}"
            )
        time.sleep(every)
    return found


def nothing_waits(sql: Callable[[str], list[Any]]) -> bool:
    """Whether every change has come to its end; `sql` returns the rows of a statement."""
    return not sql(WAITING)


def _source(condition: Callable[[], object]) -> str:
    try:
        return " ".join(inspect.getsource(condition).split())
    except (OSError, TypeError):
        return repr(condition)
