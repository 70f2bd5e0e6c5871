"""How a fault delivers an answer, or does not: what is done to the socket itself."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable

from tornado.iostream import IOStream

from worker.local.sandbox.answers import Answer

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


async def until_gone(stream: IOStream, stopping: asyncio.Event) -> None:
    """Answers nothing until the other side has closed the connection, or the sandbox closes."""
    gone = asyncio.Event()
    stream.set_close_callback(gone.set)
    if stream.closed():
        return
    waits = [asyncio.ensure_future(event.wait()) for event in (gone, stopping)]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    stream.close()


def reset(stream: IOStream) -> None:
    """Closes the connection with a TCP reset."""
    if not stream.closed():
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        stream.close()


async def break_off(stream: IOStream, answer: Answer) -> None:
    """Sends the head and half of the body, then closes."""
    raw = answer.raw()
    await stream.write(raw[: len(raw) - (len(answer.body) + 1) // 2])
    stream.close()


async def drip(stream: IOStream, answer: Answer, pause: Callable[[], Awaitable[bool]]) -> bool:
    """Sends the head at once and the body byte by byte.

    `pause` waits before each and returns True if the sandbox closes. Returns whether all of it went out.
    """
    raw = answer.raw()
    head = len(raw) - len(answer.body)
    await stream.write(raw[:head])
    for at in range(head, len(raw)):
        if await pause():
            stream.close()
            return False
        await stream.write(raw[at : at + 1])
    stream.close()
    return True
