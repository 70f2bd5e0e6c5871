"""Drain: changes wait in the outbox before the workers start; the clock runs from the first request to the last answer."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import accumulate

import psycopg

from benchmarks import measure
from benchmarks.change import fill_outbox, go_live, wait_in_line, wrong
from benchmarks.ground import Ground, Program, wait_until_drained
from benchmarks.peers.race import race
from benchmarks.receiver import Options, Receiver, Request
from benchmarks.table import Figure
from worker.collect.collector import UNDER_WAY

CHANGES, CONTACTS = 100_000, 40_000
PROCESSES = 4
FAULTS = 0.05
PARTS = (("worker", "--concurrency", str(PROCESSES)), ("beat",), ("listen",))

Watch = Callable[[list[Program]], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Drained:
    """What a drain came to. `cpu`: seconds of parts and PostgreSQL; `taking_in`: seconds from the start to the first request;
    `at_once`: the most requests that were at the receiver at a time.
    """

    changes: int
    requests: int
    seconds: float
    taking_in: float
    cpu: float
    wrong: int
    older: int
    at_once: int

    @property
    def rate(self) -> float:
        return self.changes / self.seconds

    @property
    def requests_per_1000(self) -> float:
        return 1000 * self.requests / self.changes

    @property
    def cpu_per_1000(self) -> float:
        return 1000 * self.cpu / self.changes


def run(ground: Ground, *, quick: bool) -> Iterator[Figure]:
    """The floor, the product, the product among faults, the peers."""
    scale = 10 if quick else 1
    changes, contacts = CHANGES // scale, CONTACTS // scale
    floor = run_floor(ground, contacts, changes)
    yield Figure("floor: no durability at all", f"{floor:,.0f} changes/s")
    calm = drain(ground, contacts, changes, faults=0.0)
    form = f"{PROCESSES} processes, at most {UNDER_WAY} batches under way"
    yield Figure(f"drain, {form}", f"{calm.rate:,.0f} changes/s", "half of the floor", f"{calm.rate / floor:.2f}")
    yield from details("drain", calm)
    faulty = drain(ground, contacts, changes, faults=FAULTS)
    share = f"drain, {FAULTS:.0%} of 429 and 500"
    yield Figure(share, f"{faulty.rate:,.0f} changes/s", "", f"{faulty.rate / floor:.2f}")
    yield from details(share, faulty)
    yield from race(ground, changes, calm.rate)


def details(work: str, drained: Drained) -> Iterator[Figure]:
    yield Figure(f"{work}: requests", f"{drained.requests_per_1000:.2f} per 1,000 changes", "at most 4.5")
    yield Figure(f"{work}: requests at the receiver at once", f"at most {drained.at_once}", "8, as the floor has")
    yield Figure(f"{work}: CPU", f"{drained.cpu_per_1000:.4f} s per 1,000 changes", "at most 0.04")
    yield Figure(f"{work}: states", f"{drained.wrong} wrong, {drained.older} older after newer", "0, 0")
    yield Figure(f"{work}: before the first request", f"{drained.taking_in:.2f} s")


def run_floor(ground: Ground, contacts: int, changes: int) -> float:
    """Changes a second."""
    with ground.database(contacts) as url, Receiver(Options(keep=False)) as receiver:
        with psycopg.connect(url, autocommit=True) as connection:
            wait_in_line(connection, contacts, changes)
        command = [sys.executable, "-m", "benchmarks.floor", url, receiver.url]
        figures = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        return float(figures["changes"] / figures["seconds"])


def drain(
    ground: Ground, contacts: int, changes: int, *, faults: float, beside: Watch = lambda _: nullcontext()
) -> Drained:
    """Drain a full outbox, `beside` whatever watches; then change hot contacts, and see that every state has come."""
    with (
        ground.database(contacts) as url,
        Receiver(Options(faults=faults)) as receiver,
        psycopg.connect(url, autocommit=True) as connection,
    ):
        wait_in_line(connection, contacts, changes)
        fill_outbox(connection)
        with held_back(url) as gun, ground.parts(ground.environment(url, receiver.url), *PARTS) as parts:
            pids = [*(part.pid for part in parts), ground.postgres_pid]
            before = measure.cpu_seconds(pids)
            with beside(parts):
                started = time.monotonic()
                gun.commit()
                receiver.wait()
                wait_until_drained(connection)
            cpu = measure.cpu_seconds(pids) - before
            backlog = receiver.take()
            go_live(connection, contacts, changes // 10)
            wait_until_drained(connection)
            more = receiver.take()
        return summed_up(changes, backlog, started, cpu, wrong(connection, contacts, [*backlog, *more]))


@contextmanager
def held_back(url: str) -> Iterator[psycopg.Connection]:
    """A transaction before whose end nobody can look into the outbox, so that the parts start on a full one together."""
    with psycopg.connect(url) as connection:
        connection.execute("LOCK TABLE ringostat_sync.outbox IN ACCESS EXCLUSIVE MODE")
        yield connection


def summed_up(changes: int, requests: list[Request], started: float, cpu: float, states: tuple[int, int]) -> Drained:
    first, last = requests[0].arrived, max(request.answered for request in requests)
    return Drained(changes, len(requests), last - first, first - started, cpu, *states, most_at_once(requests))


def most_at_once(requests: list[Request]) -> int:
    """The most requests that had arrived and were not answered."""
    moments = sorted([(each.arrived, 1) for each in requests] + [(each.answered, -1) for each in requests])
    return max(accumulate(change for _, change in moments))
