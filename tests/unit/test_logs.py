"""Logs: from which level on libraries are heard."""

from __future__ import annotations

import logging

import pytest

from worker.logs import libraries_level


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (logging.DEBUG, logging.DEBUG),
        (logging.INFO, logging.WARNING),
        (logging.WARNING, logging.WARNING),
        (logging.ERROR, logging.ERROR),
    ],
)
def test_libraries_are_quieter_than_we_are_but_at_debug(ours: int, theirs: int) -> None:
    """One wide line an event is enough, until somebody looks for trouble."""
    assert libraries_level(ours) == theirs
