"""The addresses of Redis: the broker and the limiter read them alike, and neither trusts a stranger's certificate."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import trustme
from celery import Celery
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

from tests.support.waiting import wait_until
from worker.application import make_application
from worker.broker.client import problem, redis_client
from worker.config.settings import load_settings
from worker.local.up.embedded import EmbeddedValkey
from worker.local.up.embedded.valkey import server_binary

AUTHORITY = trustme.CA()


class Tls:
    """Ends TLS before a Redis, on 127.0.0.1:`port`, with a certificate for `name`; in a thread of its own."""

    def __init__(self, target: int, name: str) -> None:
        self._target = target
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        AUTHORITY.issue_cert(name).configure_cert(self._context)
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda *_: None)  # who refuses the certificate hangs up
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Tls:
        self._thread.start()
        start = asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=self._context)
        self._server = asyncio.run_coroutine_threadsafe(start, self._loop).result()
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, questions = await asyncio.open_connection("127.0.0.1", self._target)
        await asyncio.gather(_pipe(reader, questions), _pipe(answers, writer))


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@contextmanager
def published(application: Celery) -> Iterator[Callable[[], int]]:
    """Sends a message as beat does; yields what tells how many wait in its queue."""
    with application.connection_for_write() as connection:
        connection.ensure_connection(max_retries=0, timeout=5)
        application.send_task("sweep", connection=connection, retry=False)
        queue = application.conf.task_default_queue
        yield lambda: connection.default_channel.client.llen(queue)


def ways(url: str) -> list[Callable[[], object]]:
    """The two ways in which we speak to Redis."""

    def broker() -> None:
        with published(
            make_application(load_settings({"DATABASE_URL": "postgresql://x/y", "REDIS_URL": url}))
        ) as waiting:
            assert waiting() >= 1

    return [lambda: redis_client(url).ping(), broker]


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """The authority's certificate, as a file."""
    AUTHORITY.cert_pem.write_to_path(tmp_path / "ca.pem")
    return tmp_path / "ca.pem"


@pytest.fixture
def address(redis_server: EmbeddedValkey, redis_url: str) -> Iterator[Callable[..., str]]:
    """Makes the address of a Redis behind TLS; `query` goes to its end."""
    with Tls(redis_server.port, "localhost") as tls, Tls(redis_server.port, "elsewhere") as elsewhere:

        def make(query: str = "", *, is_another: bool = False) -> str:
            port = elsewhere.port if is_another else tls.port
            return f"rediss://:{redis_server.password}@localhost:{port}/0{query}"

        yield make


@pytest.mark.parametrize("way", [0, 1], ids=["limiter", "broker"])
def test_a_certificate_that_nobody_vouches_for_is_refused(address: Callable[..., str], way: int) -> None:
    """By plain `rediss://`; the log says what is wrong, and what to do."""
    with pytest.raises((RedisError, OperationalError)) as refused:
        ways(address())[way]()

    told = problem(refused.value)
    assert told.startswith(
        "REDIS_URL: the certificate of Redis is not trusted (unable to get local issuer certificate)"
    )


@pytest.mark.parametrize("way", [0, 1], ids=["limiter", "broker"])
def test_a_certificate_for_another_host_is_refused(address: Callable[..., str], certificates: Path, way: int) -> None:
    """Though its authority is known."""
    with pytest.raises((RedisError, OperationalError)) as refused:
        ways(address(f"?ssl_ca_certs={certificates}", is_another=True))[way]()

    assert "Hostname mismatch" in problem(refused.value)


@pytest.mark.parametrize("way", [0, 1], ids=["limiter", "broker"])
def test_an_authority_may_be_named_in_the_address(address: Callable[..., str], certificates: Path, way: int) -> None:
    """As redis-py writes it."""
    ways(address(f"?ssl_ca_certs={certificates}"))[way]()


@pytest.mark.parametrize("way", [0, 1], ids=["limiter", "broker"])
def test_an_authority_may_be_named_by_the_environment(
    address: Callable[..., str], certificates: Path, monkeypatch: pytest.MonkeyPatch, way: int
) -> None:
    """SSL_CERT_FILE, as everywhere."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates))

    ways(address())[way]()


@pytest.mark.parametrize("way", [0, 1], ids=["limiter", "broker"])
def test_whoever_insists_is_not_protected(address: Callable[..., str], way: int) -> None:
    """`ssl_cert_reqs=none` says so for both."""
    ways(address("?ssl_cert_reqs=none&ssl_check_hostname=false"))[way]()


@pytest.mark.parametrize("way", [0, 1], ids=["limiter", "broker"])
def test_a_user_of_redis_has_a_name_and_a_password(redis_server: EmbeddedValkey, redis_url: str, way: int) -> None:
    """With the rights that `docs/settings.md` gives, and letters in both that an address must escape."""
    with Redis.from_url(redis_url) as redis:
        rules = [
            "on",
            ">p@ss/word:#",
            "~*ringostat-sync*",
            "~_kombu.binding_deadlines",
            "&*",
            "+@all",
            "-@dangerous",
            "-@admin",
        ]
        redis.execute_command("ACL", "SETUSER", "sync@work", *rules)

    ways(f"redis://sync%40work:p%40ss%2Fword%3A%23@127.0.0.1:{redis_server.port}/0")[way]()


@pytest.mark.parametrize("database", ["/3", "/0?db=3", "?db=3"])
def test_both_use_the_same_database(redis_server: EmbeddedValkey, redis_url: str, database: str) -> None:
    """However the address names it."""
    url = f"redis://:{redis_server.password}@127.0.0.1:{redis_server.port}{database}"
    ways(url)[1]()

    with Redis.from_url(redis_url) as redis, redis_client(url) as ours:
        assert redis.keys("ringostat-sync.*") == []
        assert ours.llen("ringostat-sync.upkeep") == 1


@pytest.mark.parametrize("way", [0, 1], ids=["limiter", "broker"])
def test_a_socket_of_this_machine_will_do(tmp_path: Path, way: int) -> None:
    """`unix://` and a path."""
    socket = tmp_path / "redis.sock"
    command = [server_binary(), "--port", "0", "--unixsocket", socket, "--save", "", "--dir", tmp_path]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        wait_until(socket.exists, what="the socket")
        try:
            ways(f"unix://{socket}?db=2")[way]()
        finally:
            server.terminate()
