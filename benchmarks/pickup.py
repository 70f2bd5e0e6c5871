"""Pick-up: a round of collection and the taking of its batches, with more and more around that does not concern it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import psycopg

from benchmarks.contacts import PROJECT
from benchmarks.ground import MAPPING, Ground, many_projects, script
from benchmarks.table import Figure
from worker.assembly import Assembly
from worker.config.settings import load_settings
from worker.database.rows import numbers
from worker.database.sql import sql

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
PASSED = 100_000
PROJECTS = 1_000
ROUNDS = 30
AGAIN = script("again")
TARGET = "within 1.5 times of the smallest"


class Picker:
    """Rounds of the real collector in this process, without workers; a batch costs `once()` seconds."""

    def __init__(self, wiring: Assembly, url: str) -> None:
        self.url = url
        self._wiring = wiring
        self._connection = psycopg.connect(url, autocommit=True)

    def once(self, project: int = PROJECT) -> float:
        """Seconds a batch: the collector's round, then what a push does to take each batch and see its contacts."""
        begin = time.perf_counter()
        groups = [group for message in self._wiring.collector.round(project).messages for group in message]
        for group in groups:
            batches = {"batches": numbers(group)}
            with self._wiring.engine.begin() as connection:
                connection.execute(sql("worker.push", "take"), {**batches, "lease": 120.0}).all()
            with self._wiring.engine.connect() as connection:
                connection.execute(sql("worker.push", "contacts"), batches).all()
        return (time.perf_counter() - begin) / sum(len(group) for group in groups)

    def settle(self) -> int:
        """Let what was taken be done, outside of the clock, and change again at once, so that the backlog stays; how many that were."""
        with self._connection.transaction():
            again = self._connection.execute(AGAIN).rowcount
            self._connection.execute("DELETE FROM ringostat_sync.batches")
        return again

    def typical(self, projects: Sequence[int] = (PROJECT,)) -> float:
        """The median of so many rounds, after as many that warm: buckets, plans and pages are there."""
        times = []
        for turn in range(2 * ROUNDS):
            times.append(self.once(projects[turn % ROUNDS % len(projects)]))
            self.settle()
        return median(times[ROUNDS:])

    def execute(self, name: str, **numbers: int) -> None:
        """A file of statements, one transaction each, then what autovacuum would have done."""
        for statement in script(name, **numbers).split(";"):
            if statement.strip():
                self._connection.execute(statement)
        self._connection.execute("VACUUM ANALYZE ringostat_sync.pending")

    def close(self) -> None:
        self._connection.close()
        self._wiring.engine.dispose()


def run(ground: Ground, *, quick: bool) -> Iterator[Figure]:
    """Backlogs, then history, then an old snapshot, each after the other in one database; projects in another."""
    sizes = SIZES[:-1] if quick else SIZES
    with picker(ground, MAPPING) as some:
        smallest, done = 0.0, 0
        for size in sizes:
            some.execute("pickup", first=done + 1, last=size)
            done = size
            seconds = some.typical()
            smallest = smallest or seconds
            yield row(f"{size:,} pending", seconds, smallest)
        some.execute("processed", contacts=sizes[-1])
        some.execute("pickup", first=1, last=sizes[0])
        yield row(f"{sizes[0]:,} pending after {sizes[-1]:,} processed", some.typical(), smallest)
        some.execute("pickup", first=sizes[0] + 1, last=sizes[0] + 2 * PASSED)
        with old_snapshot(some):
            yield row(f"old snapshot held while {PASSED:,} pass", some.typical(), smallest)
    with picker(ground, many_projects(ground.home, PROJECTS)) as many:
        many.execute("projects", projects=PROJECTS, contacts=SIZES[2])
        yield row(
            f"{PROJECTS:,} projects of {SIZES[2] // PROJECTS:,} contacts each",
            many.typical(range(1, PROJECTS + 1, PROJECTS // ROUNDS)),
            smallest,
        )


def row(work: str, seconds: float, smallest: float) -> Figure:
    return Figure(f"pick-up of a batch, {work}", f"{seconds * 1000:.2f} ms", TARGET, f"{seconds / smallest:.2f}")


@contextmanager
def picker(ground: Ground, mapping: Path) -> Iterator[Picker]:
    """On a database of its own."""
    with ground.database(1_000) as url:
        wiring = Assembly.of(load_settings(ground.environment(url, SYNC_CONFIG=str(mapping))), need_keys=False)
        some = Picker(wiring, url)
        try:
            yield some
        finally:
            some.close()


@contextmanager
def old_snapshot(some: Picker) -> Iterator[None]:
    """A report that somebody left open before so many contacts passed through the queue."""
    with psycopg.connect(some.url) as report:
        report.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        report.execute("SELECT count(*) FROM ringostat_sync.batches")
        passed = 0
        while passed < PASSED:
            some.once()
            passed += some.settle()
        yield
