"""Reconcile: what triggers have missed is found, and nothing else is touched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from tests.support.engine import PROJECT, Engine, document
from worker.config.model import Source
from worker.read import walk as reading
from worker.reconcile.reconcile import Step
from worker.reconcile.request import request
from worker.reconcile.state import Figures

ANOTHER = """
# The last of the sources.
[[sources]]
name = "others"
method = "contacts"
query = "others.sql"
"""
DIRECTIONS = "json_build_array(json_build_object('type', 'phone', 'value', c.phone))"


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of ten rows."""
    for name in ("ROWS", "KEYS", "BY_KEY"):
        monkeypatch.setattr(reading, name, 10)


def source(engine: Engine, name: str = "contacts") -> Source:
    return engine.wiring.mapping.sources[name]


def reconcile(engine: Engine, name: str = "contacts", **options: bool) -> tuple[int, int, int]:
    """Differing, never sent, gone."""
    found = engine.wiring.reconciler.stretch(source(engine, name), seconds=60.0, **options)
    assert found.step in {Step.ENDED, Step.HELD}
    return drift(found.figures)


def drift(figures: Figures) -> tuple[int, int, int]:
    return figures.differing, figures.never_sent, figures.gone


def sent(engine: Engine, last: int) -> None:
    """Contacts 1 to `last`, in the CRM and accepted."""
    engine.contacts(1, last)
    engine.backfill()
    engine.drain()


def test_what_differs_was_never_sent_or_is_gone_is_found(engine: Engine) -> None:
    """Three changes of each kind that nothing has captured; they are put right, and the next walk finds nothing."""
    sent(engine, 100)
    engine.contacts(1, 3, "Changed")
    engine.contacts(101, 103)
    engine.sql("DELETE FROM crm.contacts WHERE id IN (4, 5, 6)")
    assert reconcile(engine) == (3, 3, 3)
    assert {row.priority for row in engine.waiting().values()} == {2}
    engine.drain()

    assert engine.names()["1"] == "Changed 1"
    assert (engine.lane().sent, engine.lane().absent) == (106, 3)
    assert reconcile(engine) == (0, 0, 0)


def test_what_is_unchanged_writes_nothing(engine: Engine) -> None:
    """No row of any contact is written, read or not."""
    sent(engine, 50)
    engine.sql("VACUUM ringostat_sync.deliveries")
    writes = (
        "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_stat_user_tables WHERE relname = ANY(%s)"
    )
    tables = ["deliveries", "pending", "in_flight", "drifted", "settlements", "dead_letters"]
    engine.wiring.engine.dispose()
    before = engine.sql(writes, tables)
    assert reconcile(engine) == (0, 0, 0)
    engine.wiring.engine.dispose()

    assert engine.sql(writes, tables) == before
    assert len(engine.posted()) == 1


def test_a_dry_run_writes_nothing(engine: Engine) -> None:
    """It only counts."""
    sent(engine, 5)
    engine.contacts(5, 7, "Changed")
    found = engine.wiring.reconciler.dry_run(source(engine))

    assert drift(found) == (1, 2, 0)
    assert engine.waiting() == {}
    assert (
        engine.sql("SELECT * FROM ringostat_sync.walks")
        == engine.sql("SELECT * FROM ringostat_sync.reconciliations")
        == []
    )


@pytest.mark.parametrize("act", ["leave", "discard"])
def test_a_refused_document_is_not_posted_again(engine: Engine, act: str) -> None:
    """Its letter is open, or was discarded: the same document is left alone, another one is sent."""
    sent(engine, 3)
    engine.contacts(2, 2, "Changed")
    body = built(engine, "2")
    engine.sql(
        "INSERT INTO ringostat_sync.dead_letters (project, method, identity, key, source, outbox_id, state, reason, detail,"
        " document, attempts, closed_at) VALUES (%s, 'contacts', 'externalId', '2', 'contacts', 1, %s, 'refused', 'No.', %s, 1, %s)",
        PROJECT,
        "open" if act == "leave" else "discarded",
        body,
        None if act == "leave" else "2026-01-01",
    )
    assert reconcile(engine) == (0, 0, 0)
    assert engine.waiting() == {}
    engine.contacts(2, 2, "Changed again")

    assert reconcile(engine) == (1, 0, 0)


def built(engine: Engine, key: str) -> str:
    comparison = engine.wiring.reconciler.comparison(source(engine))
    found = comparison.reader.read(source(engine), [key])[key]
    made = comparison._document(key, found)
    return made.body.decode()  # type: ignore[union-attr]


def test_an_invalid_contact_is_a_letter_once(engine: Engine) -> None:
    """As long as its row is what it was, no walk lets it wait again."""
    engine.contacts(1, 3)
    engine.sql("UPDATE crm.contacts SET name = ' ' WHERE id = 2")
    assert reconcile(engine) == (0, 3, 0)
    engine.drain()
    assert engine.dead_letters() == [("2", "invalid")]
    assert reconcile(engine) == (0, 0, 0)
    engine.sql("UPDATE crm.contacts SET lead = 'L2' WHERE id = 2")

    assert reconcile(engine) == (0, 1, 0)


def test_a_contact_in_backoff_holds_up_nobody(engine: Engine) -> None:
    """What waits already is left alone, and the others are compared."""
    sent(engine, 3)
    engine.contacts(1, 3, "Changed")
    engine.change(1)
    engine.wiring.collector._ingest(source(engine), 0)
    engine.sql("UPDATE ringostat_sync.pending SET due_at = clock_timestamp() + interval '1 hour', attempts = 3")
    assert reconcile(engine) == (2, 0, 0)

    assert engine.waiting()["1"].attempts == 3
    assert engine.waiting()["1"].later


def test_a_payloads_contact_is_not_gone(engine: Engine) -> None:
    """The mapping never returned it; one that the mapping once returned is gone when it is."""
    sent(engine, 2)
    engine.payload(900, document("Producer"))
    engine.payload(1, document("Both"))
    engine.drain()
    engine.sql("DELETE FROM crm.contacts")

    assert reconcile(engine) == (0, 0, 2)


def test_another_address_of_the_api_knows_nobody(engine: Engine) -> None:
    """What a sandbox has accepted says nothing of what Ringostat holds: all are never sent, and nothing is held."""
    sent(engine, 120)
    engine.sql("INSERT INTO ringostat_sync.addresses (url) VALUES ('https://api.ringostat.net')")
    [[other]] = engine.sql("SELECT max(id) FROM ringostat_sync.addresses")
    engine.wiring.reconciler.address.__dict__["id"] = other

    assert reconcile(engine) == (0, 120, 0)


def test_sources_alike_are_one(engine: Engine) -> None:
    """A key is gone only if none of them returns it, and the first that returns it has its document."""
    engine.remap(
        ANOTHER,
        others=f'SELECT c.id AS key, \'Other \' || c.id AS "fullName", {DIRECTIONS} AS "contactDirections" FROM crm.contacts c',
    )
    sent(engine, 4)
    assert reconcile(engine, "others") == (0, 0, 0)
    engine.sql("UPDATE crm.contacts SET hidden = true WHERE id = 1")
    assert reconcile(engine) == (0, 0, 0)
    assert reconcile(engine, "others") == (1, 0, 0)
    engine.drain()
    engine.sql("DELETE FROM crm.contacts WHERE id IN (1, 2)")
    assert (reconcile(engine), reconcile(engine, "others")) == ((0, 0, 1), (0, 0, 1))
    engine.drain()

    assert engine.names()["1"] == "Other 1"
    assert (reconcile(engine), reconcile(engine, "others")) == ((0, 0, 0), (0, 0, 0))


COLUMNS = f'c.id AS key, (1 / (c.id - 13))::text || c.name AS "fullName", to_jsonb({DIRECTIONS}) AS "contactDirections"'


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize(
    "query",
    [
        f"SELECT {COLUMNS} FROM crm.contacts c",
        f"SELECT DISTINCT {COLUMNS} FROM crm.contacts c",
        f"SELECT {COLUMNS} FROM crm.contacts c WHERE c.id < 9 UNION SELECT {COLUMNS} FROM crm.contacts c WHERE c.id > 8",
    ],
    ids=["plain", "distinct", "union"],
)
def test_one_bad_row_stops_nobody(engine: Engine, query: str) -> None:
    """All others are compared and sent, by a backfill too."""
    engine.remap('[[sources]]\nname = "bad"\nmethod = "contacts"\nidentity = "leadId"\nquery = "bad.sql"\n', bad=query)
    engine.contacts(1, 40)
    reconcile(engine, "bad")
    engine.drain()
    leads = {row["leadId"] for row in engine.sandbox_json("contacts")}
    assert {str(key) for key in range(1, 41)} - leads == {"13"}
    assert reconcile(engine, "bad") == (0, 0, 0)

    assert engine.backfill("bad")[-1] in {39, 40}


def test_more_than_a_share_is_held(engine: Engine) -> None:
    """Nothing is sent until it is confirmed; what was never sent does not count."""
    sent(engine, 100)
    engine.contacts(1, 21, "Changed")
    engine.contacts(101, 300)
    found = engine.wiring.reconciler.stretch(source(engine))
    assert (found.step, drift(found.figures)) == (Step.HELD, (21, 200, 0))
    assert engine.waiting() == {}
    assert engine.sql("SELECT known, differing, held, confirmed FROM ringostat_sync.reconciliations") == [
        (100, 21, True, False)
    ]

    assert drift(engine.wiring.reconciler.confirm(source(engine)) or Figures()) == (21, 200, 0)
    assert engine.wiring.reconciler.stretch(source(engine)).step is Step.ENDED
    assert len(engine.waiting()) == 221
    assert engine.sql("SELECT held, confirmed FROM ringostat_sync.reconciliations") == [(False, True)]


@pytest.mark.parametrize(("known", "changed", "held"), [(100, 20, False), (100, 21, True), (99, 99, False)])
def test_the_share_is_of_at_least_a_hundred(engine: Engine, known: int, changed: int, held: bool) -> None:
    """A fifth goes, more than that asks; of few contacts all may differ."""
    sent(engine, known)
    engine.contacts(1, changed, "Changed")

    assert (engine.wiring.reconciler.stretch(source(engine)).step is Step.HELD) == held


def test_the_gone_count_towards_the_share(engine: Engine) -> None:
    """A filter that has gone wrong is asked about."""
    sent(engine, 100)
    engine.sql("UPDATE crm.contacts SET hidden = true WHERE id <= 21")

    assert engine.wiring.reconciler.stretch(source(engine)).step is Step.HELD


def test_the_next_walk_replaces_what_is_held(engine: Engine) -> None:
    """What was held and is put right is not sent later."""
    sent(engine, 100)
    engine.contacts(1, 50, "Wrong")
    reconcile(engine)
    engine.contacts(1, 50)
    assert reconcile(engine) == (0, 0, 0)

    assert engine.wiring.reconciler.confirm(source(engine)) is None
    assert engine.sql("SELECT * FROM ringostat_sync.drifted") == []


@pytest.mark.usefixtures("small_chunks")
def test_a_walk_goes_on_where_it_stopped(engine: Engine) -> None:
    """A stretch ends in time; the next one, in any process, goes on after its last key, and the figures are of all."""
    sent(engine, 35)
    engine.contacts(1, 35, "Changed")
    reconcilers = [replace(engine.wiring.reconciler, clock=lambda: 1.0) for _ in range(6)]

    found = [reconciler.stretch(source(engine), seconds=0.0) for reconciler in reconcilers]

    assert [each.step for each in found] == [Step.GOES_ON] * 5 + [Step.ENDED]
    # The last key of ten may come again, so that it goes with the next.
    assert [each.figures.differing for each in found] == [9, 18, 27, 34, 35, 35]
    assert len(engine.waiting()) == 35


def test_what_is_asked_for_during_a_walk_is_done_after_it(engine: Engine) -> None:
    """The walk may have passed what was missed."""
    engine.contacts(1, 3)
    turns = engine.wiring.turns
    with engine.wiring.engine.begin() as connection:
        request(connection, "contacts", "test")
    engine.wiring.engine.dispose()
    turns.reconcile()
    assert engine.sql("SELECT requested_at, started_at FROM ringostat_sync.walks WHERE source = 'contacts'") == [
        (None, None)
    ]
    assert len(engine.waiting()) == 3
    engine.drain()
    engine.sql(
        "UPDATE ringostat_sync.walks SET started_at = clock_timestamp() - interval '1 s' WHERE source = 'contacts'"
    )
    with engine.wiring.engine.begin() as connection:
        request(connection, "contacts", "test")
    turns.reconcile()

    [[asked, begun]] = engine.sql("SELECT requested_at, started_at FROM ringostat_sync.walks WHERE source = 'contacts'")
    assert asked is not None
    assert begun is None


def test_each_source_is_reconciled_once_a_night(make_engine: Callable[..., Engine]) -> None:
    """At the time that is set, by PostgreSQL's clock; a new source begins with the next night."""
    engine = make_engine(SYNC_RECONCILE_AT="03:00")
    engine.contacts(1, 3)
    turns = engine.wiring.turns
    for _ in range(4):
        turns.reconcile()
    assert engine.waiting() == {}
    engine.sql("UPDATE ringostat_sync.walks SET nightly_at = nightly_at - interval '1 day'")
    while turns.reconcile():
        pass
    assert len(engine.waiting()) == 3
    engine.drain()
    ended = engine.sql("SELECT source, ended_at FROM ringostat_sync.walks ORDER BY source")
    while turns.reconcile():
        pass

    assert engine.sql("SELECT source, ended_at FROM ringostat_sync.walks ORDER BY source") == ended


def test_off_stops_the_nightly_one_alone(make_engine: Callable[..., Engine]) -> None:
    """What is asked for is done all the same."""
    engine = make_engine(SYNC_RECONCILE_AT="off")
    engine.contacts(1, 3)
    engine.wiring.turns.reconcile()
    assert engine.sql("SELECT * FROM ringostat_sync.walks") == []
    with engine.wiring.engine.begin() as connection:
        request(connection, "contacts", "test")
    engine.wiring.turns.reconcile()

    assert len(engine.waiting()) == 3


def test_a_source_that_can_not_be_read_holds_up_no_other(engine: Engine) -> None:
    """It has its next turn later."""
    more = ANOTHER + 'identity = "leadId"\n'
    engine.remap(more, others="SELECT 1 AS key, x FROM crm.nowhere")
    engine.contacts(1, 3)
    with engine.wiring.engine.begin() as connection:
        request(connection, "others", "test")
        request(connection, "contacts", "test")
    while engine.wiring.turns.reconcile():
        pass

    assert len(engine.waiting()) == 3


def test_one_walker_a_source(engine: Engine) -> None:
    """A second one finds it busy."""
    sent(engine, 3)
    other = replace(engine.wiring.reconciler)
    seen = []

    def look(*_: object) -> None:
        if not seen:
            seen.append(None)
            seen[0] = other.stretch(source(engine)).step

    event.listen(engine.wiring.crm, "checkout", look)
    reconcile(engine)

    assert seen == [Step.BUSY]


@given(lost=st.lists(st.tuples(st.sampled_from(["rename", "hide", "show", "delete"]), st.integers(1, 12)), max_size=12))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_after_it_the_book_equals_the_mapping(engine: Engine, lost: list[tuple[str, int]]) -> None:
    """Whatever was changed while nothing was captured; what is gone stays on the telephone, as the API has no delete."""
    if not engine.sql("SELECT FROM crm.contacts"):
        sent(engine, 8)
    for number, (what, key) in enumerate(lost):
        match what:
            case "rename":
                engine.contacts(key, key, f"Name {number}")
            case "delete":
                engine.sql("DELETE FROM crm.contacts WHERE id = %s", key)
            case _:
                engine.sql("UPDATE crm.contacts SET hidden = %s WHERE id = %s", what == "hide", key)
    reconcile(engine)
    engine.drain()
    mapped = dict(engine.sql("SELECT id::text, name FROM crm.contacts WHERE NOT hidden"))

    names = engine.names()
    assert {key: names.get(key) for key in mapped} == mapped
    assert reconcile(engine) == (0, 0, 0)
