"""The API through a proxy, and by a certificate of an authority of one's own: real TLS, real tunnels."""

from __future__ import annotations

import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme
from structlog.testing import capture_logs

from tests.support.peers import OK, ConnectProxy, Server, answers, black_hole, closed_port, post, read_request, resolve
from worker.api.client import ApiClient
from worker.api.outcome import Accepted, Failed
from worker.config.network import read_network
from worker.errors import ConfigError
from worker.operate.alert import send_alert

NAME = "api.test"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusting(authority: trustme.CA, tmp_path: Path) -> dict[str, str]:
    """The environment of those who trust the authority."""
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    return {"SSL_CERT_FILE": str(tmp_path / "authority.pem")}


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def context(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    """What a server shows for these names."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(made)
    return made


@pytest.fixture
def api(authority: trustme.CA, stack: ExitStack) -> Server:
    """The API, at a name that only the proxy knows."""
    server = Server(answers(OK), context(authority, NAME, "127.0.0.1"))
    stack.callback(server.close)
    return server


@pytest.fixture
def proxy(stack: ExitStack) -> Callable[..., ConnectProxy]:
    def start(**options: object) -> ConnectProxy:
        started = ConnectProxy(**options)  # type: ignore[arg-type]
        stack.callback(started.close)
        return started

    return start


@pytest.fixture
def client(stack: ExitStack, trusting: dict[str, str]) -> Callable[..., ApiClient]:
    """A client of the API, with more in its environment."""

    def make(server: Server, host: str = NAME, timeout: float = 5.0, **environment: str) -> ApiClient:
        url = f"https://{host}:{server.port}"
        return stack.enter_context(ApiClient(url, timeout, read_network(trusting | environment, url)))

    return make


def test_a_proxy_is_asked_for_the_way(
    api: Server, proxy: Callable[..., ConnectProxy], client: Callable[..., ApiClient]
) -> None:
    """By the API's name, which this machine need not know; once for all requests on a connection."""
    through = proxy()
    posting = client(api, HTTPS_PROXY=f"http://127.0.0.1:{through.port}")

    assert [post(posting), post(posting)] == [Accepted(200)] * 2
    assert [head.split(b"\r\n")[0] for head in through.asked] == [f"CONNECT {NAME}:{api.port} HTTP/1.1".encode()]
    assert b"auth-key" not in through.asked[0]


def test_a_proxy_gets_its_user_and_password(
    api: Server, proxy: Callable[..., ConnectProxy], client: Callable[..., ApiClient]
) -> None:
    """As they are once they are decoded, in any alphabet."""
    through = proxy(login="user:p@ss/wörd:ї")
    address = f"127.0.0.1:{through.port}"

    assert post(client(api, https_proxy=f"user:p%40ss%2Fw%C3%B6rd%3A%D1%97@{address}")) == Accepted(200)
    assert post(client(api, https_proxy=f"user:other@{address}")) == Failed("proxy_407", unknown=False)
    assert post(client(api, https_proxy=address)) == Failed("proxy_407", unknown=False)


def test_a_proxy_may_be_spoken_to_by_tls(
    api: Server, proxy: Callable[..., ConnectProxy], client: Callable[..., ApiClient], authority: trustme.CA
) -> None:
    """Its own certificate is checked by the same authorities; the API's TLS goes within the proxy's."""
    through = proxy(context=context(authority, "127.0.0.1"))
    assert post(client(api, HTTPS_PROXY=f"https://127.0.0.1:{through.port}")) == Accepted(200)

    elsewhere = proxy(context=context(authority, "other.test"))
    posting = client(api, HTTPS_PROXY=f"https://127.0.0.1:{elsewhere.port}")
    assert post(posting) == Failed("proxy_certificate_hostname", unknown=False)


def test_a_plain_address_may_have_a_proxy_that_is_spoken_to_by_tls(
    proxy: Callable[..., ConnectProxy], authority: trustme.CA, trusting: dict[str, str], stack: ExitStack
) -> None:
    """An alert's may be one."""
    through, chat = proxy(context=context(authority, "127.0.0.1")), Server(answers(OK))
    stack.callback(chat.close)
    through.routes["chat.test"] = chat.port
    url = "http://chat.test/hook"
    network = read_network(trusting | {"HTTP_PROXY": f"https://127.0.0.1:{through.port}"}, url)

    assert send_alert(url, network, "text")
    assert through.asked[0].startswith(b"CONNECT chat.test:80 HTTP/1.1")


@pytest.mark.parametrize("spelt", ["127.0.0.1", "localhost"])
def test_a_loopback_address_goes_past_every_proxy(
    api: Server, client: Callable[..., ApiClient], authority: trustme.CA, stack: ExitStack, spelt: str
) -> None:
    """Always: a sandbox on this machine is no business of a proxy's."""
    server = Server(answers(OK), context(authority, spelt))
    stack.callback(server.close)
    dead = f"http://127.0.0.1:{closed_port()}"

    assert post(client(server, host=spelt, HTTPS_PROXY=dead, ALL_PROXY=dead)) == Accepted(200)


def test_no_proxy_is_obeyed(api: Server, client: Callable[..., ApiClient], monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that it names is reached directly."""
    resolve(monkeypatch, {NAME: [(api.host, api.port)]})
    dead = f"http://127.0.0.1:{closed_port()}"

    assert post(client(api, HTTPS_PROXY=dead)) == Failed("proxy_refused", unknown=False)
    assert post(client(api, HTTPS_PROXY=dead, NO_PROXY="other.test, .test")) == Accepted(200)


@pytest.mark.parametrize("status", [403, 407, 502, 503])
def test_a_proxy_that_refuses_is_named(
    api: Server, proxy: Callable[..., ConnectProxy], client: Callable[..., ApiClient], status: int
) -> None:
    """It is no answer of the API's, and nothing has been sent."""
    through = proxy(refusal=b"HTTP/1.1 %d No way\r\nContent-Length: 2\r\nRetry-After: 7\r\n\r\nno" % status)
    outcome = post(client(api, HTTPS_PROXY=f"http://u:hunter2@127.0.0.1:{through.port}"))

    assert outcome == Failed(f"proxy_{status}", unknown=False)
    assert outcome.sentence.startswith(f"The proxy answered {status}")
    assert "hunter2" not in repr(outcome) + outcome.sentence


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (b"nonsense\r\n\r\n", "proxy_bad_answer"),
        (b"HTTP/1.1 2", "proxy_connection_lost"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000, "proxy_bad_answer"),
    ],
    ids=["nonsense", "breaks off", "too long"],
)
def test_a_proxy_that_does_not_speak_http_is_named(
    api: Server, proxy: Callable[..., ConnectProxy], client: Callable[..., ApiClient], refusal: bytes, kind: str
) -> None:
    """Whatever it says instead."""
    through = proxy(refusal=refusal)

    assert post(client(api, HTTPS_PROXY=f"127.0.0.1:{through.port}")) == Failed(kind, unknown=False)


def silent(connection: object) -> None:
    """Take the connection, and say nothing until the client gives it up."""
    while connection.recv(65536):  # type: ignore[attr-defined]
        pass


def drip(connection: object) -> None:
    """An answer that takes for ever, byte by byte."""
    connection.recv(65536)  # type: ignore[attr-defined]
    for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100:
        connection.send(bytes([byte]))  # type: ignore[attr-defined]
        time.sleep(0.05)


@pytest.mark.parametrize("handle", [silent, drip])
@pytest.mark.parametrize("stage", ["connect", "handshake", "answer"])
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_the_deadline_holds_through_a_proxy(
    api: Server,
    proxy: Callable[..., ConnectProxy],
    client: Callable[..., ApiClient],
    authority: trustme.CA,
    stack: ExitStack,
    handle: Callable[..., None],
    stage: str,
    tls: bool,
) -> None:
    """Wherever it stays silent, or answers byte by byte: on the way to the proxy, through it, and within the API's TLS."""
    own = context(authority, "127.0.0.1") if tls else None
    through = Server(handle, own) if stage == "connect" else proxy(context=own)
    target = Server(handle, context(authority, NAME) if stage == "answer" else None)
    for server in (through, target):
        stack.callback(server.close)
    posting = client(target, timeout=0.6, HTTPS_PROXY=f"{'https' if tls else 'http'}://127.0.0.1:{through.port}")
    begun = time.monotonic()
    outcome = post(posting)

    assert time.monotonic() - begun < 3.0
    kinds = {"connect": "proxy_read_timeout", "handshake": "tls_timeout", "answer": "read_timeout"}
    if (stage, handle) == ("handshake", drip):  # what drips there is no TLS
        assert outcome == Failed("tls", unknown=False)
    else:
        assert outcome == Failed(kinds[stage], unknown=stage == "answer")


def test_the_way_to_a_dead_proxy_has_the_same_deadline(
    api: Server, client: Callable[..., ApiClient], monkeypatch: pytest.MonkeyPatch, stack: ExitStack
) -> None:
    """And a proxy with a dead address is reached by another one."""
    hole = stack.enter_context(black_hole())
    assert post(client(api, timeout=0.5, HTTPS_PROXY=f"http://127.0.0.1:{hole[1]}")) == Failed(
        "proxy_connect_timeout", unknown=False
    )
    through = ConnectProxy()
    stack.callback(through.close)
    resolve(monkeypatch, {"gate.test": [hole, (through.host, through.port)]})
    through.routes[NAME] = api.port

    assert post(client(api, HTTPS_PROXY="http://gate.test:3128")) == Accepted(200)


def test_failures_behind_a_proxy_leave_no_connections_behind(
    proxy: Callable[..., ConnectProxy], client: Callable[..., ApiClient], api: Server, stack: ExitStack
) -> None:
    """However often the API's handshake fails there, the next request has a connection to itself."""
    through, broken = proxy(), Server(lambda connection: None)
    stack.callback(broken.close)
    through.routes[NAME] = broken.port
    posting = client(api, timeout=2.0, HTTPS_PROXY=f"http://127.0.0.1:{through.port}")
    assert {post(posting).kind for _ in range(70)} == {"connection_lost"}  # type: ignore[union-attr]
    through.routes[NAME] = api.port

    assert post(posting) == Accepted(200)


def test_an_authority_of_ones_own_is_trusted_by_file_and_by_folder(
    api: Server, authority: trustme.CA, stack: ExitStack, tmp_path: Path
) -> None:
    """And by nobody who names none."""
    folder = tmp_path / "authorities"
    folder.mkdir()
    authority.cert_pem.write_to_path(tmp_path / "one.pem")
    authority.cert_pem.write_to_path(folder / f"{subject_hash(tmp_path / 'one.pem')}.0")
    url = f"https://127.0.0.1:{api.port}"

    def outcome(**environment: str) -> object:
        return post(stack.enter_context(ApiClient(url, 5.0, read_network(environment, url))))

    assert outcome(SSL_CERT_FILE=str(tmp_path / "one.pem")) == Accepted(200)
    assert outcome(SSL_CERT_DIR=str(folder)) == Accepted(200)
    assert outcome(SSL_CERT_DIR=f"{tmp_path / 'nowhere'}:{folder}") == Accepted(200)
    assert outcome() == Failed("certificate_untrusted", unknown=False)


def subject_hash(certificate: Path) -> str:
    """By which name OpenSSL looks for a certificate in a folder, as `openssl rehash` makes it."""
    asked = ["openssl", "x509", "-hash", "-noout", "-in", str(certificate)]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(
    ("name", "value"), [("SSL_CERT_FILE", "gone.pem"), ("SSL_CERT_FILE", "empty.pem"), ("SSL_CERT_DIR", "gone")]
)
def test_certificates_that_cannot_be_used_are_a_wrong_setting(tmp_path: Path, name: str, value: str) -> None:
    """In one line that names it, before anything is sent."""
    (tmp_path / "empty.pem").write_text("no certificate")
    url = "https://api.ringostat.net"
    with pytest.raises(ConfigError, match=rf"^{name} .*\.$|^{name}: .*\.$"):
        ApiClient(url, 1.0, read_network({name: str(tmp_path / value)}, url))


def test_an_alert_goes_the_same_way(
    api: Server, proxy: Callable[..., ConnectProxy], trusting: dict[str, str], stack: ExitStack
) -> None:
    """Through the proxy, by the same authorities, to the very address; its refusal is told without it."""
    through, url = proxy(), f"https://{NAME}:{api.port}/hook/hunter2?to=@people"
    network = read_network(trusting | {"HTTPS_PROXY": f"127.0.0.1:{through.port}"}, url)
    heads = []

    def handle(connection: socket.socket) -> None:
        heads.append(read_request(connection))
        connection.sendall(OK if len(heads) == 1 else b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")

    api.handle = handle
    with capture_logs() as lines:
        assert [send_alert(url, network, "text"), send_alert(url, network, "text")] == [True, False]

    assert heads[0].startswith(b"POST /hook/hunter2?to=@people HTTP/1.1\r\n")
    assert [(line["event"], line["kind"]) for line in lines] == [("alert_failed", "http_403")]
    assert "hunter2" not in str(lines)
