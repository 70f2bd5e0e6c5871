"""Redis, spoken to directly: by the limiter, by wakes, and by those who look how long a queue is."""

from __future__ import annotations

from collections.abc import Iterator
from ssl import SSLCertVerificationError

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as NoConnectionError
from redis.retry import Retry

PATIENCE = 5.0
"""Seconds that one question to Redis may take."""
ANSWERS = (ResponseError, AuthenticationError, AuthorizationError, BusyLoadingError)
"""Errors that are an answer of Redis's."""


def redis_client(url: str, patience: float = PATIENCE) -> Redis:
    """A connection to the Redis at `url` that gives up soon, after `patience` seconds: if it is away, the job waits in PostgreSQL.

    A connection that breaks is made again at once, and so is one to a server that takes no writes any more: after a failover the
    same name may lead to another server.
    """
    return Redis.from_url(
        url,
        socket_timeout=patience,
        health_check_interval=10,
        retry=Retry(NoBackoff(), 1, supported_errors=(NoConnectionError, ReadOnlyError)),
        **({} if is_socket(url) else {"socket_connect_timeout": patience, "socket_keepalive": True}),
    )


def is_socket(url: str) -> bool:
    """Whether this Redis is reached by a socket of this machine, which knows no time-out of connecting, nor keepalives."""
    return url.startswith("unix:")


def problem(error: BaseException) -> str:
    """What is wrong with Redis, in one sentence without its own words, which may name a user."""
    chain = list(_causes(error))
    for cause in chain:
        if isinstance(cause, SSLCertVerificationError):
            return f"REDIS_URL: the certificate of Redis is not trusted ({cause.verify_message}); see SSL_CERT_FILE."
    cause = next((cause for cause in chain if isinstance(cause, RedisError)), error)
    if isinstance(cause, ANSWERS):
        return f"REDIS_URL: Redis answers with an error ({_kind(cause)})."
    return f"REDIS_URL: Redis does not answer ({type(cause).__name__})."


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _kind(error: RedisError) -> str:
    """MISCONF and others that have no class of their own begin with their names in capitals."""
    first, _, _ = str(error).partition(" ")
    return first if first.isalpha() and first.isupper() else type(error).__name__
