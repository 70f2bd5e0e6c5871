"""How Celery's messages travel through Redis: kombu's transport, with three things changed.

Messages are hints, as PostgreSQL alone holds the truth; so none is kept until it is acknowledged, and none is put back. What an
acknowledgement asked of Redis could fail, and a worker whose acknowledgements have failed takes no message ever again.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from kombu.transport import redis
from kombu.utils.url import sanitize_url
from redis.connection import Connection, parse_url
from redis.exceptions import RedisError

from worker.broker.client import is_socket

OF_A_NETWORK = ("host", "port", "socket_connect_timeout", "socket_keepalive", "socket_keepalive_options")

OPTIONS = {
    "ack_emulation": False,
    "health_check_interval": 5,
    "socket_timeout": 6,  # a connection cut silently is noticed after so long
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "interval_start": 1,
    "interval_step": 0,
    "interval_max": 1,
}
"""`interval_…`: seconds between two tries to connect."""


def transport_to(url: str) -> type[redis.Transport]:
    """Kombu's transport to the Redis at `url`, which is read as `redis_client` reads it: TLS, sockets, users and databases alike."""

    class Channel(redis.Channel):  # type: ignore[misc] # kombu has no types
        do_restore = False

        def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
            address = parsed(url)
            # Kombu derives a class of its own from this one, by which it hears when a connection breaks.
            self.connection_class = address.pop("connection_class", Connection)
            parameters = super()._connparams(asynchronous=asynchronous)
            unknown = OF_A_NETWORK if is_socket(url) else ()
            return {**{name: value for name, value in parameters.items() if name not in unknown}, **address}

    class Transport(redis.Transport):  # type: ignore[misc] # kombu has no types
        can_parse_url = True
        # Whatever Redis answers with an error, it answers otherwise when it is well again, over a new connection.
        connection_errors = (*redis.Transport.connection_errors, RedisError)

        @staticmethod
        def __json__() -> str:
            """A worker tells Flower of its connection, this class among it; what JSON cannot say, it would not tell at all."""
            return "redis"

        def as_uri(self, _uri: str, include_password: bool = False, mask: str = "**") -> str:
            shown = f"redis+socket://{parsed(url)['path']}" if is_socket(url) else simple(url)
            return shown if include_password else sanitize_url(shown, mask)

    Transport.Channel = Channel
    return Transport


def simple(url: str) -> str:
    """The address as Flower understands it: without options, and with the database at its end.

    They know of no sockets; what stands there for one is never connected to.
    """
    parts, database = urlsplit(url), f"/{parsed(url).get('db', 0)}"
    if is_socket(url):
        return f"redis://localhost{database}"
    return urlunsplit((parts.scheme, parts.netloc, database, "", ""))


def without_password(url: str) -> str:
    """`simple`, without user and password: a worker shows it to whoever asks, and connects by `transport_to` alone."""
    parts = urlsplit(simple(url))
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def tls_options(url: str) -> dict[str, Any] | None:
    """The options of TLS as Celery's `broker_use_ssl` has them, which Flower goes by; None without TLS."""
    if not url.startswith("rediss:"):
        return None
    told = {name: value for name, value in parsed(url).items() if name.startswith("ssl_")}
    return {"ssl_cert_reqs": "required", **told}


def parsed(url: str) -> dict[str, Any]:
    """The arguments for redis-py's connection that an address stands for."""
    return dict(parse_url(url))  # type: ignore[no-untyped-call] # redis has no types there
