"""Why a request failed: each cause has its word, and a sentence that says what to do."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from tests.support.peers import OK, Handler, Server, answers, closed_port, post, read_request, resolve
from worker.api.client import ApiClient
from worker.api.outcome import Accepted, Failed, Outcome, Refused
from worker.config.network import Network

NAME = "api.test"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def network(authority: trustme.CA, tmp_path: Path) -> Network:
    """Trusts the authority."""
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    return Network(cert_file=str(tmp_path / "authority.pem"))


@pytest.fixture
def outcome(network: Network) -> Iterator[Callable[..., Outcome]]:
    """What a request comes to at a server that does this, with this certificate."""
    with ExitStack() as stack:

        def ask(handle: Handler, certificate: trustme.LeafCert | None = None) -> Outcome:
            context = None
            if certificate is not None:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                certificate.configure_cert(context)
            server = Server(handle, context)
            stack.callback(server.close)
            scheme = "http" if certificate is None else "https"
            with ApiClient(f"{scheme}://127.0.0.1:{server.port}", 0.5, network) as client:
                return post(client)

        yield ask


def test_a_certificate_that_has_expired(outcome: Callable[..., Outcome], authority: trustme.CA) -> None:
    """Is told as such: no waiting helps."""
    old = authority.issue_cert("127.0.0.1", not_after=LONG_AGO)
    found = outcome(answers(OK), old)

    assert found == Failed("certificate_expired", unknown=False)
    assert "has expired" in found.sentence  # type: ignore[union-attr]


def test_a_certificate_that_is_not_valid_yet(outcome: Callable[..., Outcome], authority: trustme.CA) -> None:
    """It is this machine's clock that is behind."""
    young = authority.issue_cert("127.0.0.1", not_before=datetime.now(UTC) + timedelta(days=2))

    assert outcome(answers(OK), young) == Failed("certificate_not_yet_valid", unknown=False)


@pytest.mark.parametrize("name", ["other.test", "127.0.0.2"])
def test_a_certificate_for_another_host(outcome: Callable[..., Outcome], authority: trustme.CA, name: str) -> None:
    """By name or by number."""
    assert outcome(answers(OK), authority.issue_cert(name)) == Failed("certificate_hostname", unknown=False)


def test_a_certificate_of_an_unknown_authority(outcome: Callable[..., Outcome]) -> None:
    """The sentence names the setting that helps."""
    found = outcome(answers(OK), trustme.CA().issue_cert("127.0.0.1"))

    assert found == Failed("certificate_untrusted", unknown=False)
    assert "SSL_CERT_FILE" in found.sentence  # type: ignore[union-attr]


def test_a_certificate_of_an_intermediate_that_is_named_is_trusted(
    outcome: Callable[..., Outcome], authority: trustme.CA, network: Network
) -> None:
    """As curl has it: who names it means it."""
    between = authority.create_child_ca()
    between.cert_pem.write_to_path(str(network.cert_file))

    assert outcome(answers(OK), between.issue_cert("127.0.0.1")) == Accepted(200)


def test_a_connection_that_is_refused(network: Network) -> None:
    """Nothing listens there."""
    with ApiClient(f"https://127.0.0.1:{closed_port()}", 2.0, network) as client:
        assert post(client) == Failed("refused", unknown=False)


def test_a_name_that_is_not_there(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows it."""
    resolve(monkeypatch, {})
    with ApiClient("https://api.ringostta.net", 2.0, network) as client:
        found = post(client)

    assert found == Failed("dns", unknown=False)
    assert "DNS" in found.sentence  # type: ignore[union-attr]


def test_a_server_without_tls(network: Network) -> None:
    """Spoken to by TLS."""
    server = Server(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    with ApiClient(f"https://127.0.0.1:{server.port}", 2.0, network) as client:
        assert post(client) == Failed("tls", unknown=False)
    server.close()


def reset(connection: socket.socket) -> None:
    """Break the connection off, in the middle of whatever it is."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def request_then(answer: bytes, *, broken: bool = False) -> Handler:
    """Read the request, answer this, and close or break the connection."""

    def handle(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(answer)
        if broken:
            reset(connection)

    return handle


def stall(connection: socket.socket) -> None:
    """Read the request, and nothing more."""
    read_request(connection)
    connection.recv(1)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize(
    ("handle", "kind"),
    [
        (request_then(b""), "connection_lost"),
        (request_then(b"", broken=True), "connection_lost"),
        (request_then(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"), "connection_lost"),
        (request_then(b"HTTP/1.1 422 No\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nx"), "connection_lost"),
        (request_then(b"HTTP/1.1 2"), "connection_lost"),
        (request_then(b"SSH-2.0-OpenSSH_9\r\n\r\n"), "bad_answer"),
        (request_then(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), "bad_answer"),
        (stall, "read_timeout"),
    ],
    ids=["closed", "reset", "short", "short chunk", "half a line", "no http", "no chunk", "silent"],
)
def test_what_goes_wrong_after_the_request_has_left(
    outcome: Callable[..., Outcome], authority: trustme.CA, handle: Handler, kind: str, tls: bool
) -> None:
    """Leaves open whether the API has processed it."""
    assert outcome(handle, authority.issue_cert("127.0.0.1") if tls else None) == Failed(kind, unknown=True)


def test_a_handshake_that_breaks_off(network: Network) -> None:
    """As a firewall does it that does not like the name: nothing has been sent."""
    server = Server(reset)
    with ApiClient(f"https://127.0.0.1:{server.port}", 2.0, network) as client:
        assert post(client) == Failed("connection_lost", unknown=False)
    server.close()


def test_a_request_that_is_not_taken_in_time(outcome: Callable[..., Outcome]) -> None:
    """It is larger than what the network holds, and nobody reads it."""
    ended = threading.Event()
    server = Server(lambda _: ended.wait(5))
    with ApiClient(f"http://127.0.0.1:{server.port}", 0.5) as client:
        assert post(client, b"x" * 50_000_000) == Failed("write_timeout", unknown=True)
    ended.set()
    server.close()


def test_an_answer_that_comes_before_the_request_is_read() -> None:
    """A server that finds it too large says so, and that is heard."""

    def handle(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 413 Too large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass

    server = Server(handle)
    with ApiClient(f"http://127.0.0.1:{server.port}", 5.0) as client:
        assert post(client, b"x" * 5_000_000) == Refused(413, "", too_large=True)
    server.close()
