"""Idle: what the whole job costs while there is nothing to do."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import psycopg

from benchmarks import measure
from benchmarks.ground import Ground, value
from benchmarks.table import Figure
from worker.local.up.embedded.ports import next_free

CONTACTS = 1_000
SECONDS, QUICK_SECONDS = 30, 15
WARM = 15.0
"""Seconds in which each part does for the first time what it does every few seconds: loads, connects, prepares."""
FORMS = {
    "each part alone": (("worker",), ("beat",), ("listen",), ("flower",)),
    "all under `up`": (("up",),),
}
LOGGED = (b" statement: ", b" execute ")
"""What PostgreSQL's log says of each statement, sent plainly or prepared."""


def run(ground: Ground, *, quick: bool) -> Iterator[Figure]:
    """CPU, statements, memory: of the worker, beat, the listener, Flower, PostgreSQL and Redis, in both ways to start them."""
    for form, commands in FORMS.items():
        yield from idle(ground, f"idle, {form}", commands, QUICK_SECONDS if quick else SECONDS)


def idle(ground: Ground, work: str, commands: Sequence[Sequence[str]], seconds: int) -> Iterator[Figure]:
    """So many seconds of nothing."""
    with ground.database(CONTACTS) as url:
        extra = {"FLOWER_BASIC_AUTH": "bench:bench", "FLOWER_PORT": str(next_free(15555))}
        with ground.parts(ground.environment(url, **extra), *commands) as parts:
            pids = {command[0]: part.pid for command, part in zip(commands, parts, strict=True)}
            pids |= {"PostgreSQL": ground.postgres_pid, "Redis": ground.valkey_pid}
            time.sleep(WARM)
            log_statements(url, "all")
            before = {name: measure.cpu_seconds([pid]) for name, pid in pids.items()}
            transactions, logged = commits(url), statements(ground)
            time.sleep(seconds)
            used = {name: (measure.cpu_seconds([pid]) - before[name]) / seconds for name, pid in pids.items()}
            logged, transactions = statements(ground) - logged, commits(url) - transactions
            log_statements(url, "none")
            held = {name: measure.memory([pid]) for name, pid in pids.items()}
    yield Figure(f"{work}: CPU", f"{sum(used.values()):.1%} of a core ({apart(used)})", "under 2 %")
    rates = f"{logged / seconds:.1f}/s, {transactions / seconds:.1f} transactions/s"
    yield Figure(f"{work}: statements", rates, "under 10/s")
    pss, rss = (sum(getattr(each, kind) for each in held.values()) for kind in ("pss", "rss"))
    each = ", ".join(f"{name} {memory.pss:.0f}" for name, memory in held.items())
    yield Figure(f"{work}: memory", f"{pss:.0f} MB PSS ({each}); {rss:.0f} MB RSS", "under 350 MB")


def apart(used: dict[str, float]) -> str:
    return ", ".join(f"{name} {share:.1%}" for name, share in used.items())


def log_statements(url: str, which: str) -> None:
    """From now on; statements are counted in the server's log, as `pg_stat_statements` is not everywhere."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"ALTER SYSTEM SET log_statement = '{which}'")
        connection.execute("SELECT pg_reload_conf()")
    time.sleep(0.5)


def statements(ground: Ground) -> int:
    """How many the log has."""
    text = ground.postgres.log.read_bytes()
    return sum(text.count(mark) for mark in LOGGED)


def commits(url: str) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        found = value(
            connection, "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()"
        )
    return int(found)
