"""A problem of the job: something that should happen and does not."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """`key` names the problem as long as it lasts; `sentence` says what is wrong and what to do, with ids and counts only."""

    key: str
    sentence: str
