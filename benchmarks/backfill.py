"""Backfill: every contact of a large CRM through `ringostat-sync backfill` and out, with the memory of all parts watched."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

import psycopg

from benchmarks import measure
from benchmarks.drain import PARTS, run_floor
from benchmarks.ground import Ground, wait_until_drained
from benchmarks.receiver import Options, Receiver, Request
from benchmarks.table import Figure

CONTACTS, QUICK = 1_000_000, 100_000
FLOOR = 40_000
"""Contacts that are enough for the floor's rate."""


def run(ground: Ground, *, quick: bool) -> Iterator[Figure]:
    """Contacts a second beside the floor's, and the memory of the first and the last quarter of the time."""
    contacts = QUICK if quick else CONTACTS
    floor = run_floor(ground, FLOOR, FLOOR)
    requests, samples = backfill(ground, contacts)
    came = sum(request.contacts for request in requests)
    rate = came / (max(request.answered for request in requests) - requests[0].arrived)
    yield Figure("floor: contacts, each once", f"{floor:,.0f} contacts/s")
    yield Figure(f"backfill of {contacts:,}", f"{rate:,.0f} contacts/s", "half of the floor", f"{rate / floor:.2f}")
    yield Figure("backfill: contacts that came", f"{came:,} in {len(requests):,} requests", f"{contacts:,}")
    yield from memory("workers, beat, listener", [sum(each.pss for each in moment[: len(PARTS)]) for moment in samples])
    yield from memory("all, with PostgreSQL and Redis", [sum(each.pss for each in moment) for moment in samples])


def memory(whose: str, samples: list[float]) -> Iterator[Figure]:
    """`samples`: megabytes, in order."""
    quarter = max(1, len(samples) // 4)
    first, last = median(samples[:quarter]), median(samples[-quarter:])
    figure = f"{first:,.0f} MB in the first quarter, {last:,.0f} MB in the last, {max(samples):,.0f} MB at most"
    yield Figure(f"backfill: memory of {whose}", figure, "flat", f"{last / first:.2f}")


def backfill(ground: Ground, contacts: int) -> tuple[list[Request], list[list[measure.Memory]]]:
    """The requests, and the memory (of each part, of PostgreSQL, of Redis) every two seconds."""
    with (
        ground.database(contacts) as url,
        Receiver(Options(keep=False)) as receiver,
        psycopg.connect(url, autocommit=True) as connection,
    ):
        environment = ground.environment(url, receiver.url)
        with ground.parts(environment, *PARTS) as parts:
            pids = [*(part.pid for part in parts), ground.postgres_pid, ground.valkey_pid]
            with measure.Sampler(pids) as sampler:
                ground.run(environment, "backfill", "contacts")
                wait_until_drained(connection)
        return receiver.take(), sampler.samples
