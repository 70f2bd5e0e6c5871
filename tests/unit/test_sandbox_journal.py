"""The sandbox's log of requests, its bounds, and the figures of the last minute."""

from __future__ import annotations

from worker.local.sandbox.figures import SPAN
from worker.local.sandbox.journal import Journal

IDS = (("1", None), ("2", "3"))


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def journal(clock: Clock | None = None, **bounds: int) -> Journal:
    """A journal by a clock of its own."""
    return Journal(monotonic=clock or Clock(), **bounds)


def test_a_request_is_noted_when_it_arrives_and_completed_when_it_is_answered() -> None:
    """In between its status is open."""
    clock = Clock()
    log = journal(clock)
    note = log.open(106, "contacts", "/minicrm/contacts/sync", IDS, 900)
    assert (note.arrived, note.finished, note.status, note.entries, note.ids) == (1000.0, None, None, 2, IDS)

    clock.now += 0.5
    note.accepted = True
    log.finish(note, 200)

    assert [(one.finished, one.status) for one in log] == [(1000.5, 200)]


def test_requests_are_numbered_and_read_on_from_a_number() -> None:
    """Whoever polls asks for what came since."""
    log = journal()
    for _ in range(5):
        log.open(106, "contacts", "/", (), 0)

    assert [one.number for one in log.since(3)] == [4, 5]
    assert [one.number for one in log.since(1, limit=2)] == [2, 3]
    assert log.since(5) == []
    assert log.last == 5


def test_only_so_many_requests_are_kept() -> None:
    """The oldest go first, and the numbers tell that they went."""
    log = journal(most=3)
    for _ in range(5):
        log.open(106, "contacts", "/", (), 0)

    assert [one.number for one in log] == [3, 4, 5]
    assert [one.number for one in log.since(4)] == [5]


def test_only_so_many_ids_are_kept() -> None:
    """But the newest request always is."""
    log = journal(most_ids=3)
    for _ in range(3):
        log.open(106, "contacts", "/", IDS, 0)
    assert [one.number for one in log] == [3]

    log.open(106, "contacts", "/", IDS * 10, 0)

    assert [one.number for one in log] == [4]


def test_what_was_not_accepted_is_an_error() -> None:
    """Whatever its status was, and where there was none."""
    log = journal()
    for accepted, status in ((True, 200), (False, 422), (False, 200), (False, None), (True, None)):
        note = log.open(106, "contacts", "/", IDS, 0)
        note.accepted = accepted
        log.finish(note, status)

    totals = log.totals()

    assert (totals.requests, totals.entries, totals.errors) == (5, 10, 3)


def test_the_last_minute_is_counted_by_seconds() -> None:
    """Idle seconds are there, and what is older than a minute is not."""
    clock = Clock()
    log = journal(clock)
    for pause in (0.0, 0.2, 1.0):
        clock.now += pause
        log.open(106, "contacts", "/", IDS, 0)

    minute = log.minute()
    assert len(minute) == SPAN
    assert [(second.requests, second.entries) for second in minute[-3:]] == [(0, 0), (2, 4), (1, 2)]

    clock.now += SPAN
    assert [second.requests for second in log.minute()] == [0] * SPAN


def test_a_cleared_journal_counts_on() -> None:
    """Whoever polls by number misses nothing."""
    log = journal()
    log.open(106, "contacts", "/", IDS, 0)

    log.clear()
    log.open(106, "contacts", "/", IDS, 0)

    assert [one.number for one in log] == [2]
    assert log.totals().requests == 1
