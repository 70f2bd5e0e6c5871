"""Redis in trouble, before real processes that nobody starts again: each goes on by itself, and soon."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from signal import SIGKILL

import pytest
import redis

from tests.chaos.faults import FAULTS, Fault, redis_killed
from tests.chaos.house import House
from tests.chaos.processes import ROOT
from tests.support.waiting import wait_until
from worker.local.sandbox.faults import Latency

TROUBLE = [
    "Redis killed",
    "Redis out of memory",
    "Redis demoted",
    "Redis demoted, and silent on what it has",
    "Redis has another password",
    "Redis answers NOAUTH",
    "Redis answers MISCONF",
    "Redis lets no one take a message",
]
SOON = 10.0
"""Seconds from the end of the trouble until all has arrived; the API takes one of them for each answer."""
DEAF_SOON = """
from worker.broker import watchdog
watchdog.EVERY, watchdog.PATIENCE = 0.2, 3.0
from worker.__main__ import main
main()
"""

COUNTING_THREADS = """
import os, sys, threading
os.register_at_fork(before=lambda: print("threads at a fork:", threading.active_count(), file=sys.stderr, flush=True))
from worker.__main__ import main
main()
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A job with the usual lease, whose slots are busy: the API takes its time."""
    folder = tmp_path_factory.mktemp("broker")
    usual = {"SYNC_LEASE": "120", "RINGOSTAT_TIMEOUT": "15", "SYNC_COLLECT_INTERVAL": "5"}
    with House(folder, contacts=600, poison=(), **usual) as running:
        running.sandbox.faults.add(Latency(ms=800, jitter_ms=400))
        yield running


UNDER_WAY = "SELECT 1 FROM ringostat_sync.batches WHERE posted LIMIT 1"


@pytest.mark.parametrize(
    "fault", [fault for fault in FAULTS if fault.name in TROUBLE], ids=lambda fault: fault.name.replace(" ", "_")
)
def test_every_process_goes_on_by_itself(house: House, fault: Fault) -> None:
    """With all slots busy when it begins: none ends, none goes deaf, none writes a traceback, and nothing waits for its lease."""
    before = {process.log: (process.pid, process.log.stat().st_size) for process in house.supervisor.processes}
    house.flood()
    wait_until(lambda: house.sql(UNDER_WAY), what="requests to be under way")
    verdict = house.endure(lambda broken: fault.act(broken, fault.seconds), timeout=30)

    assert verdict.holds(house.rate), verdict
    assert verdict.recovered < SOON
    assert {process.log: process.pid for process in house.supervisor.processes} == {
        log: pid for log, (pid, _) in before.items()
    }
    assert [log.name for log, (_, size) in before.items() if "Traceback" in log.read_text()[size:]] == []


def test_every_trouble_exists() -> None:
    """A fault that was renamed is still done."""
    assert {fault.name for fault in FAULTS} >= set(TROUBLE)


def test_a_redis_that_restarts_again_and_again_wears_nobody_out(house: House) -> None:
    """After ten times all processes of the workers take messages as at first."""
    for number in range(10):
        house.flood()
        redis_killed(house, 0.3 if number % 2 else 0.0)
        time.sleep(0.5)
    house.settle(30)
    began = time.monotonic()
    house.flood()
    house.settle(30)

    # One process alone would take six seconds and more for six requests.
    assert time.monotonic() - began < 6


def test_without_a_worker_nothing_piles_up(house: House) -> None:
    """One message waits for each thing there is to do, however long."""
    collect, upkeep = "ringostat-sync.collect", "ringostat-sync.upkeep"
    with redis.Redis.from_url(house.valkey.url()) as client, house.supervisor.without("worker"):
        house.flood()
        wait_until(lambda: client.llen(collect) and client.llen(upkeep) >= 2, timeout=30, what="what waits")
        time.sleep(20)
        tasks = [json.loads(message)["headers"]["task"] for message in client.lrange(upkeep, 0, -1)]

        assert client.llen(collect) == 1
        assert max(Counter(tasks).values()) <= 2  # two beats may send at the same moment
    house.settle(180)


@contextmanager
def worker_of(house: House, program: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker of one process, as this program starts it; what it writes goes to `log`."""
    with log.open("w") as output:
        worker = subprocess.Popen(
            [sys.executable, "-c", program, "worker", "--concurrency", "1"],
            cwd=ROOT,
            env={**os.environ, **house.environment},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            yield worker
        finally:
            with suppress(ProcessLookupError):
                os.killpg(worker.pid, SIGKILL)
            worker.wait()


def test_a_deaf_worker_ends_with_a_line_that_says_so(house: House, tmp_path: Path) -> None:
    """Messages wait, and it takes none: it ends with 1, so that whatever started it starts it again."""
    house.proxy.answer("NOPERM this user has no permissions", "BRPOP")
    house.flood()
    log = tmp_path / "log"
    with house.supervisor.without("worker"), worker_of(house, DEAF_SOON, log) as worker:
        try:
            wait_until(lambda: worker.poll() is not None, timeout=40, what="its end")
        finally:
            house.proxy.heal()

    assert worker.returncode == 1
    assert log.read_text().count("worker_deaf") == 1
    assert "Traceback" not in log.read_text()


def test_no_thread_lives_when_a_worker_starts_its_processes(house: House, tmp_path: Path) -> None:
    """What a thread has locked at that moment, such as an import, would stay locked in the new process for ever."""
    log = tmp_path / "log"
    with worker_of(house, COUNTING_THREADS, log):
        wait_until(lambda: "ready" in log.read_text(), timeout=30, what="the worker")

    assert {line for line in log.read_text().splitlines() if line.startswith("threads")} == {"threads at a fork: 1"}
