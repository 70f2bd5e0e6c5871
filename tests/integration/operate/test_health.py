"""Health: what should happen and does not, in a sentence each."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from functools import partial

import pytest
from structlog.testing import capture_logs

from tests.support.engine import PROJECT, Engine
from worker.capture import State, WatchStatus
from worker.config.network import Network
from worker.config.settings import load_settings
from worker.operate.alert import send_alert
from worker.operate.health import find_problems, problems_of_capture, problems_of_role
from worker.operate.living import make_pulse
from worker.operate.parts import read_parts
from worker.operate.pulse import Pulse, identify
from worker.operate.report import read_report
from worker.operate.watch import Watcher

PART = """
INSERT INTO ringostat_sync.parts (name, role, version, mapping, settings, started_at, seen_at, progressed_at)
SELECT %s, %s, %s, %s, 's', t.started, t.started + i.seen, t.started + i.seen - i.idle
FROM (SELECT clock_timestamp() - make_interval(secs => %s) AS started) AS t,
    (SELECT make_interval(secs => %s) AS seen, make_interval(secs => %s) AS idle) AS i
"""


def part(
    engine: Engine,
    role: str,
    name: str = "host:1",
    *,
    started: float = 100,
    seen: float = 0,
    idle: float = 0,
    **more: str,
) -> None:
    """A process that began `started` seconds ago, was last seen `seen` seconds ago, and did nothing for `idle` before that."""
    says = {"version": "1", "mapping": "m", **more}
    engine.sql(PART, name, role, says["version"], says["mapping"], started, started - seen, idle)


def keys(engine: Engine) -> set[str]:
    with engine.wiring.engine.connect() as connection:
        return {problem.key for problem in find_problems(connection, engine.wiring.mapping, [])}


@pytest.fixture
def running(engine: Engine) -> Engine:
    """All that has to run runs."""
    for role in ("worker", "beat", "listen"):
        part(engine, role)
    return engine


def test_without_processes_each_is_missed(engine: Engine) -> None:
    """Nothing runs: that is said of each that has to."""
    assert keys(engine) == {"missing:worker", "missing:beat", "missing:listen"}


def test_a_watch_that_catches_nothing_is_told_with_what_to_do(engine: Engine) -> None:
    """What happened to it where that is known, and `capture install` where that mends it."""
    lost = WatchStatus("contacts", "crm.contacts", State.DISABLED, "Trigger x on crm.contacts is disabled.")
    gone = WatchStatus(
        "contacts", "crm.phones", State.NO_TABLE, "Source 'contacts' watches crm.phones, which is not there."
    )
    new = WatchStatus("leads", "crm.leads", State.MISSING)
    part = WatchStatus(
        "leads", "crm.calls", State.PARTITIONS, "Attached since the last `capture install`: crm.calls_2."
    )

    assert [problem.sentence for problem in problems_of_capture([lost, gone, new, part])] == [
        "Changes of crm.contacts are not captured for source 'contacts' (disabled): Trigger x on crm.contacts is disabled."
        " Run `ringostat-sync capture install`.",
        "Changes of crm.phones are not captured for source 'contacts' (no table): Source 'contacts' watches crm.phones, which"
        " is not there.",
        "Changes of crm.leads are not captured for source 'leads' (missing): run `ringostat-sync capture install`.",
        "Changes of crm.calls may have been missed for source 'leads' (partitions): Attached since the last `capture install`:"
        " crm.calls_2. Run `ringostat-sync capture install`.",
    ]


def test_where_all_run_there_is_no_problem(running: Engine) -> None:
    """And none is made up."""
    assert keys(running) == set()


def test_a_process_that_is_not_seen_is_told_also_beside_a_fellow(running: Engine) -> None:
    """It was killed or stopped half a minute ago, and said nothing; its fellow was there before."""
    part(running, "worker", "host:2", started=200, seen=40)

    assert keys(running) == {"lost:worker:host:2"}


def test_a_lost_process_that_has_a_successor_is_not_missed(running: Engine) -> None:
    """Its successor began after it was last seen."""
    part(running, "beat", "host:2", started=400, seen=300)

    assert keys(running) == set()


def test_one_death_is_one_problem(running: Engine) -> None:
    """The only one of its role was killed: its name stands in the sentence, and there is no second one."""
    running.sql("UPDATE ringostat_sync.parts SET seen_at = seen_at - interval '40 s' WHERE role = 'beat'")
    with running.wiring.engine.connect() as connection:
        [problem] = find_problems(connection, running.wiring.mapping, [])

    assert problem.key == "missing:beat"
    assert "(host:1 was last seen 40 s ago)" in problem.sentence


def test_a_process_that_ended_in_order_is_missed_when_none_follows(running: Engine) -> None:
    """A restart takes some seconds, in which nobody is woken; after half a minute it is no restart."""
    running.sql("UPDATE ringostat_sync.parts SET ended_at = clock_timestamp() WHERE role = 'worker'")
    assert keys(running) == set()

    running.sql("UPDATE ringostat_sync.parts SET ended_at = ended_at - interval '31 s' WHERE role = 'worker'")
    assert keys(running) == {"missing:worker"}

    part(running, "worker", "host:2", started=1)
    assert keys(running) == set()


def test_a_process_that_ended_in_order_is_not_listed(running: Engine) -> None:
    """What is listed lives, or is missed."""
    running.sql("UPDATE ringostat_sync.parts SET ended_at = clock_timestamp() WHERE role = 'worker'")
    with running.wiring.engine.connect() as connection:
        listed = read_report(connection, running.wiring.mapping, []).parts

    assert [one.role for one in listed] == ["beat", "listen"]


def test_a_process_that_does_nothing_is_stuck(running: Engine) -> None:
    """It lives, and gets on with nothing for more than a minute."""
    part(running, "worker", "host:3", idle=70)

    assert keys(running) == {"stuck:worker:host:3"}


@pytest.mark.parametrize("role", ["worker", "console", "flower"])
@pytest.mark.parametrize("what", ["version", "mapping"])
def test_processes_that_differ_are_told(running: Engine, role: str, what: str) -> None:
    """One that was not restarted decides, or looks for problems, by other rules than its fellows."""
    part(running, role, "host:4", **{what: "other"})

    assert keys(running) == {f"differs:{what}"}


def test_a_role_is_asked_for_on_its_own_host(running: Engine) -> None:
    """A container's check is about its own process."""
    with running.wiring.engine.connect() as connection:
        parts = read_parts(connection)

    assert problems_of_role(parts, "worker", "host") == []
    assert [p.key for p in problems_of_role(parts, "worker", "other")] == ["missing:worker"]
    assert [p.key for p in problems_of_role(parts, "console", "host")] == ["missing:console"]


def test_contacts_that_wait_and_are_not_sent_are_told(running: Engine) -> None:
    """Processes live, and nothing moves: progress counts."""
    running.contacts(1, 1)
    running.change(1)
    running.sql("UPDATE ringostat_sync.outbox SET created_at = now() - interval '2 minutes'")
    assert keys(running) == {"uncollected:contacts"}

    running.throttle()
    running.collect()
    running.sql("UPDATE ringostat_sync.service_health SET throttled_until = NULL")
    running.sql("UPDATE ringostat_sync.pending SET captured_at = now() - interval '2 minutes'")
    assert keys(running) == {f"waiting:{PROJECT}:contacts"}

    running.end_throttle()
    running.drain()
    assert keys(running) == set()


def test_changes_of_a_source_that_no_mapping_has_are_told(running: Engine) -> None:
    """They would wait for ever without a word."""
    running.change(1, source="nobody")
    running.sql("UPDATE ringostat_sync.outbox SET created_at = now() - interval '2 minutes'")

    assert keys(running) == {"unknown_source:nobody"}


def test_a_pause_is_a_problem_but_for_one_by_hand(running: Engine) -> None:
    """Its sentence says what to do."""
    running.pause("by_hand")
    assert keys(running) == set()

    running.resume()
    running.pause("unauthorized")
    assert keys(running) == {f"paused:{PROJECT}:unauthorized"}


class Receiver(http.server.BaseHTTPRequestHandler):
    """Takes alerts, as a chat does."""

    def __init__(self, texts: list[str], *arguments) -> None:
        self.texts = texts
        super().__init__(*arguments)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.texts.append(json.loads(body)["text"])
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def chat() -> Iterator[tuple[str, list[str]]]:
    """An address to alert, and what it has been told."""
    texts: list[str] = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Receiver, texts)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/hook", texts
        server.shutdown()


def test_a_problem_is_told_when_it_begins_and_when_it_ends(running: Engine, chat: tuple[str, list[str]]) -> None:
    """Once each, to the log and to the address, however many processes look."""
    url, texts = chat
    watchers = [
        Watcher(
            running.wiring.engine,
            running.wiring.redis,
            running.wiring.mapping,
            lambda _: [],
            partial(send_alert, url, Network()),
        )
        for _ in range(2)
    ]

    def look() -> list[str]:
        running.sql("UPDATE ringostat_sync.looks SET looked_at = looked_at - interval '1 minute'")
        with capture_logs() as lines:
            for watcher in watchers:
                watcher.look()
        return [line["event"] for line in lines if line["event"].startswith("problem")]

    assert look() == []
    running.pause("unauthorized")
    assert look() == ["problem_began"]
    assert look() == []
    running.resume()
    assert look() == ["problem_ended"]
    assert [text.startswith("ringostat-sync: over: ") for text in texts] == [False, True]


def test_a_receiver_that_does_not_answer_is_tried_once_a_look(running: Engine) -> None:
    """A process that waited for it with each of many problems would itself be missed."""
    texts: list[str] = []
    watcher = Watcher(
        running.wiring.engine,
        running.wiring.redis,
        running.wiring.mapping,
        lambda _: [],
        lambda text: bool(texts.append(text)),
    )
    running.pause("unauthorized")
    running.sql(
        "INSERT INTO ringostat_sync.outbox (source, key, created_at) VALUES ('unknown', '1', now() - interval '1 hour')"
    )
    with capture_logs() as lines:
        watcher.look()

    assert len([line for line in lines if line["event"] == "problem_began"]) == 2
    assert len(texts) == 1


def test_after_an_outage_fellows_have_time_to_be_seen_again(running: Engine) -> None:
    """None could give a sign of life; the first that can misses nobody for it. So at its start."""
    now, looks = [0.0], list[float]()
    identity = identify("beat", running.wiring.settings, running.wiring.mapping)
    pulse = Pulse(running.database_url, identity, lambda: looks.append(now[0]), clock=lambda: now[0])
    for now[0] in [*range(0, 61, 5), *range(200, 261, 5)]:
        pulse.beat()

    assert looks == [50, 55, 60, 250, 255, 260]


def test_a_process_says_that_it_has_ended(running: Engine) -> None:
    """And takes along those that were lost long ago."""
    part(running, "worker", "host:9", started=90_000, seen=90_000)
    pulse = Pulse(running.database_url, identify("console", running.wiring.settings, running.wiring.mapping))
    pulse.start()
    pulse.stop()

    rows = running.sql("SELECT role, ended_at IS NOT NULL FROM ringostat_sync.parts ORDER BY role")
    assert rows == [("beat", False), ("console", True), ("listen", False), ("worker", False)]


def test_whoever_looks_misses_redis(running: Engine) -> None:
    """A role that did not look at it would tell that it is well again."""
    settings = load_settings({**running.environment, "REDIS_URL": "redis://127.0.0.1:9/0"})

    def look(role: str) -> list[tuple[str, str]]:
        running.sql("UPDATE ringostat_sync.looks SET looked_at = looked_at - interval '1 minute'")
        pulse = make_pulse(role, settings, running.wiring.mapping)
        assert pulse.also is not None
        with capture_logs() as lines:
            pulse.also()
        return [(line["event"], line["key"]) for line in lines if line["event"].startswith("problem")]

    assert look("console") == [("problem_began", "redis")]
    assert [look(role) for role in ("worker", "beat", "listen", "flower")] == [[], [], [], []]


def test_an_alert_that_nobody_takes_harms_nothing(running: Engine) -> None:
    """The address does not answer: a line in the log."""
    with capture_logs() as lines:
        assert not send_alert("http://127.0.0.1:9/hook", Network(), "text")

    assert [line["event"] for line in lines] == ["alert_failed"]


def test_what_a_reconciliation_holds_is_a_problem(running: Engine) -> None:
    """Until it is confirmed, or the next one finds less."""
    running.sql(
        "INSERT INTO ringostat_sync.reconciliations SELECT 'contacts', %s, 'contacts', now(), now(), 500, 300, 0, 1, true, false",
        PROJECT,
    )
    assert keys(running) == {"held:contacts"}

    running.sql("UPDATE ringostat_sync.reconciliations SET held = false")
    assert keys(running) == set()
