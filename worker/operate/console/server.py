"""The console as a server, in the foreground."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable
from contextlib import suppress

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from worker.errors import ConfigError
from worker.operate.console import handlers
from worker.operate.console.questions import Questions

TICK = 5.0
"""Seconds between two signs that the server still turns."""


def application(questions: Questions, credentials: str) -> Application:
    """The routes. `credentials`: `user:password`."""
    given = {"questions": questions, "credentials": credentials}
    routes = [
        (r"/metrics", handlers.Metrics, given),
        (r"/healthz", handlers.Healthz, given),
        (r"/readyz", handlers.Readyz, given),
        (r"/api/overview", handlers.Overview, given),
        (r"/api/contact", handlers.Contact, given),
        (r"/api/dead-letters(?:/(requeue|discard|list))?", handlers.DeadLetters, given),
        (r"/api/dead-letter/(\d{1,18})", handlers.DeadLetter, given),
        (r"/api/project/(\d{1,18})/(pause|resume)", handlers.Project, given),
        (r"/(index\.html|console\.css|console\.js|words\.js)?", handlers.Page, given),
    ]
    return Application(routes, log_function=lambda _handler: None)


def serve(questions: Questions, credentials: str, address: str, port: int, progress: Callable[[], None]) -> None:
    """Serve until SIGTERM or Ctrl-C; `progress` is called every few seconds. Raises ConfigError if the port is taken."""
    try:
        sockets = bind_sockets(port, address)
    except OSError as error:
        why = error.strerror or str(error)
        raise ConfigError(
            f"CONSOLE_PORT: port {port} of {address} can't be used ({why}); choose a free one."
        ) from error
    asyncio.run(_until_told(HTTPServer(application(questions, credentials)), sockets, progress))


async def _until_told(server: HTTPServer, sockets: list[socket.socket], progress: Callable[[], None]) -> None:
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    server.add_sockets(sockets)
    while not told.is_set():
        progress()
        with suppress(TimeoutError):
            await asyncio.wait_for(told.wait(), TICK)
    server.stop()
    await server.close_all_connections()
