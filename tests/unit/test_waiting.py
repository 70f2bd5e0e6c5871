"""The tests' own way of waiting."""

from __future__ import annotations

import pytest

from tests.support.waiting import wait_until


def test_the_awaited_value_is_returned():
    """What the condition finds at last comes back."""
    answers = iter([None, 0, "found"])

    assert wait_until(lambda: next(answers), every=0.001) == "found"


def test_what_was_awaited_is_named():
    """A wait in vain says what for."""
    with pytest.raises(AssertionError, match="the last row"):
        wait_until(lambda: False, timeout=0.01, every=0.001, what="the last row")


def test_a_condition_names_itself():
    """Without a name the condition's source stands for it."""
    never = False

    with pytest.raises(AssertionError, match=r"lambda: never"):
        wait_until(lambda: never, timeout=0.01, every=0.001)
