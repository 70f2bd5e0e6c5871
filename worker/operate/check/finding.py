"""What check says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MOST_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """A line for the person: a problem that `stops` a source, a warning, or a fact."""

    text: str
    stops: bool = False
    warns: bool = False


@dataclass(frozen=True, slots=True)
class Example:
    """A finished request, as it would be posted."""

    path: str
    project: int
    body: str


def warning(text: str) -> Finding:
    """A line about something that loses changes or contacts, and stops no source."""
    return Finding(text, warns=True)


def examples(keys: Sequence[str]) -> str:
    """A few keys, for a bracket: `key 1`, `keys 1, 2, 3, …`."""
    some = ", ".join(keys[:MOST_EXAMPLES])
    return f"key{'s' if len(keys) > 1 else ''} {some}{', …' if len(keys) > MOST_EXAMPLES else ''}"


def listed(names: Sequence[str]) -> str:
    """Names in a sentence: `a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
