"""The API's client over real HTTP: what it sends, and what it makes of answers of any size."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from worker.api.body import most_of
from worker.api.client import ApiClient
from worker.api.outcome import Accepted, Failed, Refused
from worker.config.model import Method, Project, Rate


class Api(ThreadingHTTPServer):
    """Answers each request with `answer`, and a cookie; keeps the headers that came."""

    answer = b""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.came: list[dict[str, str]] = []


class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Api

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.came.append({name.lower(): value for name, value in self.headers.items()})
        self.send_response(200)
        self.send_header("Set-Cookie", "session=of-the-first")
        self.send_header("Content-Length", str(len(self.server.answer)))
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, *_: object) -> None:
        """The test's output is for pytest."""


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def client(api: Api) -> Iterator[ApiClient]:
    with ApiClient(f"http://127.0.0.1:{api.server_port}", 10.0) as client:
        yield client


def project(number: int) -> Project:
    return Project(number, Rate(5, 1), 100, auth_key=f"key-{number}")


def test_what_the_api_gives_to_one_project_is_not_for_another(api: Api, client: ApiClient) -> None:
    """The headers of the contract, and no cookie of anybody's."""
    client.post(project(1), Method.CONTACTS, b"{}")
    client.post(project(2), Method.CONTACTS, b"{}")

    assert [(came["x-project-id"], came["auth-key"]) for came in api.came] == [("1", "key-1"), ("2", "key-2")]
    assert all("cookie" not in came for came in api.came)


def test_an_api_that_repeats_what_it_was_sent_accepts(api: Api, client: ApiClient) -> None:
    """Its answer is read to the end, as an error may stand there."""
    sent = b'{"contacts": "%s"}' % ("ї".encode() * 500_000)
    repeated = b'{"contacts": "%s"' % (rb"\u0457" * 500_000)
    api.answer = repeated + b"}"
    assert client.post(project(1), Method.CONTACTS, sent) == Accepted(200)

    api.answer = repeated + b', "error": "no"}'
    assert isinstance(client.post(project(1), Method.CONTACTS, sent), Refused)


def test_an_answer_without_end_is_a_failure(api: Api, client: ApiClient) -> None:
    """What the API has made of the request is unknown."""
    api.answer = b" " * (most_of(b"{}") + 1)

    assert client.post(project(1), Method.CONTACTS, b"{}") == Failed("answer_too_large", unknown=True, status=200)
