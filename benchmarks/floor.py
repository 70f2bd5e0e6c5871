"""The floor: the same documents to the same receiver by one tight program that remembers nothing.

    python -m benchmarks.floor DATABASE_URL API_URL

It sends the contacts of `bench.changes` and prints one JSON object: changes, contacts, requests, and the seconds from
the first request to the last answer.
"""

from __future__ import annotations

import json
import queue
import socket
import sys
import threading
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

import msgspec
import psycopg

from benchmarks.contacts import PATH, document, read

IN_FLIGHT = 8
READERS = 2
BATCH = 100
HEAD = (
    f"POST {PATH} HTTP/1.1\r\nHost: api\r\nContent-Type: application/json\r\n"
    "auth-key: bench\r\nx-project-id: 106\r\nContent-Length: %d\r\n\r\n"
)

Bodies = queue.Queue[bytes | None]
Batches = queue.Queue[list[str] | None]


def main(database_url: str, api_url: str) -> None:
    """Dedupe, read, encode, post; two threads read ahead of the eight that send."""
    with psycopg.connect(database_url) as connection:
        changes = [key for (key,) in connection.execute("SELECT key FROM bench.changes ORDER BY id")]
    keys = list(dict.fromkeys(changes))
    batches: Batches = queue.Queue()
    for start in range(0, len(keys), BATCH):
        batches.put(keys[start : start + BATCH])
    bodies: Bodies = queue.Queue(maxsize=2 * IN_FLIGHT)
    readers = [threading.Thread(target=prepare, args=(database_url, batches, bodies)) for _ in range(READERS)]
    times: list[tuple[float, float]] = []
    senders = [threading.Thread(target=send, args=(api_url, bodies, times)) for _ in range(IN_FLIGHT)]
    for _ in readers:
        batches.put(None)
    start_all(readers)
    start_all(senders)
    join_all(readers)
    for _ in senders:
        bodies.put(None)
    join_all(senders)
    seconds = max(end for _, end in times) - min(begin for begin, _ in times)
    figures = {"changes": len(changes), "contacts": len(keys), "requests": len(times), "seconds": seconds}
    sys.stdout.write(json.dumps(figures) + "\n")


def prepare(database_url: str, batches: Batches, bodies: Bodies) -> None:
    """Batches become bodies."""
    encode = msgspec.json.Encoder().encode
    with psycopg.connect(database_url, autocommit=True) as connection:
        while keys := batches.get():
            bodies.put(encode({"contacts": [document(row) for row in read(connection, keys)]}))


def send(api_url: str, bodies: Bodies, times: list[tuple[float, float]]) -> None:
    """Bodies go over one kept-alive connection; `times` gets when each went and was answered."""
    place = urlsplit(api_url)
    with socket.create_connection((str(place.hostname), int(place.port or 80))) as connection:
        while body := bodies.get():
            begin = time.monotonic()
            connection.sendall((HEAD % len(body)).encode() + body)
            answer = connection.recv(4096)
            if not answer.startswith(b"HTTP/1.1 200"):
                raise RuntimeError("The floor knows no faults: the receiver must answer 200.")
            times.append((begin, time.monotonic()))


def start_all(threads: Sequence[threading.Thread]) -> None:
    for thread in threads:
        thread.start()


def join_all(threads: Sequence[threading.Thread]) -> None:
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(*sys.argv[1:3])
