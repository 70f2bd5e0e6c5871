"""Latency: from the commit of a change in the CRM to the arrival of a request that holds it."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random

import psycopg

from benchmarks.change import RAISE
from benchmarks.drain import PARTS
from benchmarks.ground import Ground, value, wait_until_drained
from benchmarks.receiver import Receiver, states
from benchmarks.table import Figure

PER_SECOND = 100
SECONDS, QUICK_SECONDS = 60, 10
CONTACTS, QUICK_CONTACTS = 100_000, 20_000
BACKFILLED = "SELECT count(*) FROM ringostat_sync.pending WHERE priority = 2"
WARM = 2.0
"""Seconds of changes before those that count."""


@dataclass(frozen=True, slots=True)
class Commit:
    """When a change of a contact was committed (monotonic seconds), and the version that it made."""

    key: str
    version: int
    at: float


def run(ground: Ground, *, quick: bool) -> Iterator[Figure]:
    """Alone, while a backfill goes on, and while a reconciliation does."""
    seconds = QUICK_SECONDS if quick else SECONDS
    contacts = QUICK_CONTACTS if quick else CONTACTS
    alone = measured(ground, contacts, lambda *_: time.sleep(seconds))
    yield Figure(
        f"latency, {PER_SECOND} changes/s for {seconds} s", told(alone), "p50 at most 25 ms, p99 at most 75 ms"
    )
    beside = measured(ground, contacts, backfill)
    yield Figure(f"latency, while a backfill of {contacts:,} goes on", told(beside), "p99 at most 250 ms")
    beside = measured(ground, contacts, compared)
    yield Figure(f"latency, while {contacts:,} are compared", told(beside), "p99 at most 250 ms")


def told(latencies: list[float]) -> str:
    """Percentiles in milliseconds."""
    ordered = sorted(latencies)
    p50, p99 = (ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 for share in (0.5, 0.99))
    return f"p50 {p50:.0f} ms, p99 {p99:.0f} ms, worst {ordered[-1] * 1000:.0f} ms of {len(ordered):,}"


def measured(ground: Ground, contacts: int, meanwhile: Callable[[dict[str, str], Ground, str], None]) -> list[float]:
    """Seconds of every change that was committed during `meanwhile`."""
    with ground.database(contacts) as url, Receiver() as receiver:
        environment = ground.environment(url, receiver.url)
        ground.run(environment, "capture", "install")
        with ground.parts(environment, *PARTS):
            with changing(url, contacts) as commits:
                time.sleep(WARM)
                begin = time.monotonic()
                meanwhile(environment, ground, url)
                end = time.monotonic()
            with psycopg.connect(url, autocommit=True) as connection:
                wait_until_drained(connection)
            arrivals = states(receiver.take())
    return [latency(commit, arrivals[commit.key]) for commit in commits if begin <= commit.at <= end]


def latency(commit: Commit, arrivals: list[tuple[float, int]]) -> float:
    """Until the first request with this state or a newer one; below zero never, as a state arrives after its commit began."""
    versions = [version for _, version in arrivals]
    return max(0.0, arrivals[bisect_left(versions, commit.version)][0] - commit.at)


def backfill(environment: dict[str, str], ground: Ground, url: str) -> None:
    """Put everybody into the queue, and return when all of them are on their way. Raises RuntimeError."""
    ground.run(environment, "backfill", "contacts")
    with psycopg.connect(url, autocommit=True) as connection:
        while value(connection, BACKFILLED):
            time.sleep(0.1)


def compared(environment: dict[str, str], ground: Ground, _: str) -> None:
    """A reconciliation that reads, builds and looks up everybody."""
    ground.run(environment, "reconcile", "contacts", "--dry-run")


@contextmanager
def changing(url: str, contacts: int) -> Iterator[list[Commit]]:
    """Evenly spaced changes of random contacts, each in a transaction of its own, until the end; the list grows."""
    commits: list[Commit] = []
    stop = threading.Event()
    thread = threading.Thread(target=_change, args=(url, contacts, commits, stop), daemon=True)
    thread.start()
    try:
        yield commits
    finally:
        stop.set()
        thread.join()


def _change(url: str, contacts: int, commits: list[Commit], stop: threading.Event) -> None:
    dice = Random(3)
    versions: dict[str, int] = {}
    with psycopg.connect(url, autocommit=True) as connection:
        due = time.monotonic()
        while not stop.wait(max(0.0, due - time.monotonic())):
            key = str(dice.randint(1, contacts))
            connection.execute(RAISE, [[key]])
            versions[key] = versions.get(key, 1) + 1
            commits.append(Commit(key, versions[key], time.monotonic()))
            due += 1 / PER_SECOND
