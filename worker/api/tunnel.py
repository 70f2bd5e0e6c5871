"""Asking a proxy for a way to a host: CONNECT (RFC 9110, 9.3.6)."""

from __future__ import annotations

from base64 import b64encode

import h11

from worker.api.exchange import NoAnswerError
from worker.api.streams import Stream
from worker.config.network import Proxy

LONGEST_ANSWER = 65_536
"""Bytes of a proxy's headers."""


def tunnel(stream: Stream, proxy: Proxy, host: str, port: int) -> None:
    """Let what is written to the proxy on `stream` go on to the host. Raises NoAnswerError; a refusal's kind is its status."""
    status = _ask(stream, proxy, f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    if not 200 <= status < 300:
        raise NoAnswerError(str(status))


def _ask(stream: Stream, proxy: Proxy, target: str) -> int:
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=LONGEST_ANSWER)
    headers = [("Host", target), ("User-Agent", "ringostat-sync")]
    if proxy.login is not None:
        headers.append(("Proxy-Authorization", f"Basic {b64encode(proxy.login).decode()}"))
    stream.put(connection.send(h11.Request(method="CONNECT", target=target, headers=headers)) or b"")
    connection.send(h11.EndOfMessage())
    while True:
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError as error:
            raise NoAnswerError("bad_answer") from error
        if isinstance(event, h11.Response):
            return event.status_code
        if event is h11.NEED_DATA:
            data = stream.take(LONGEST_ANSWER)
            if not data:
                raise NoAnswerError("connection_lost")
            connection.receive_data(data)
