"""An outage of PostgreSQL is told, though nothing can be written down that says so."""

from __future__ import annotations

import threading

import psycopg
import pytest
from redis import Redis
from structlog.testing import capture_logs

from tests.support.engine import Engine
from tests.support.waiting import wait_until
from worker.operate.outage import PATIENCE, Outage
from worker.operate.pulse import Pulse, identify

AWAY = psycopg.OperationalError("connection refused")
BEGAN = "ringostat-sync: DATABASE_URL: PostgreSQL does not answer (OperationalError): nothing is sent until it is well."


class Processes:
    """Several of our processes, which see the same at the same time."""

    def __init__(self, redis: Redis) -> None:
        self.now = 0.0
        self.texts: list[str] = []
        self.each = [Outage(redis, "ringostat-sync", self.texts.append, lambda: self.now) for _ in range(3)]

    def away(self, seconds: float) -> None:
        """PostgreSQL does not answer, for so long."""
        for _ in range(int(seconds / 5)):
            for one in self.each:
                one.away(AWAY)
            self.now += 5

    def back(self) -> None:
        for one in self.each:
            one.back()


@pytest.fixture
def processes(redis_url: str) -> Processes:
    """Three of them, of one installation."""
    return Processes(Redis.from_url(redis_url))


def test_an_outage_is_told_once_when_it_begins_and_once_when_it_ends(processes: Processes) -> None:
    """Whatever number of processes sees it; and the next one is told again."""
    for _ in range(2):
        with capture_logs() as lines:
            processes.away(3 * PATIENCE)
            processes.back()
            processes.back()
        assert [line["event"] for line in lines] == ["problem_began", "problem_ended"]

    assert processes.texts == [BEGAN, BEGAN.replace(": ", ": over: ", 1)] * 2


def test_a_restart_of_postgresql_is_none(processes: Processes) -> None:
    """It takes a few seconds."""
    processes.away(PATIENCE - 5)
    processes.back()
    processes.away(PATIENCE - 5)

    assert processes.texts == []


def test_if_redis_is_away_too_each_process_tells(processes: Processes) -> None:
    """Rather several times than not at all."""
    for one in processes.each:
        one.redis = Redis.from_url("redis://127.0.0.1:9/0")
    processes.away(2 * PATIENCE)
    processes.back()

    assert len(processes.texts) == 6


def test_a_frozen_postgresql_is_told_by_those_who_get_on(engine: Engine) -> None:
    """The pulse waits for an answer, and can tell nothing."""
    now, texts = [0.0], list[str]()
    outage = Outage(engine.wiring.redis, "ringostat-sync", texts.append, lambda: now[0])
    identity = identify("beat", engine.wiring.settings, engine.wiring.mapping)
    pulse = Pulse(engine.database_url, identity, outage=outage, clock=lambda: now[0])
    pulse.beat()
    with psycopg.connect(engine.database_url) as other:
        other.execute("LOCK TABLE ringostat_sync.parts")
        waits = threading.Thread(target=pulse.beat)
        waits.start()
        wait_until(lambda: other.execute("SELECT FROM pg_locks WHERE NOT granted").rowcount, what="the pulse to wait")
        for now[0] in range(0, 60, 5):
            pulse.progress()
    waits.join()

    assert ["TimeoutError" in text for text in texts] == [True, True]
    assert [": over: " in text for text in texts] == [False, True]
