"""A real browser, driven over its own protocol: Chromium, if this machine has it."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tornado.httpclient import AsyncHTTPClient
from tornado.websocket import WebSocketClientConnection, websocket_connect

from tests.support.waiting import wait_until

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
]


class Browser:
    """One tab. `evaluate` runs JavaScript in it, and waits for a promise."""

    def __init__(self, loop: asyncio.AbstractEventLoop, tab: WebSocketClientConnection) -> None:
        self._loop, self._tab, self._last = loop, tab, 0

    def log_in(self, user: str, password: str) -> None:
        """Give every request this user's password, as a browser does once a person has typed it."""
        credentials = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._call("Network.enable")
        self._call("Network.setExtraHTTPHeaders", headers={"Authorization": f"Basic {credentials}"})

    def evaluate(self, script: str) -> Any:
        """The value of an expression."""
        asked = {"expression": script, "awaitPromise": True, "returnByValue": True}
        found = self._call("Runtime.evaluate", **asked)
        if "exceptionDetails" in found:
            raise AssertionError(found["exceptionDetails"]["exception"].get("description"))
        return found["result"].get("value")

    def open(self, url: str, width: int = 1280, height: int = 900) -> None:
        """Show a page in a window of this size."""
        self._call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        self._call("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete'")

    def wait_for(self, script: str) -> None:
        """Wait until an expression is true."""
        wait_until(lambda: self.evaluate(script), timeout=20, what=script)

    def screenshot(self, path: Path) -> None:
        """The page as a picture."""
        path.write_bytes(base64.b64decode(self._call("Page.captureScreenshot", format="png")["data"]))

    def _call(self, method: str, **values: Any) -> dict[str, Any]:
        return self._loop.run_until_complete(self._ask(method, values))

    async def _ask(self, method: str, values: dict[str, Any]) -> dict[str, Any]:
        self._last += 1
        await self._tab.write_message(json.dumps({"id": self._last, "method": method, "params": values}))
        while True:
            told = await self._tab.read_message()
            assert told is not None, "the browser has ended"
            answer = json.loads(told)
            if answer.get("id") == self._last:
                assert "error" not in answer, answer
                return answer["result"]


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser with an empty profile in `folder`."""
    assert PROGRAM is not None
    errors = folder / "browser.log"
    with errors.open("w") as log:
        process = subprocess.Popen(
            [PROGRAM, *QUIET, f"--user-data-dir={folder / 'profile'}", "about:blank"], stderr=log
        )
    loop = asyncio.new_event_loop()
    try:
        listening = wait_until(
            lambda: re.search(r"ws://(127\.0\.0\.1:\d+)/", errors.read_text()), timeout=30, what="the browser to start"
        )
        tab = loop.run_until_complete(_tab(listening[1]))
        yield Browser(loop, tab)
        tab.close()
    finally:
        process.terminate()
        process.wait(20)
        loop.close()


async def _tab(address: str) -> WebSocketClientConnection:
    tabs = json.loads((await AsyncHTTPClient().fetch(f"http://{address}/json/list")).body)
    page = next(tab for tab in tabs if tab["type"] == "page")
    return await websocket_connect(page["webSocketDebuggerUrl"], max_message_size=50_000_000)
