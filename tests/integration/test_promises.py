"""The promises, held against many changes, many workers and a bad day of the API at once."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import msgspec
import pytest
from structlog.testing import capture_logs

from tests.support.arrivals import most_in_a_second, used_at_best
from tests.support.deaths import KilledError
from tests.support.engine import PROJECT, Engine
from tests.support.waiting import nothing_waits, wait_until
from worker.local.sandbox.faults import ErrorIn2xx, Half, HangAfter, Latency, NotJson, Refuse, Reset, ResetAfter, Status
from worker.upkeep.recover import recover

CONTACTS = 60


class InFlight:
    """Notes which contacts the client is posting, and whether one of them was posted already.

    Every tenth time the worker dies before its request leaves, every eleventh when it has its answer.
    """

    def __init__(self, engine: Engine) -> None:
        self.count = 0
        self._lock = threading.Lock()
        self._now: set[str] = set()
        self._post = engine.wiring.pusher.sender.client.post
        self.twice: list[str] = []

    def post(self, project, method, body: bytes):
        with self._lock:
            self.count += 1
            count = self.count
        if count % 10 == 0:
            raise KilledError
        ids = {contact["externalId"] for contact in msgspec.json.decode(body)["contacts"]}
        with self._lock:
            self.twice += self._now & ids
            self._now |= ids
        try:
            outcome = self._post(project, method, body)
        finally:
            with self._lock:
                self._now -= ids
        if count % 11 == 0:
            raise KilledError
        return outcome


def write(engine: Engine, seconds: float, dice: random.Random) -> None:
    """Change contacts in the CRM, each time to a higher version, and say so in the outbox, as a trigger does."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        keys = dice.sample(range(1, CONTACTS + 1), dice.randint(1, 8))
        engine.sql(
            "WITH changed AS (UPDATE crm.contacts SET version = version + 1 WHERE id = ANY(%s) RETURNING id)"
            " INSERT INTO ringostat_sync.outbox (source, key) SELECT 'versions', id::text FROM changed",
            sorted(keys),
        )
        time.sleep(dice.random() * 0.01)


@contextmanager
def workers(engine: Engine, count: int) -> Iterator[list[BaseException]]:
    """Collect, push with `count` threads, and recover, as the tasks do; yields what went wrong."""
    stop, problems = threading.Event(), []
    lock, waiting = threading.Lock(), []

    def guarded(turn: Callable[[], None], rest: float) -> None:
        try:
            while not stop.is_set():
                turn()
                stop.wait(rest)
        except BaseException as error:  # noqa: BLE001 - the test shows it
            problems.append(error)

    def collect() -> None:
        found = engine.collect()
        with lock:
            waiting.extend(found)

    def push() -> None:
        with lock:
            batch = waiting.pop(0) if waiting else None
        if batch is not None:
            with suppress(KilledError):
                engine.wiring.pusher.push(batch)

    turns = [(collect, 0.005), *[(push, 0.002)] * count, (lambda: recover(engine.wiring.engine), 0.2)]
    threads = [threading.Thread(target=guarded, args=turn) for turn in turns]
    for thread in threads:
        thread.start()
    try:
        yield problems
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@pytest.fixture
def versions(make_engine: Callable[..., Engine]) -> Engine:
    """An engine whose contacts have versions for names."""
    engine = make_engine(RINGOSTAT_TIMEOUT="0.8", SYNC_LEASE="1.4", RINGOSTAT_BATCH_SIZE="10", SYNC_MAX_ATTEMPTS="1000")
    engine.contacts(1, CONTACTS)
    engine.sql("ALTER TABLE crm.contacts ADD version int NOT NULL DEFAULT 0")
    engine.remap(
        '[[sources]]\nname = "versions"\nmethod = "contacts"\nquery = "versions.sql"\n',
        versions="""SELECT id AS key, version::text AS "fullName",
            json_build_array(json_build_object('type', 'phone', 'value', phone)) AS "contactDirections" FROM crm.contacts""",
    )
    return engine


def bad_day(engine: Engine, dice: random.Random) -> None:
    """A third of all requests meet something."""
    kinds = [Status(status=500), Status(status=429, headers={"Retry-After": "0"}), ErrorIn2xx(), NotJson(), Half()]
    for kind in [*kinds, Reset(), ResetAfter(), HangAfter()]:
        engine.sandbox.faults.add(msgspec.structs.replace(kind, times=0, probability=dice.uniform(0.02, 0.06)))
    engine.sandbox.faults.add(Latency(ms=2, jitter_ms=20))


def settle_all(engine: Engine) -> None:
    """Let everything come to rest; pauses and waits are cut short."""

    def quiet() -> bool:
        engine.probe_now()
        engine.sql("DELETE FROM ringostat_sync.service_health")
        return nothing_waits(engine.sql)

    wait_until(quiet, timeout=30, every=0.05, what="everything to settle")


@pytest.mark.parametrize("seed", [1, 2])
def test_a_bad_day_ends_well(versions: Engine, seed: int) -> None:
    """Workers die, Redis forgets, the API fails: nothing is lost, nobody is in flight twice, and nobody gets an older state."""
    dice = random.Random(seed)
    bad_day(versions, dice)
    in_flight = InFlight(versions)
    versions.wiring.pusher.sender.client.post = in_flight.post  # type: ignore[method-assign]
    with capture_logs(), workers(versions, 6) as problems:
        writers = [threading.Thread(target=write, args=(versions, 2.0, random.Random(seed + n))) for n in range(2)]
        for writer in writers:
            writer.start()
        for _ in range(3):
            time.sleep(0.5)
            versions.wiring.redis.flushall()
        for writer in writers:
            writer.join()
        versions.sandbox.faults.clear()
        settle_all(versions)

    assert problems == []
    assert in_flight.count > 22
    assert in_flight.twice == []
    expected = dict(versions.sql("SELECT id::text, version::text FROM crm.contacts WHERE version > 0"))
    assert versions.names() == expected
    for key in expected:
        states = [int(name) for name in versions.history(key)]
        assert states == sorted(states)
    assert versions.lane().dead == 0


def test_one_bad_contact_in_a_stream_harms_itself_alone(versions: Engine) -> None:
    """Refused whatever its version, it is a dead letter; everybody else arrives, in their newest state."""
    versions.sandbox.faults.add(Refuse(ids=["7"]))
    with capture_logs(), workers(versions, 4) as problems:
        write(versions, 2.0, random.Random(5))
        settle_all(versions)

    assert problems == []
    assert versions.dead_letters() == [("7", "refused")]
    expected = dict(versions.sql("SELECT id::text, version::text FROM crm.contacts WHERE version > 0 AND id <> 7"))
    assert versions.names() == expected


@pytest.mark.alone
def test_the_receiver_counts_no_more_than_the_rate(make_engine: Callable[..., Engine]) -> None:
    """Over all workers, retries and splits: in any second at most N + 1 requests arrive; with a backlog most of N."""
    engine = make_engine(RINGOSTAT_RATE_LIMIT="20/s", RINGOSTAT_BATCH_SIZE="5", SYNC_MAX_ATTEMPTS="1000")
    engine.contacts(1, 1000)
    engine.sandbox.faults.add(Status(status=500, times=0, probability=0.2))
    engine.sandbox.faults.add(Refuse(ids=["50", "100", "150"]))
    engine.change(*range(1, 1001))
    with capture_logs(), workers(engine, 4) as problems:
        wait_until(lambda: len(engine.sandbox.requests) >= 70, timeout=20, what="seventy requests")
    arrived = sorted(request.arrived for request in engine.sandbox.requests)

    assert problems == []
    assert most_in_a_second(arrived) <= 21
    assert used_at_best(arrived, 20, 40) >= 0.95


PENDING = """
    INSERT INTO ringostat_sync.pending (project, method, identity, key, source, outbox_id, priority, captured_at)
    SELECT {project}, 'contacts', 'externalId', g, 'contacts', g - 1000000, 2, now() FROM generate_series({first}, {last}) g;
"""
"""Contacts that wait as a backfill leaves them."""
OF_ITS_OWN = {
    "backlog": PENDING.format(project=PROJECT, first=10_001, last=200_000),
    "history": f"""
        INSERT INTO ringostat_sync.deliveries (project, method, identity, key, outbox_id, digest)
            SELECT {PROJECT}, 'contacts', 'externalId', 'past' || g, g, decode(md5(g::text), 'hex') FROM generate_series(1, 200000) g;
        INSERT INTO ringostat_sync.settlements (project, method, sent)
            SELECT {PROJECT}, 'contacts', 10 FROM generate_series(1, 20000);
        INSERT INTO ringostat_sync.requests (project, method, batch_id, entries, posted_at, outcome)
            SELECT {PROJECT}, 'contacts', g, 10, now() - interval '1 day', 'accepted' FROM generate_series(1, 20000) g;
        INSERT INTO ringostat_sync.dead_letters
            (project, method, identity, key, source, outbox_id, state, reason, detail, attempts, closed_at)
            SELECT {PROJECT}, 'contacts', 'externalId', 'past' || g, 'contacts', g, 'closed', 'refused', 'No.', 1, now()
            FROM generate_series(1, 20000) g;
    """,
}
OF_OTHERS = {
    "a flood": PENDING.format(project=PROJECT + 1, first=1, last=200_000),
    "a thousand at work": PENDING.format(project=f"{PROJECT} + 1 + mod(g, 1000)", first=1, last=20_000)
    + f"""
        INSERT INTO ringostat_sync.lanes (project, method) SELECT {PROJECT} + g, 'contacts' FROM generate_series(1, 1000) g;
        INSERT INTO ringostat_sync.service_health (project) SELECT {PROJECT} + g FROM generate_series(1, 1000) g;
        INSERT INTO ringostat_sync.pauses (project, reason, detail)
            SELECT {PROJECT} + g, 'by_hand', 'test' FROM generate_series(1, 1000) g;
        WITH cut AS (
            INSERT INTO ringostat_sync.batches (project, method, size)
                SELECT {PROJECT} + g, 'contacts', 1 FROM generate_series(1, 1000) g RETURNING id, project
        )
        INSERT INTO ringostat_sync.in_flight
            (batch_id, source, outbox_id, priority, attempts, lost_leases, forced, captured_at, project, method, identity, key)
            SELECT id, 'contacts', 1, 0, 0, 0, false, now(), project, 'contacts', 'externalId', '1' FROM cut;
    """,
}


def round_with_a_live_change(engine: Engine) -> tuple[list[int], int]:
    """The sizes of its batches, and how many entries were read from the first look to the last settlement."""
    engine.sql("VACUUM ANALYZE")
    before = engine.entries_read()
    engine.change(1)
    batches = engine.collect()
    sizes = engine.sql("SELECT size FROM ringostat_sync.batches WHERE id = ANY(%s) ORDER BY id", batches)
    for batch in batches:
        engine.wiring.pusher.push(batch)
    return [size for (size,) in sizes], engine.entries_read() - before


@pytest.mark.parametrize("more", OF_ITS_OWN | OF_OTHERS)
def test_a_round_costs_what_its_batches_cost(make_engine: Callable[..., Engine], more: str) -> None:
    """With 200,000 contacts waiting, or behind it, it cuts the same batches as with 10,000, and reads as much."""
    engine = make_engine(RINGOSTAT_BATCH_SIZE="10")
    engine.contacts(1, 1000)
    engine.sql(PENDING.format(project=PROJECT, first=2, last=10_000))
    round_with_a_live_change(engine)
    sizes, read = round_with_a_live_change(engine)
    engine.sql((OF_ITS_OWN | OF_OTHERS)[more])
    sizes_then, read_then = round_with_a_live_change(engine)

    assert sizes_then == sizes == [10, 10, 10, 10]
    assert read_then <= 1.5 * read


@pytest.mark.parametrize("others", OF_OTHERS)
def test_a_round_reads_nothing_of_other_projects(engine: Engine, others: str) -> None:
    """Whatever waits, flies or stands still there: the cost of a round is that of its own batches."""
    engine.contacts(1, 1)
    round_with_a_live_change(engine)
    sizes, read = round_with_a_live_change(engine)
    engine.sql(OF_OTHERS[others])
    sizes_then, read_then = round_with_a_live_change(engine)

    assert sizes_then == sizes == [1]
    assert read_then <= read + 10
