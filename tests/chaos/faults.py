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


SET_BACK = """
local by = tonumber(ARGV[1])
local function later(value) return string.format('%.0f', tonumber(value) + by) end
for _, key in ipairs(redis.call('KEYS', '*')) do
    local left = redis.call('PTTL', key)
    if left > 0 then redis.call('PEXPIRE', key, left + by / 1000) end
    if string.find(key, ':bucket$') then
        for _, name in ipairs({'next', 'throttled', 'seen'}) do
            local value = redis.call('HGET', key, name)
            if value then redis.call('HSET', key, name, later(value)) end
        end
    elseif string.find(key, ':permits$') then
        local times = redis.call('LRANGE', key, 0, -1)
        for i = 1, #times do redis.call('LSET', key, i - 1, later(times[i])) end
    elseif string.find(key, ':remembers$') then
        redis.call('SET', key, later(redis.call('GET', key)))
    end
end
"""
"""What Redis holds is moved ahead, which is the same as its clock set back."""
MISSED = """
DO $$ BEGIN
    UPDATE crm.contacts SET version = version + 1 WHERE id > 5900;
    DELETE FROM ringostat_sync.outbox WHERE key::bigint > 5900;
END $$
"""
"""Contacts change, and nobody is told."""
OFF_THE_WAY = {
    Failpoint.TAKING_BACK,
    Failpoint.REQUEUEING,
    Failpoint.FILLED,
    Failpoint.FANNED_OUT,
    Failpoint.COMPARED,
    Failpoint.RECONCILED,
}
ON_THE_WAY = [point for point in Failpoint if point not in OFF_THE_WAY]
"""Points that the living job comes by on its own."""


def killed_at(point: Failpoint, whom: str) -> Fault:
    """`kill -9` of the process that reaches `point`, or of its worker with all children."""

    def act(house: House, _: float) -> None:
        house.strike(point, SIGKILL, whom)

    return Fault(f"kill {'the process' if whom == 'one' else 'all of its worker'} at {point.value}", act)


def killed_while_taking_back(house: House, _: float) -> None:
    house.strike(Failpoint.OPENED, SIGKILL)
    house.strike(Failpoint.TAKING_BACK, SIGKILL)


def killed_while_fanning_out(house: House, _: float) -> None:
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


def killed_while_reconciling(point: Failpoint) -> Act:
    """What triggers have missed is found by the next reconciliation, as if the killed one had not been."""

    def act(house: House, _: float) -> None:
        house.sql(MISSED)
        house.arm(point, SIGKILL)
        assert house.run("reconcile", "contacts", check=False).returncode == -SIGKILL
        house.run("reconcile", "contacts")

    return act


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
    wait_until(lambda: not house.valkey.alive(), what="Redis to end")  # its threads too
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


def redis_answering(error: str, *commands: str) -> Act:
    """Redis answers these commands (by default all) with an error, and takes connections as ever."""

    def act(house: House, seconds: float) -> None:
        house.proxy.answer(error, *commands)
        time.sleep(seconds)
        house.proxy.heal()

    return act


def redis_configured(**settings: tuple[str, str]) -> Act:
    """A setting of Redis has another value for a while; by name, what it is then, and what it is afterwards."""

    def act(house: House, seconds: float) -> None:
        with redis.Redis.from_url(house.valkey.url()) as client:
            for name, (then, _) in settings.items():
                client.config_set(name, then)
            time.sleep(seconds)
            for name, (_, afterwards) in settings.items():
                client.config_set(name, afterwards)

    return act


def redis_demoted(house: House, seconds: float) -> None:
    """Redis becomes the replica of a server that is not there, and takes no writes."""
    with redis.Redis.from_url(house.valkey.url()) as client:
        client.replicaof("127.0.0.1", 1)
        time.sleep(seconds)
        client.replicaof("NO", "ONE")


def redis_with_another_password(house: House, seconds: float) -> None:
    """Connections are cut, and new ones refused."""
    with redis.Redis.from_url(house.valkey.url()) as client:
        client.config_set("requirepass", "another")
        client.execute_command("AUTH", "default", "another")
        client.client_kill_filter(_type="normal", skipme=True)
        time.sleep(seconds)
        client.config_set("requirepass", house.valkey.password)


def redis_clock_set_back(house: House, _: float) -> None:
    """By an hour: all that Redis has noted lies an hour ahead, and keys that were to go in a moment stay for an hour."""
    with redis.Redis.from_url(house.valkey.url()) as client:
        client.eval(SET_BACK, 0, 3_600_000_000)


def postgres_clock_set_back(house: House, seconds: float) -> None:
    """By an hour, and some seconds later forward again."""
    for back in ("1 hour", "0"):
        house.sql(
            "CREATE OR REPLACE FUNCTION ringostat_sync.clock() RETURNS timestamptz LANGUAGE sql VOLATILE"
            f" AS $$SELECT clock_timestamp() - interval '{back}'$$"
        )
        time.sleep(seconds)


def no_worker(house: House, seconds: float) -> None:
    """Beat and the listeners go on, and Redis must not fill with what they send."""
    with redis.Redis.from_url(house.valkey.url()) as client, house.supervisor.without("worker"):
        time.sleep(seconds / 2)
        before = _waiting(client)
        time.sleep(seconds / 2)
        assert _waiting(client) <= before + 1


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


def silent(act: Act) -> Act:
    """A replica that has lost its master answers nothing then: MASTERDOWN."""

    def acting(house: House, seconds: float) -> None:
        with redis.Redis.from_url(house.valkey.url()) as client:
            client.config_set("replica-serve-stale-data", "no")
            act(house, seconds)
            client.config_set("replica-serve-stale-data", "yes")

    return acting


def often(kind: type[api.Fault], **more: object) -> api.Rule:
    return kind(times=0, probability=0.3, **more)  # type: ignore[return-value]


ERRORS = [
    "NOAUTH Authentication required.",
    "WRONGPASS invalid username-password pair or user is disabled.",
    "NOPERM User default has no permissions to run this command",
    "MISCONF Valkey is configured to save RDB snapshots, but it's currently unable to persist to disk.",
    "LOADING Valkey is loading the dataset in memory",
    "CLUSTERDOWN The cluster is down",
    "NOREPLICAS Not enough good replicas to write.",
    "BUSY Valkey is busy running a script.",
    "ERR max number of clients reached",
]

FAULTS = [
    *(killed_at(point, whom) for point in ON_THE_WAY for whom in ("one", "all")),
    Fault("kill the process at taking_back", killed_while_taking_back),
    Fault("kill the process at fanned_out", killed_while_fanning_out),
    Fault("kill the process at requeueing", killed_while_requeueing),
    Fault("kill the process at filled", killed_while_backfilling),
    Fault("kill the process at compared", killed_while_reconciling(Failpoint.COMPARED)),
    Fault("kill the process at reconciled", killed_while_reconciling(Failpoint.RECONCILED)),
    Fault("kill a worker's parent alone", killed_parent),
    Fault("kill both beats", killed("beat")),
    Fault("kill both listeners", killed("listen")),
    Fault("storm of random kills", storm_of_kills, 8.0),
    Fault("Redis killed", redis_killed, 2.0),
    Fault("Redis restarted empty", redis_restarted_empty, 1.0),
    Fault("Redis flushed again and again", redis_flushed),
    Fault("Redis frozen", redis_frozen, 5.0),
    Fault("Redis cut off silently", redis_cut, 5.0),
    Fault("Redis out of memory", redis_configured(maxmemory=("1", "0"))),
    Fault("Redis demoted", redis_demoted),
    Fault("Redis demoted, and silent on what it has", silent(redis_demoted)),
    Fault("Redis has another password", redis_with_another_password),
    *(Fault(f"Redis answers {error.split()[0]}", redis_answering(error)) for error in ERRORS),
    Fault("Redis lets no one take a message", redis_answering("NOPERM this user has no permissions", "BRPOP")),
    Fault("Redis lets no one send a message", redis_answering("NOPERM this user has no permissions", "LPUSH")),
    Fault("Redis' clock an hour back", redis_clock_set_back),
    Fault("no worker", no_worker, 20.0),
    Fault("PostgreSQL's clock an hour back", postgres_clock_set_back, 8.0),
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


def _waiting(client: redis.Redis) -> int:
    """Messages in all queues."""
    return sum(int(client.llen(key)) for key in client.scan_iter("ringostat-sync.*") if client.type(key) == b"list")


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
