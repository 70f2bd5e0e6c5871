"""Why a direction, or one of several in its field, is not sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

import msgspec


class Why(StrEnum):
    """The reason, in words that a person reads and that hold no value."""

    UNREADABLE = "no object with a type and a value"
    UNKNOWN_TYPE = "the type is neither phone nor email"
    NO_NUMBER = "no complete number"
    NOT_IN_USE = "a number that is not in use"
    HIDDEN = "digits are hidden or are letters"
    IDENTIFIER = "another number than a telephone's"
    AMBIGUOUS = "can be read as two numbers"
    NO_ADDRESS = "no valid address"


class LeftOut(msgspec.Struct, frozen=True, gc=False):
    """One number or address that is not sent: which element of `contactDirections` (from 0) held it, and why."""

    element: int
    why: Why


def summed_up(left_out: Iterable[LeftOut]) -> str:
    """How many there are, and how many of each reason: `2 (no complete number: 2)`."""
    counted = Counter(one.why for one in left_out)
    reasons = ", ".join(f"{why}: {count}" for why, count in counted.most_common())
    return f"{counted.total()} ({reasons})"
