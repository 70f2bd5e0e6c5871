"""What is said where Redis is in the way."""

from __future__ import annotations

import pytest
from kombu.exceptions import OperationalError
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    NoPermissionError,
    ReadOnlyError,
    ResponseError,
)
from redis.exceptions import ConnectionError as NoConnectionError
from redis.exceptions import TimeoutError as NoAnswerError

from worker.broker.client import problem

ANSWERS = "REDIS_URL: Redis answers with an error ({})."
SILENT = "REDIS_URL: Redis does not answer ({})."


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (AuthenticationError("invalid username-password pair"), ANSWERS.format("AuthenticationError")),
        (NoPermissionError("User 'anna' has no permissions"), ANSWERS.format("NoPermissionError")),
        (ReadOnlyError("You can't write against a read only replica."), ANSWERS.format("ReadOnlyError")),
        (BusyLoadingError("Redis is loading the dataset in memory"), ANSWERS.format("BusyLoadingError")),
        (ResponseError("MISCONF Redis is configured to save RDB snapshots"), ANSWERS.format("MISCONF")),
        (ResponseError("something new"), ANSWERS.format("ResponseError")),
        (NoConnectionError("Error 111 connecting to anna:6379."), SILENT.format("ConnectionError")),
        (NoAnswerError("Timeout reading from anna:6379"), SILENT.format("TimeoutError")),
        (OperationalError("anna"), SILENT.format("OperationalError")),
    ],
)
def test_a_problem_is_told_by_its_kind(error: Exception, told: str) -> None:
    """Without Redis' own words, which may name a user or an address."""
    assert problem(error) == told


def test_a_problem_is_that_of_redis_whoever_brings_it() -> None:
    """Celery's and kombu's errors have one of Redis' behind them."""
    error = OperationalError("x")
    error.__cause__ = ReadOnlyError("x")

    assert problem(error) == ANSWERS.format("ReadOnlyError")
