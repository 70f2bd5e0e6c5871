"""The peers' race: each drains a backlog of its own jobs, then live changes, as the product does."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from unittest.mock import patch

import psycopg

from benchmarks.change import go_live, wait_in_line, wrong
from benchmarks.ground import HERE, Ground
from benchmarks.receiver import Receiver
from benchmarks.table import Figure

QUIET = 3.0
"""Seconds without a request after which a peer has done its work."""
BIN = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class Peer:
    """`module` has `install()`, and `enqueue(keys)` for any number of keys; `command` works. Done on `1 / scale` of the work."""

    name: str
    module: str
    command: Sequence[str]
    scale: int


PEERS = (
    Peer(
        "Celery, a task a row",
        "benchmarks.peers.celery_rows",
        ("celery", "-A", "benchmarks.peers.celery_rows", "worker", "--concurrency", "8", "--loglevel", "WARNING"),
        scale=10,
    ),
    Peer(
        "PgQueuer, batches",
        "benchmarks.peers.pgqueuer_batches",
        ("python", "-m", "benchmarks.peers.pgqueuer_batches"),
        scale=1,
    ),
    Peer(
        "Procrastinate, a job a row with locks",
        "benchmarks.peers.procrastinate_locks",
        ("procrastinate", "--app", "benchmarks.peers.procrastinate_locks.app", "worker", "--concurrency", "8"),
        scale=10,
    ),
)


def race(ground: Ground, changes: int, ours: float) -> Iterator[Figure]:
    """A row a peer; the ratio is the product's changes/s to the peer's."""
    for peer in PEERS:
        rate, requests, wrong_states, older = run(ground, peer, changes // peer.scale)
        scaled = f" ({changes // peer.scale:,} changes)" if peer.scale > 1 else ""
        figure = f"{rate:,.0f} changes/s, {requests:,.0f} requests per 1,000, {wrong_states} wrong, {older} older after newer"
        yield Figure(f"peer: {peer.name}{scaled}", figure, "", f"{ours / rate:.1f} times")


def run(ground: Ground, peer: Peer, changes: int) -> tuple[float, float, int, int]:
    """Changes a second, requests per 1,000 changes, wrong states, older after newer."""
    contacts = changes * 4 // 10
    with (
        ground.database(contacts) as url,
        Receiver() as receiver,
        ExitStack() as stack,
        psycopg.connect(url, autocommit=True) as connection,
    ):
        wait_in_line(connection, contacts, changes)
        keys = [key for (key,) in connection.execute("SELECT key FROM bench.changes ORDER BY id")]
        environment = {**ground.environment(url, receiver.url), "API_URL": receiver.url, "PYTHONPATH": str(HERE.parent)}
        stack.enter_context(patch.dict(os.environ, environment))
        module = import_module(peer.module)
        module.install()
        module.enqueue(keys)
        with ground.programs(environment, [str(BIN / peer.command[0]), *peer.command[1:]]):
            receiver.wait()
            receiver.wait_for_quiet(QUIET)
            backlog = receiver.take()
            go_live(connection, contacts, changes // 10, module.enqueue)
            receiver.wait_for_quiet(QUIET)
            more = receiver.take()
        seconds = max(request.answered for request in backlog) - backlog[0].arrived
        return changes / seconds, 1000 * len(backlog) / changes, *wrong(connection, contacts, [*backlog, *more])
