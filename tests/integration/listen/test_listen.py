"""Listen: whoever has something to do is woken, soon and once."""

from __future__ import annotations

import threading

import pytest
from structlog.testing import capture_logs

from tests.support.engine import PROJECT, Engine
from tests.support.waiting import wait_until
from worker.database.engines import outbox_engine
from worker.listen import listen as room
from worker.listen.listen import TROUBLE, listen
from worker.listen.look import look
from worker.listen.wake import Wake
from worker.local.sandbox.faults import Refuse, Status

CUT = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE application_name = 'ringostat-sync' AND datname = current_database()
"""


def has_work(engine: Engine) -> bool:
    with engine.wiring.engine.connect() as connection:
        return look(connection, engine.wiring.mapping) == {PROJECT}


def test_an_idle_project_has_nothing_to_do(engine: Engine) -> None:
    """Neither at first, nor when all is settled."""
    assert not has_work(engine)

    engine.contacts(1, 1)
    engine.change(1)
    engine.drain()
    assert not has_work(engine)


def test_a_change_is_seen_when_it_is_committed(engine: Engine) -> None:
    """Also behind the rows of many other sources, and during a pause: changes are always ingested."""
    engine.sql("INSERT INTO ringostat_sync.outbox (source, key) SELECT 'a' || g, '1' FROM generate_series(1, 300) g")
    assert not has_work(engine)
    engine.pause()
    engine.change(1)

    assert has_work(engine)


def test_a_contact_that_may_go_is_seen(engine: Engine) -> None:
    """One that waits for its next try is seen when it is due."""
    engine.sandbox.faults.add(Status(status=500))
    engine.contacts(1, 1)
    engine.change(1)
    engine.push()
    engine.sql("UPDATE ringostat_sync.pending SET due_at = now() + interval '1 hour'")
    assert not has_work(engine)

    engine.due_now()
    assert has_work(engine)


def test_a_paused_project_has_nothing_to_do_until_its_probe(engine: Engine) -> None:
    """By hand: never. With a deadline: when it has passed."""
    engine.contacts(1, 1)
    engine.change(1)
    engine.pause("api_down")
    engine.collect()
    assert not has_work(engine)

    engine.probe_now()
    assert has_work(engine)
    engine.pause()
    assert not has_work(engine)


def test_a_row_to_fan_out_is_seen(engine: Engine) -> None:
    """Before and after it is ingested."""
    engine.sql("INSERT INTO ringostat_sync.outbox (source, watch, changed) VALUES ('contacts', 'w', '{}')")
    assert has_work(engine)

    engine.collect()
    assert has_work(engine)


def test_a_split_that_may_go_on_is_seen(engine: Engine) -> None:
    """When the limit lets it."""
    engine.contacts(1, 2)
    engine.change(1, 2)
    engine.collect()
    engine.sql("UPDATE ringostat_sync.batches SET state = 'snoozed', due_at = now() + interval '1 hour'")
    assert not has_work(engine)

    engine.sql("UPDATE ringostat_sync.batches SET due_at = now()")
    assert has_work(engine)


def test_a_probe_in_the_middle_of_a_split_goes_on(engine: Engine) -> None:
    """It waits for the limit, not for the end of a pause that only its own end can bring."""
    engine.contacts(1, 8)
    engine.change(*range(1, 9))
    engine.sandbox.faults.add(Refuse(field="fullName", contains="Name 1"))
    engine.pause("refusing_all", seconds=0.0)
    [probe] = engine.collect()
    engine.after_first_request(engine.throttle)
    engine.wiring.pusher.push(probe)
    assert engine.sql("SELECT state::text, probe FROM ringostat_sync.batches") == [("snoozed", True)]
    assert not has_work(engine)

    engine.end_throttle()
    assert has_work(engine)
    assert engine.collect() == [probe]


def test_rows_of_unknown_sources_wake_nobody(engine: Engine) -> None:
    """They stay where they are, and cost nothing."""
    engine.change(1, source="contcats")

    assert not has_work(engine)


def test_a_look_costs_the_same_with_a_backlog(engine: Engine) -> None:
    """It jumps along indexes: 200,000 rows waiting are not read."""
    engine.sql(
        "INSERT INTO ringostat_sync.outbox (source, key) SELECT 'contacts', g::text FROM generate_series(1, 200000) g"
    )
    engine.sql("ANALYZE ringostat_sync.outbox")
    before = engine.entries_read()
    assert has_work(engine)

    assert engine.entries_read() - before < 20


def test_a_project_is_woken_once(engine: Engine) -> None:
    """However many look; after its round it may be woken again, or after a rest."""
    one, other = Wake(engine.wiring.redis, "test"), Wake(engine.wiring.redis, "test")
    assert one.claim(PROJECT)
    assert not other.claim(PROJECT)
    other.done(PROJECT, 0.0)
    assert one.claim(PROJECT)

    one.done(PROJECT, 0.2)
    assert not one.claim(PROJECT)
    wait_until(lambda: one.claim(PROJECT), timeout=2, what="the rest to end")


def test_a_wake_that_was_lost_is_repeated(engine: Engine) -> None:
    """A round that never reports back blocks nobody for longer than two seconds."""
    Wake(engine.wiring.redis, "test").claim(PROJECT)

    assert 0 < engine.wiring.redis.pttl(f"test:wake:{PROJECT}") <= 2000


@pytest.mark.parametrize("left", [3_600_000, None], ids=["an hour", "for ever"])
def test_a_wake_does_not_outlast_a_clock_that_was_set_back(engine: Engine, left: int | None) -> None:
    """Redis keeps a key until a moment of its clock: one that is kept for longer than any claim lasts is none."""
    wake = Wake(engine.wiring.redis, "test")
    for project in (PROJECT, 7):
        engine.wiring.redis.set(f"test:wake:{project}", "1", px=left)
    assert not wake.are_claimed([PROJECT, 7])
    assert wake.claim(PROJECT)
    assert wake.claim(7)

    assert wake.are_claimed([PROJECT, 7])
    assert not wake.claim(PROJECT)


@pytest.fixture
def listening(engine: Engine):
    """A listener in a thread; the projects that it wakes."""
    woken: list[int] = []
    stop = threading.Event()
    wake = Wake(engine.wiring.redis, "test")

    def send(project: int) -> None:
        woken.append(project)

    arguments = (engine.wiring.engine, engine.wiring.mapping, wake, send, stop)
    thread = threading.Thread(target=listen, args=arguments)
    thread.start()
    yield woken
    stop.set()
    thread.join(timeout=5)
    assert not thread.is_alive()


def test_a_change_wakes_the_collector_soon(engine: Engine, listening: list[int]) -> None:
    """By the listener's next look."""
    engine.change(1)

    wait_until(lambda: listening, timeout=1, what="the wake")


def test_a_listener_outlives_its_connection(engine: Engine, listening: list[int]) -> None:
    """The one on which it looks is cut, and it goes on."""
    wait_until(lambda: engine.sql(CUT), what="the listener to connect")
    engine.change(1)

    wait_until(lambda: listening, timeout=5, what="the wake")


class Impatient(threading.Event):
    """Set after so many waits, none of which lasts."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.waits: list[float | None] = []
        self._most = most

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout)
        if len(self.waits) == self._most:
            self.set()
        return self.is_set()


def test_what_is_in_the_way_is_told_once(empty_database_url: str, engine: Engine) -> None:
    """A database that was not migrated yet: one line says what to do, however often it is looked at."""
    bare, stop = outbox_engine(empty_database_url), Impatient(3)
    with capture_logs() as told:
        listen(bare, engine.wiring.mapping, Wake(engine.wiring.redis, "test"), lambda _: None, stop)
    bare.dispose()

    assert [line["problem"] for line in told] == ["the schema is not there yet: run `ringostat-sync migrate`"]
    assert stop.waits == [TROUBLE] * 3


def test_while_every_project_is_woken_nobody_looks(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look would come to nothing; when the round is over, the next one comes."""
    looks: list[int] = []

    def counted(connection, mapping):
        looks.append(1)
        return look(connection, mapping)

    monkeypatch.setattr(room, "look", counted)
    wake = Wake(engine.wiring.redis, "test")
    engine.change(1)
    woken: list[int] = []
    listen(engine.wiring.engine, engine.wiring.mapping, wake, woken.append, Impatient(5))
    assert (len(looks), woken) == (1, [PROJECT])

    wake.done(PROJECT, 0.0)
    listen(engine.wiring.engine, engine.wiring.mapping, wake, woken.append, Impatient(5))
    assert (len(looks), woken) == (2, [PROJECT] * 2)
