"""Rounds: ten thousand projects at their quotas, with the collector's real SQL and the real buckets; nobody pushes.

Each project has a backlog. For a while collectors go round as the listener wakes them; whatever they cut counts as sent. What is
measured: the cost of a round and of a look, and how evenly the projects come to their turns.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from statistics import median, quantiles

import psycopg

from benchmarks.ground import Ground, many_projects, script
from benchmarks.table import Figure
from worker.assembly import Assembly
from worker.config.settings import load_settings
from worker.listen.look import look

PROJECTS, QUICK_PROJECTS = 10_000, 500
CONTACTS = 100
"""Waiting in each project: a backlog for longer than we look."""
BATCH = 5
RATE = "1/m"
SECONDS, QUICK_SECONDS = 60.0, 10.0


def run(ground: Ground, *, quick: bool) -> Iterator[Figure]:
    """One collector for all projects, as one worker process would go round."""
    projects, seconds = (QUICK_PROJECTS, QUICK_SECONDS) if quick else (PROJECTS, SECONDS)
    with ground.database(1_000) as url:
        limits = f'rate_limit = "{RATE}"\nbatch_size = {BATCH}'
        environment = ground.environment(url, SYNC_CONFIG=str(many_projects(ground.home, projects, limits)))
        wiring = Assembly.of(load_settings(environment), need_keys=False, lasting=False)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(script("projects", projects=projects, contacts=projects * CONTACTS))
            connection.execute("VACUUM ANALYZE ringostat_sync.pending")
        turns, rounds, looks, spent = go_round(wiring, seconds)
        wiring.engine.dispose()
    work = f"{projects:,} projects, a collector for {spent:.0f} s"
    yield Figure(f"{work}: a look", f"{median(looks) * 1000:.1f} ms (median of {len(looks)})")
    cuts = quantiles(rounds, n=100)
    yield Figure(
        f"{work}: a round",
        f"{cuts[49] * 1000:.2f} ms, p99 {cuts[98] * 1000:.2f} ms; {len(rounds) / spent:,.0f} a second",
    )
    yield Figure(
        f"{work}: turns", f"{min(turns.values())} to {max(turns.values())} a project, {len(turns):,} projects served"
    )


def go_round(wiring: Assembly, seconds: float) -> tuple[Counter[int], list[float], list[float], float]:
    """Batches by project, seconds of each round and each look, and how long it took in all: at least one turn for everybody."""
    turns: Counter[int] = Counter()
    rounds, looks = [], []
    begin = time.perf_counter()
    while time.perf_counter() - begin < seconds:
        before = time.perf_counter()
        with wiring.engine.connect() as connection:
            due = look(connection, wiring.mapping)
        looks.append(time.perf_counter() - before)
        for project in sorted(due):
            before = time.perf_counter()
            found = wiring.collector.round(project)
            rounds.append(time.perf_counter() - before)
            turns[project] += sum(len(group) for message in found.messages for group in message)
    return turns, rounds, looks, time.perf_counter() - begin
