"""A TCP proxy that can swallow bytes: connections stay open, and nothing comes through any more."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress


class Proxy:
    """Forwards 127.0.0.1:`port` to `target`, in a thread of its own."""

    def __init__(self, target: Callable[[], int]) -> None:
        """`target` names the port behind it, asked anew for each connection."""
        self.port = 0
        self._target = target
        self._swallowing = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._writers: set[asyncio.StreamWriter] = set()

    def start(self) -> None:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._connected, "127.0.0.1", 0), self._loop
        ).result()
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Close everything, and end the thread."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def swallow(self) -> None:
        """Let nothing through any more, on old connections nor new ones; nobody is told."""
        self._swallowing = True

    def heal(self) -> None:
        """Let new connections through. Those that were cut stay silent for ever."""
        self._swallowing = False

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        cut = asyncio.Event()
        try:
            answers, questions = await asyncio.open_connection("127.0.0.1", self._target())
        except OSError:
            writer.close()
            return
        self._writers |= {writer, questions}
        await asyncio.gather(self._pipe(reader, questions, cut), self._pipe(answers, writer, cut))
        self._writers -= {writer, questions}

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cut: asyncio.Event) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if self._swallowing:
                    cut.set()
                if not cut.is_set():
                    writer.write(data)
                    await writer.drain()
        if not cut.is_set():
            writer.close()

    async def _end(self) -> None:
        self._server.close()
        for writer in self._writers:
            writer.close()
        await asyncio.sleep(0)
