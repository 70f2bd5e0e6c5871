"""Capture: what the CRM's own writers pay for it, on the demo's contacts; with and without take turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from random import Random
from statistics import median
from threading import Thread

import psycopg

from benchmarks.change import RAISE
from benchmarks.ground import Ground
from benchmarks.table import Figure
from worker.local.demo import MAPPING

CONTACTS = 100_000
WRITERS = 2
UPDATES, QUICK_UPDATES = 3_000, 500
TURNS, QUICK_TURNS = 7, 3
AT_ONCE = "UPDATE crm.contacts SET patronymic = 'v' || substr(patronymic, 2)::int + 1"

Measure = Callable[[str, int], float]
"""Seconds of a turn (its number) in the database at a URL."""


def run(ground: Ground, *, quick: bool) -> Iterator[Figure]:
    """Two databases alike, one with the demo's watches."""
    updates, turns = (QUICK_UPDATES, QUICK_TURNS) if quick else (UPDATES, TURNS)
    with ground.database(CONTACTS) as plain, ground.database(CONTACTS) as captured:
        ground.run(ground.environment(captured, SYNC_CONFIG=str(MAPPING)), "capture", "install")
        single = in_turns(plain, captured, turns, lambda url, turn: single_rows(url, CONTACTS, updates, turn))
        cost = (
            f"{single[0] / updates / WRITERS * 1e6:.0f} µs without, {single[1] / updates / WRITERS * 1e6:.0f} µs with"
        )
        yield Figure(
            f"capture: single-row updates, {WRITERS} writers",
            cost,
            "at most 1.10 times",
            f"{single[1] / single[0]:.2f} times",
        )
        whole = in_turns(plain, captured, turns, lambda url, _: at_once(url))
        cost = f"{whole[0]:.2f} s without, {whole[1]:.2f} s with"
        yield Figure(
            f"capture: one update of {CONTACTS:,} rows", cost, "at most 2.0 times", f"{whole[1] / whole[0]:.2f} times"
        )


def in_turns(plain: str, captured: str, turns: int, measure: Measure) -> tuple[float, float]:
    """Medians of the seconds without and with capture; before the turns that count, one that warms."""
    times: dict[str, list[float]] = {plain: [], captured: []}
    for turn in range(turns + 1):
        for url in (plain, captured) if turn % 2 else (captured, plain):
            tidy(url)
            times[url].append(measure(url, turn))
    return median(times[plain][1:]), median(times[captured][1:])


def tidy(url: str) -> None:
    """No turn pays for the one before."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("TRUNCATE ringostat_sync.outbox")
        connection.execute("VACUUM crm.contacts")
        connection.execute("CHECKPOINT")


def single_rows(url: str, contacts: int, updates: int, turn: int) -> float:
    """Seconds in which every writer makes so many updates of random rows, each in a transaction of its own."""
    writers = [Thread(target=write, args=(url, contacts, updates, Random(turn * 10 + n))) for n in range(WRITERS)]
    begin = time.perf_counter()
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    return time.perf_counter() - begin


def write(url: str, contacts: int, updates: int, dice: Random) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in range(updates):
            connection.execute(RAISE, [[str(dice.randint(1, contacts))]])


def at_once(url: str) -> float:
    """Seconds of one statement that changes every row."""
    with psycopg.connect(url, autocommit=True) as connection:
        begin = time.perf_counter()
        connection.execute(AT_ONCE)
        return time.perf_counter() - begin
