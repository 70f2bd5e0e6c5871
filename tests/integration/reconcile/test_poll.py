"""Poll: a source without triggers is read again and again; what is unchanged costs no row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from tests.support.engine import Engine
from tests.support.waiting import wait_until
from worker.assembly import Assembly
from worker.read.walk import Walk
from worker.reconcile.polled import Polled
from worker.reconcile.reconcile import Step

POLLED = """
[[sources]]
name = "polled"
method = "contacts"
identity = "leadId"
query = "polled.sql"
capture = "poll"
poll_interval = 1
"""
QUERY = """
SELECT c.id AS key, c.name AS "fullName", c.changed AS watermark,
    json_build_array(json_build_object('type', 'phone', 'value', '0671234567')) AS "contactDirections"
FROM crm.polled c
"""
WITHOUT = QUERY.replace("c.changed AS watermark,", "")
TIMES = "CREATE TABLE crm.polled (id bigint PRIMARY KEY, name text, changed timestamptz DEFAULT now())"
NUMBERS = "CREATE SEQUENCE crm.versions;" + (
    " CREATE TABLE crm.polled (id bigint PRIMARY KEY, name text, changed bigint DEFAULT nextval('crm.versions'))"
)


@pytest.fixture
def polled(engine: Engine) -> Callable[..., Engine]:
    """An engine with a polled source."""

    def make(table: str, query: str = QUERY, more: str = "") -> Engine:
        engine.sql(table)
        engine.remap(POLLED + more, polled=query)
        return engine

    return make


def poll(engine: Engine, parts: Assembly | None = None) -> int:
    """A whole poll of the source; how many contacts it lets wait, all of which are then sent."""
    reconciler = (parts or engine.wiring).reconciler
    before = set(engine.waiting())
    while reconciler.poll(engine.wiring.mapping.sources["polled"]).step is not Step.ENDED:
        pass
    found = len(set(engine.waiting()) - before)
    engine.drain()
    return found


def read(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many contacts a poll reads."""
    count = 0
    chunks = Walk.chunks

    def counting(self: Walk, after: str | None) -> Any:
        nonlocal count
        for chunk in chunks(self, after):
            count += len(chunk)
            yield chunk

    with monkeypatch.context() as patch:
        patch.setattr(Walk, "chunks", counting)
        poll(engine)
    return count


def leads(engine: Engine) -> dict[str, str]:
    return {row["leadId"]: row["fullName"] for row in engine.sandbox_json("contacts")}


@pytest.mark.parametrize(("table", "query"), [(TIMES, WITHOUT), (TIMES, QUERY), (NUMBERS, QUERY)])
def test_a_first_poll_reads_everybody_and_later_ones_what_is_new(
    polled: Callable[..., Engine], table: str, query: str
) -> None:
    """And what has not changed writes nothing."""
    engine = polled(table, query)
    engine.sql("INSERT INTO crm.polled (id, name) SELECT g, 'Name' FROM generate_series(1, 30) g")
    assert poll(engine) == 30
    assert poll(engine) == 0
    engine.sql("UPDATE crm.polled SET name = 'Changed', changed = DEFAULT WHERE id = 7")
    engine.sql("INSERT INTO crm.polled (id, name) VALUES (31, 'New')")

    assert poll(engine) == 2
    assert (leads(engine)["7"], leads(engine)["31"]) == ("Changed", "New")


def test_a_whole_poll_finds_deletes_and_one_by_watermark_does_not(polled: Callable[..., Engine]) -> None:
    """A row that is not there has no watermark; the nightly reconciliation finds it."""
    engine = polled(TIMES)
    engine.sql("INSERT INTO crm.polled (id, name) SELECT g, 'Name' FROM generate_series(1, 3) g")
    poll(engine)
    engine.sql("DELETE FROM crm.polled WHERE id = 1")
    assert poll(engine) == 0
    assert engine.wiring.reconciler.stretch(engine.wiring.mapping.sources["polled"]).figures.gone == 1
    engine.drain()
    engine.sql("DELETE FROM crm.polled WHERE id = 2")
    (engine.folder / "polled.sql").write_text(WITHOUT, encoding="utf-8")
    engine.remap("")
    engine.wiring.__dict__.pop("reconciler")
    assert poll(engine) == 1

    assert engine.lane().absent == 2


@pytest.mark.parametrize("table", [TIMES, NUMBERS])
def test_only_what_is_newer_is_read(polled: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch, table: str) -> None:
    """Beyond the margin nothing is read again."""
    engine = polled(table, more="poll_margin = 1\n")
    engine.sql("INSERT INTO crm.polled (id, name) SELECT g, 'Name' FROM generate_series(1, 30) g")
    engine.sql("UPDATE crm.polled SET changed = now() - interval '1 hour'") if table == TIMES else None
    engine.sql("INSERT INTO crm.polled (id, name) VALUES (99, 'Last')")
    poll(engine)
    engine.sql("UPDATE ringostat_sync.walks SET next_watermark_at = next_watermark_at - interval '2 s'")
    poll(engine)
    engine.sql("INSERT INTO crm.polled (id, name) VALUES (100, 'New')")

    assert 1 <= read(engine, monkeypatch) <= 2
    assert leads(engine)["100"] == "New"


@pytest.mark.parametrize("table", [TIMES, NUMBERS])
def test_what_is_committed_late_is_found(polled: Callable[..., Engine], table: str) -> None:
    """A transaction that was open during several polls had its watermark before the others'."""
    engine = polled(table)
    engine.sql("INSERT INTO crm.polled (id, name) SELECT g, 'Name' FROM generate_series(1, 3) g")
    poll(engine)
    with psycopg.connect(engine.database_url) as late:
        late.execute("UPDATE crm.polled SET name = 'Late', changed = DEFAULT WHERE id = 1")
        engine.sql("UPDATE crm.polled SET name = 'Early', changed = DEFAULT WHERE id = 2")
        for _ in range(3):
            poll(engine)
        engine.sql("INSERT INTO crm.polled (id, name) VALUES (4, 'Between')")
        poll(engine)
        late.commit()
    poll(engine)

    assert leads(engine) == {"1": "Late", "2": "Early", "3": "Name", "4": "Between"}


def test_a_time_in_the_future_hides_nobody(polled: Callable[..., Engine]) -> None:
    """A row that is dated wrongly does not become the watermark."""
    engine = polled(TIMES)
    engine.sql("INSERT INTO crm.polled VALUES (1, 'Name', '2999-01-01'), (2, 'Name', now() - interval '1 day')")
    poll(engine)
    engine.sql("UPDATE crm.polled SET name = 'Changed', changed = now() WHERE id = 2")

    assert poll(engine) == 1


def test_a_source_has_its_turn_after_its_interval(polled: Callable[..., Engine]) -> None:
    """Counted from the end of its last poll, by PostgreSQL's clock."""
    engine = polled(TIMES)
    engine.sql("INSERT INTO crm.polled (id, name) VALUES (1, 'Name')")
    turns = engine.wiring.turns
    turns.poll()
    engine.drain()
    engine.sql("UPDATE crm.polled SET name = 'Changed', changed = now()")
    engine.sql("UPDATE ringostat_sync.walks SET ended_at = clock_timestamp() + interval '1 h'")
    turns.poll()
    assert engine.waiting() == {}
    engine.sql("UPDATE ringostat_sync.walks SET ended_at = clock_timestamp() - interval '1.1 s'")
    turns.poll()

    assert engine.waiting().keys() == {"1"}


@pytest.mark.parametrize(
    ("shares", "names"), [(True, {"polled"}), (False, {"contacts", "leads", "companies", "polled"})]
)
def test_sources_are_polled_that_say_so_or_have_no_triggers(
    polled: Callable[..., Engine], shares: bool, names: set[str]
) -> None:
    """The outbox has to be in the CRM's database for triggers."""
    found = Polled(polled(TIMES).wiring.mapping, takes_no_triggers=lambda: not shares)()

    assert {source.name for source in found} == names


def test_a_database_in_which_we_may_only_read_is_polled(polled: Callable[..., Engine]) -> None:
    """The role has SELECT and nothing else, and its transactions are read-only."""
    engine = polled(TIMES)
    engine.sql("INSERT INTO crm.polled (id, name) SELECT g, 'Name' FROM generate_series(1, 3) g")
    engine.sql("DROP ROLE IF EXISTS reader_of_polls")
    engine.sql("CREATE ROLE reader_of_polls LOGIN PASSWORD 'p' IN ROLE pg_read_all_data")
    engine.sql("ALTER ROLE reader_of_polls SET default_transaction_read_only = on")
    address = make_url(engine.database_url).set(username="reader_of_polls", password="p")
    settings = engine.wiring.settings.model_copy(
        update={
            "crm_database_url": type(engine.wiring.settings.database_url)(address.render_as_string(hide_password=False))
        }
    )
    parts = Assembly(settings, engine.wiring.mapping)
    try:
        assert poll(engine, parts) == 3
        assert poll(engine, parts) == 0
    finally:
        parts.engine.dispose()
        parts.crm.dispose()
        engine.sql("DROP ROLE reader_of_polls")


def test_a_statement_that_a_standby_cancels_is_asked_again(
    polled: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on after the last row that came."""
    engine = polled(TIMES, WITHOUT)
    engine.sql("INSERT INTO crm.polled (id, name) SELECT g, 'Name' FROM generate_series(1, 30) g")
    monkeypatch.setattr("worker.read.walk.ROWS", 10)
    fetched, cancelled = Walk._fetched, []

    def conflicting(self: Walk, *arguments: Any) -> Any:
        for number, rows in enumerate(fetched(self, *arguments)):
            if number == 1 and len(cancelled) < 2:
                cancelled.append(arguments)
                raise psycopg.errors.SerializationFailure("canceling statement due to conflict with recovery")
            yield rows

    # psycopg sets the state by the class.
    monkeypatch.setattr(Walk, "_fetched", conflicting)

    assert poll(engine) == 30
    assert len(cancelled) == 2
    wait_until(lambda: len(leads(engine)) == 30, what="all to be sent")
