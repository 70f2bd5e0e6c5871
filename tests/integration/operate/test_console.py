"""The console: behind its password, over real HTTP, and in a real browser."""

from __future__ import annotations

import asyncio
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from tests.support.browser import PROGRAM, Browser, browser
from tests.support.engine import PROJECT, Engine
from worker.local.sandbox.faults import Refuse
from worker.operate.console import handlers
from worker.operate.console.questions import Questions
from worker.operate.console.server import application

PASSWORD = ("boss", "secret")
FROM_THE_PAGE = {"X-Requested-With": "ringostat-sync"}
PICTURES = os.environ.get("PICTURES")
"""A folder, if pictures for the documentation are wanted."""
NAME = "Оксана Незабутня"


class Served:
    """A console of an engine, in a thread."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        [socket] = bind_sockets(0, "127.0.0.1")
        self.port = socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._loop = asyncio.new_event_loop()
        self._sockets = [socket]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = HTTPServer(application(Questions(self.engine.wiring), ":".join(PASSWORD)))
        server.add_sockets(self._sockets)
        self._loop.run_forever()
        server.stop()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def get(self, path: str, **more) -> httpx.Response:
        return httpx.get(self.url + path, trust_env=False, **{"auth": PASSWORD, **more})

    def post(self, path: str, body: object = None, headers: dict[str, str] = FROM_THE_PAGE) -> httpx.Response:
        return httpx.post(self.url + path, json=body or {}, headers=headers, auth=PASSWORD, trust_env=False)


@pytest.fixture
def served(engine: Engine) -> Iterator[Served]:
    """With three contacts that arrived and two that were refused."""
    engine.contacts(1, 5)
    engine.sql("UPDATE crm.contacts SET name = %s WHERE id = 5", NAME)
    engine.sandbox.faults.add(Refuse(ids=["4", "5"]))
    engine.change(1, 2, 3, 4, 5)
    engine.drain()
    console = Served(engine)
    yield console
    console.close()


@pytest.mark.parametrize("path", ["/", "/console.js", "/api/overview", "/api/dead-letters", "/api/dead-letter/1"])
def test_without_the_password_there_is_nothing(served: Served, path: str) -> None:
    """Neither page nor figures; a wrong one is none."""
    assert served.get(path, auth=None).status_code == 401
    assert served.get(path, auth=("boss", "wrong")).status_code == 401
    assert served.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/metrics", "/readyz"])
def test_machines_need_no_password(served: Served, path: str) -> None:
    """What they read holds ids and counts alone."""
    answer = served.get(path, auth=None)

    assert answer.status_code == 200
    assert "Незабутня" not in answer.text


def test_healthz_has_the_problems(served: Served) -> None:
    """503 while there are any, and the sentences of `health`."""
    answer = served.get("/healthz", auth=None)
    assert answer.status_code == 503
    assert "No worker is running" in answer.text

    for role in ("worker", "beat", "listen"):
        served.engine.sql(
            "INSERT INTO ringostat_sync.parts (name, role, version, mapping, settings) VALUES ('h:1', %s, '1', 'm', 's')",
            role,
        )
    assert served.get("/healthz", auth=None).status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_a_frozen_database_is_told_in_time(served: Served, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """Whoever asks does not wait for ever."""
    released = threading.Event()
    monkeypatch.setattr(handlers, "PATIENCE", 0.2)
    for question in ("problems", "is_ready", "metrics"):
        monkeypatch.setattr(Questions, question, lambda _: released.wait(20))
    answer = served.get(path, auth=None)
    released.set()

    assert answer.status_code == 503
    assert answer.json() == {"error": "PostgreSQL or Redis has not answered for 0.2 s."}


def test_the_overview_has_no_personal_data(served: Served) -> None:
    """Names, numbers and documents are shown for one contact or dead letter that is asked for, and only there."""
    shown = str(served.get("/api/overview").json()) + str(served.get("/api/dead-letters").json())

    assert "Незабутня" not in shown
    assert "0671" not in shown
    story = served.post("/api/contact", {"source": "contacts", "key": "5"}).json()
    assert story["document"]["fullName"] == NAME


@pytest.mark.parametrize(
    "headers",
    [{}, {**FROM_THE_PAGE, "Origin": "https://evil.example.com"}, {"X-Requested-With": "XMLHttpRequest"}],
    ids=["a form", "another site", "another script"],
)
def test_another_site_changes_nothing(served: Served, headers: dict[str, str]) -> None:
    """Its requests carry the browser's password, and are refused all the same."""
    assert served.post(f"/api/project/{PROJECT}/pause", headers=headers).status_code == 403
    assert served.engine.lane().paused is None


def test_projects_are_paused_and_resumed(served: Served) -> None:
    """As by the commands; an unknown project is a sentence."""
    assert served.post(f"/api/project/{PROJECT}/pause").status_code == 200
    assert served.engine.lane().paused is not None
    assert served.post(f"/api/project/{PROJECT}/resume").status_code == 200
    assert served.engine.lane().paused is None
    unknown = served.post("/api/project/7/pause")
    assert (unknown.status_code, "There is no project 7" in unknown.json()["error"]) == (409, True)


def test_dead_letters_are_requeued_and_discarded(served: Served) -> None:
    """By cause, with the ids that the page was given."""
    [cause] = served.get("/api/dead-letters").json()["causes"]
    assert cause["count"] == 2
    first, second = cause["ids"]

    assert served.post("/api/dead-letters/discard", {"ids": [first]}).json() == {"done": 1}
    assert served.post("/api/dead-letters/requeue", {"ids": [second]}).json() == {"done": 1}
    assert served.post("/api/dead-letters/requeue", {"ids": [second]}).status_code == 409
    assert served.get("/api/dead-letters").json() == {"causes": []}


BROKEN_WORDS = """
[...document.querySelectorAll('th, td')].filter((cell) => {
  const range = document.createRange();
  range.selectNodeContents(cell);
  return /^[a-z_]+$/i.test(cell.textContent) && new Set([...range.getClientRects()].map((one) => one.top)).size > 1;
}).map((cell) => cell.textContent)
"""
"""Cells of one word that stands in more lines than one."""


def take_pictures(page: Browser, served: Served) -> None:
    """The page as the documentation shows it: wide in English, narrow in Ukrainian."""
    page.open(served.url, width=1240, height=1000)
    page.wait_for("document.querySelectorAll('.card').length === 2")
    page.screenshot(Path(PICTURES or "") / "console.png")
    page.evaluate("document.getElementById('language').click()")
    page.open(served.url, width=390, height=800)
    page.wait_for("document.querySelectorAll('.card').length === 2")
    page.screenshot(Path(PICTURES or "") / "console-narrow.png")


@pytest.mark.skipif(PROGRAM is None, reason="no Chromium on this machine")
def test_the_page_in_a_browser(served: Served, tmp_path: Path) -> None:
    """Wide and narrow: it shows the lanes, pauses a project after a question, and tells a contact's story in both languages."""
    with browser(tmp_path) as page:
        page.log_in(*PASSWORD)
        page.open(served.url)
        page.wait_for("document.querySelectorAll('.card').length === 2")
        page.evaluate("document.documentElement.lang === 'uk' || document.getElementById('language').click()")
        page.wait_for("document.getElementById('problems').children.length === 3")

        page.evaluate("document.querySelector('.card button').click()")
        page.evaluate("document.querySelector('#ask button[value=yes]').click()")
        page.wait_for("document.querySelectorAll('.card .why.bad').length === 2")
        assert served.engine.lane().paused is not None

        page.evaluate(
            "document.getElementById('source').value = 'contacts'; document.getElementById('key').value = '5'"
        )
        page.evaluate("document.querySelector('#lookUp button').click()")
        page.wait_for("document.querySelector('#contact .verdict') !== null")
        assert NAME in page.evaluate("document.getElementById('contact').textContent")

        page.evaluate("document.getElementById('language').click()")
        page.wait_for("document.querySelector('h2').textContent === 'Problems'")
        page.open(served.url, width=390, height=800)
        page.wait_for("document.querySelectorAll('.card').length === 2")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate(BROKEN_WORDS) == []
        if PICTURES:
            take_pictures(page, served)


def test_words_are_there_in_both_languages() -> None:
    """A key of one is a key of the other."""
    text = (Path(__file__).parents[3] / "worker/operate/console/page/words.js").read_text(encoding="utf-8")
    uk, en = text.split("  en: {")
    of_uk, of_en = (re.findall(r"(\w+): (?:'|\"|\()", words) for words in (uk.split("uk: {")[1], en))

    assert of_uk == of_en
