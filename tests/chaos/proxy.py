"""A TCP proxy before Redis. It can swallow bytes: connections stay open, and nothing comes through. It can answer with errors."""

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
        self._error: tuple[bytes, frozenset[bytes]] | None = None
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

    def answer(self, error: str, *commands: str) -> None:
        """Answer these commands (by default all) with an error, as Redis writes it: `OOM command not allowed …`."""
        self._error = error.encode(), frozenset(command.encode() for command in commands)

    def heal(self) -> None:
        """Let everything through. Connections that were cut stay silent for ever."""
        self._swallowing, self._error = False, None

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        cut = asyncio.Event()
        try:
            answers, questions = await asyncio.open_connection("127.0.0.1", self._target())
        except OSError:
            writer.close()
            return
        self._writers |= {writer, questions}
        await asyncio.gather(self._ask(reader, questions, writer, cut), self._pipe(answers, writer, cut))
        self._writers -= {writer, questions}

    async def _ask(
        self,
        reader: asyncio.StreamReader,
        questions: asyncio.StreamWriter,
        writer: asyncio.StreamWriter,
        cut: asyncio.Event,
    ) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                name, command = await _read_command(reader)
                if self._error and (not self._error[1] or name in self._error[1]):
                    writer.write(b"-" + self._error[0] + b"\r\n")
                else:
                    await self._write(questions, command, cut)
        if not cut.is_set():
            questions.close()

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cut: asyncio.Event) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                await self._write(writer, data, cut)
        if not cut.is_set():
            writer.close()

    async def _write(self, writer: asyncio.StreamWriter, data: bytes, cut: asyncio.Event) -> None:
        if self._swallowing:
            cut.set()
        if not cut.is_set():
            writer.write(data)
            await writer.drain()

    async def _end(self) -> None:
        self._server.close()
        for writer in self._writers:
            writer.close()
        if left := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(left, timeout=1)


async def _read_command(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """A command's name in capitals, and all of its bytes: clients send arrays of strings."""
    read = await reader.readuntil(b"\r\n")
    words: list[bytes] = []
    for _ in range(int(read[1:])):
        head = await reader.readuntil(b"\r\n")
        words.append(await reader.readexactly(int(head[1:]) + 2))
        read += head + words[-1]
    return words[0][:-2].upper(), read
