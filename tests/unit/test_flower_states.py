"""As what a push is shown in Flower, to which every task that returns is a success."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import pytest

from worker.api.outcome import Accepted, Outcome
from worker.operate.flower import STATES, as_it_ended, state_of


@dataclass
class Task:
    """What is asked of Celery's."""

    state: str
    result: str | None


def result(outcome: str | None, refused: int = 0) -> str:
    """As `push` returns it, and Celery spells it."""
    told = {"project": 106, "method": "contacts", "sent": 1, "unchanged": 0, "refused": refused, "put_back": 0}
    return repr({**told, "outcome": outcome, "paused": None})


@pytest.mark.parametrize(
    ("told", "state"),
    [
        (result("accepted"), "SUCCESS"),
        (result(None), "SUCCESS"),
        (result("unauthorized"), "FAILURE"),
        (result("refused"), "FAILURE"),
        (result("unexpected"), "FAILURE"),
        (result("throttled"), "RETRY"),
        (result("failed"), "RETRY"),
        (result("accepted", refused=1), "FAILURE"),
        (None, "SUCCESS"),
        ("None", "SUCCESS"),
        ("{}", "SUCCESS"),
        ("{'project': 106, 'outco...", "SUCCESS"),
    ],
)
def test_what_did_not_arrive_is_not_green(told: str | None, state: str) -> None:
    """Red needs somebody, yellow comes by itself; what says nothing of it is as Celery has it."""
    assert state_of(told) == state


def test_every_outcome_has_a_state() -> None:
    """A new one is no success before its state was chosen."""
    names = {kind.__name__.lower() for kind in get_args(Outcome)}
    assert {*STATES, Accepted.__name__.lower()} == {*names, "unknown"}


@pytest.mark.parametrize("state", ["STARTED", "FAILURE", "RETRY"])
def test_what_has_not_returned_stays_as_it_is(state: str) -> None:
    """Its state is Celery's."""
    assert as_it_ended(Task(state, None)).state == state


def test_a_push_is_shown_as_it_ended() -> None:
    """Flower shows the copy that comes back."""
    assert as_it_ended(Task("SUCCESS", result("unauthorized"))).state == "FAILURE"
