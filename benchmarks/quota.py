"""Quota: five workers with a backlog; what the receiver sees in any second, and how much of the quota is used."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence

import psycopg

from benchmarks.change import fill_outbox, wait_in_line
from benchmarks.drain import held_back
from benchmarks.ground import Ground
from benchmarks.receiver import Receiver
from benchmarks.table import Figure

RATES = (5, 50)
WORKERS = 5
SECONDS, QUICK_SECONDS = 60, 15
BATCH = 10
PARTS = (*((("worker", "--concurrency", "2"),) * WORKERS), ("beat",), ("listen",))


def run(ground: Ground, *, quick: bool) -> Iterator[Figure]:
    """Each rate for a while."""
    seconds = QUICK_SECONDS if quick else SECONDS
    for rate in RATES:
        most, used = measured(ground, rate, seconds)
        work = f"quota of {rate}/s, {WORKERS} workers, {seconds} s"
        yield Figure(f"{work}: most in any second", f"{most}", f"at most {rate + 1}")
        yield Figure(f"{work}: used with a backlog", f"{used:.1%}", "at least 95 %")


def measured(ground: Ground, rate: int, seconds: int) -> tuple[int, float]:
    """Most requests in any second, and the share of the quota that was used."""
    contacts = rate * seconds * BATCH * 3 // 2
    with ground.database(contacts) as url, Receiver() as receiver:
        with psycopg.connect(url, autocommit=True) as connection:
            wait_in_line(connection, contacts, contacts)
            fill_outbox(connection)
        limits = {"RINGOSTAT_RATE_LIMIT": f"{rate}/s", "RINGOSTAT_BATCH_SIZE": str(BATCH)}
        with held_back(url) as gun, ground.parts(ground.environment(url, receiver.url, **limits), *PARTS):
            gun.commit()
            receiver.wait()
            time.sleep(seconds)
            arrivals = [request.arrived for request in receiver.take()]
    return most_in(arrivals, 1.0), (len(arrivals) - 1) / (arrivals[-1] - arrivals[0]) / rate


def most_in(arrivals: Sequence[float], period: float) -> int:
    """The most arrivals within any period; `arrivals` in order."""
    return max(bisect_left(arrivals, begin + period) - n for n, begin in enumerate(arrivals))
