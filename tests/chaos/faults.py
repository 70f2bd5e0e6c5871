"""The faults: each is done to a house under load, and returns when what it broke is whole again."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from signal import SIGKILL

import psutil
import psycopg
import redis

from tests.chaos.house import House
from tests.support.waiting import wait_until
from worker.failpoints import Failpoint
from worker.local.sandbox import faults as api

Act = Callable[[House, float], None]


@dataclass(frozen=True)
class Fault:
    """`act` breaks the house for about so many seconds, where it takes a while at all."""

    name: str
    act: Act
    seconds: float = 3.0


ON_THE_WAY = [
    point
    for point in Failpoint
    if point not in {Failpoint.TAKING_BACK, Failpoint.REQUEUEING, Failpoint.FILLED, Failpoint.FANNED_OUT}
]
"""Points that the living job comes by on its own."""


def killed_at(point: Failpoint, whom: str) -> Fault:
    """`kill -9` of the process that reaches `point`, or of its worker with all children."""

    def act(house: House, _: float) -> None:
        house.strike(point, SIGKILL, whom)

    return Fault(f"kill {'the process' if whom == 'one' else 'all of its worker'} at {point.value}", act)


def killed_while_taking_back(house: House, _: float) -> None:
    house.strike(Failpoint.OPENED, SIGKILL)
    house.strike(Failpoint.TAKING_BACK, SIGKILL)


def killed_while_expanding(house: House, _: float) -> None:
    order = house.arm(Failpoint.FANNED_OUT, SIGKILL)
    house.sql("UPDATE crm.companies SET version = version + 1")
    wait_until(lambda: not order.exists(), timeout=30, what="the fan-out")


def killed_while_requeueing(house: House, _: float) -> None:
    wait_until(
        lambda: house.sql("SELECT 1 FROM ringostat_sync.dead_letters WHERE state = 'open'"), what="the dead letter"
    )
    house.arm(Failpoint.REQUEUEING, SIGKILL)
    assert house.run("dead-letters", "requeue", "--all", check=False).returncode == -SIGKILL
    house.run("dead-letters", "requeue", "--all", check=False)


def killed_while_backfilling(house: House, _: float) -> None:
    house.arm(Failpoint.FILLED, SIGKILL)
    assert house.run("backfill", "contacts", "--force", check=False).returncode == -SIGKILL
    house.run("backfill", "contacts", "--force")


def killed_parent(house: House, _: float) -> None:
    """The worker's parent alone: its children are left behind."""
    house.processes("worker")[0].kill()


def killed(kind: str) -> Act:
    def act(house: House, _: float) -> None:
        for process in house.processes(kind):
            process.kill()

    return act


def storm_of_kills(house: House, seconds: float) -> None:
    """Every 0.3 s one process of all is gone, parent or child."""
    dice, end = random.Random(7), time.monotonic() + seconds
    while time.monotonic() < end:
        process = dice.choice(house.supervisor.processes)
        victims = [process.pid, *(child.pid for child in process.children())]
        with suppress(ProcessLookupError):
            os.kill(dice.choice(victims), SIGKILL)
        time.sleep(0.3)


def redis_killed(house: House, seconds: float) -> None:
    _kill(house.valkey.pid)
    time.sleep(seconds)
    house.valkey.start()


def redis_restarted_empty(house: House, seconds: float) -> None:
    _kill(house.valkey.pid)
    for path in house.valkey.room.rglob("*.aof*"):
        path.unlink()
    time.sleep(seconds)
    house.valkey.start()


def redis_flushed(house: House, seconds: float) -> None:
    with redis.Redis.from_url(house.valkey.url()) as client:
        for _ in range(int(seconds / 0.2)):
            client.flushall()
            time.sleep(0.2)


def redis_frozen(house: House, seconds: float) -> None:
    with _stopped(house.valkey.pid):
        time.sleep(seconds)


def redis_cut(house: House, seconds: float) -> None:
    """Bytes are swallowed; the connections of that time stay silent for ever."""
    house.proxy.swallow()
    time.sleep(seconds)
    house.proxy.heal()


def postgres_restarted(house: House, _: float) -> None:
    """As after a crash: nobody is waited for, and the log is replayed."""
    os.kill(house.postgres.pid or 0, signal.SIGQUIT)
    wait_until(lambda: not house.postgres.alive(), timeout=30, what="PostgreSQL to end")
    house.postgres.start()


def postgres_frozen(house: House, seconds: float) -> None:
    server = psutil.Process(house.postgres.pid)
    with ExitStack() as stack:
        for process in [server, *server.children()]:
            stack.enter_context(_stopped(process.pid))
        time.sleep(seconds)


def connections_terminated(house: House, seconds: float) -> None:
    for _ in range(int(seconds / 0.5)):
        house.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name LIKE 'ringostat-sync%' AND pid <> pg_backend_pid()"
        )
        time.sleep(0.5)


def outbox_locked(house: House, seconds: float) -> None:
    with psycopg.connect(house.database_url) as connection:
        connection.execute("LOCK TABLE ringostat_sync.outbox")
        time.sleep(seconds)


def connections_used_up(house: House, seconds: float) -> None:
    """Somebody takes every connection that there is; ours are cut, and can't come back."""
    with ExitStack() as stack:
        admin = stack.enter_context(psycopg.connect(house.database_url, autocommit=True))
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'ringostat-sync%'"
            )
            with suppress(psycopg.OperationalError):
                while True:
                    stack.enter_context(psycopg.connect(house.database_url, application_name="greedy"))
    wait_until(lambda: _can_connect(house), timeout=30, what="a connection to be had")


def answering(*rules: api.Rule) -> Act:
    """A good part of all requests meets each of these."""

    def act(house: House, seconds: float) -> None:
        numbers = [house.sandbox.faults.add(rule) for rule in rules]
        time.sleep(seconds)
        for number in numbers:
            house.sandbox.faults.remove(number)

    return act


def put_right(act: Act) -> Act:
    """What pauses the project, or refuses single contacts by chance, and an operator who resumes and requeues."""

    def acting(house: House, seconds: float) -> None:
        act(house, seconds)
        house.run("resume", "106", check=False)
        house.run("dead-letters", "requeue", "--all", check=False)

    return acting


def often(kind: type[api.Fault], **more: object) -> api.Rule:
    return kind(times=0, probability=0.3, **more)  # type: ignore[return-value]


FAULTS = [
    *(killed_at(point, whom) for point in ON_THE_WAY for whom in ("one", "all")),
    Fault("kill the process at taking_back", killed_while_taking_back),
    Fault("kill the process at expanded", killed_while_expanding),
    Fault("kill the process at requeueing", killed_while_requeueing),
    Fault("kill the process at filled", killed_while_backfilling),
    Fault("kill a worker's parent alone", killed_parent),
    Fault("kill both beats", killed("beat")),
    Fault("kill both listeners", killed("listen")),
    Fault("storm of random kills", storm_of_kills, 8.0),
    Fault("Redis killed", redis_killed, 2.0),
    Fault("Redis restarted empty", redis_restarted_empty, 1.0),
    Fault("Redis flushed again and again", redis_flushed),
    Fault("Redis frozen", redis_frozen, 5.0),
    Fault("Redis cut off silently", redis_cut, 5.0),
    Fault("PostgreSQL restarted at once", postgres_restarted),
    Fault("PostgreSQL frozen", postgres_frozen, 5.0),
    Fault("connections terminated", connections_terminated),
    Fault("the outbox locked", outbox_locked),
    Fault("connections used up", connections_used_up),
    Fault("API: 500 and 503", answering(often(api.Status, status=500), often(api.Status, status=503))),
    Fault(
        "API: 429 with seconds, a date, and nothing",
        answering(
            often(api.Status, status=429, headers={"Retry-After": "1"}),
            often(api.Status, status=429, headers={"Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT"}),
            often(api.Status, status=429),
        ),
    ),
    Fault("API: silent before it has processed", answering(often(api.Hang)), 5.0),
    Fault("API: silent after it has processed", answering(often(api.HangAfter)), 5.0),
    Fault("API: answers byte by byte", answering(often(api.SlowDrip)), 5.0),
    Fault("API: connections reset", answering(often(api.Reset), often(api.ResetAfter))),
    Fault("API: half answers", answering(often(api.Half))),
    Fault("API: answers that are no JSON", answering(often(api.NotJson))),
    Fault("API: errors in a 2xx", put_right(answering(often(api.ErrorIn2xx)))),
    Fault("API: 401 in the middle", put_right(answering(api.Status(status=401, times=0)))),
    Fault("API: 404 in the middle", put_right(answering(api.Status(status=404, times=0)))),
    Fault("API: 413 at changing sizes", answering(api.MaxEntries(limit=3), api.MaxBytes(limit=2_000))),
    Fault("API: slow, by up to 1.5 s", answering(api.Latency(ms=0, jitter_ms=1_500))),
]


def _can_connect(house: House) -> bool:
    try:
        return bool(house.sql("SELECT 1"))
    except psycopg.OperationalError:
        return False


def _kill(pid: int | None) -> None:
    assert pid is not None
    os.kill(pid, SIGKILL)
    wait_until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie", what="the server to end")


@contextmanager
def _stopped(pid: int | None) -> Iterator[None]:
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
