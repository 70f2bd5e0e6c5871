"""Backfill: every key of a source goes into the queue, behind live changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.support.engine import Engine, document
from worker.backfill import backfill as room
from worker.backfill.backfill import Backfill, Cursor
from worker.database.engines import crm_engine
from worker.errors import ConfigError, MappingBrokenError, ReplicaUnavailableError
from worker.projects.routes import Projects


def make(engine: Engine, source: str = "contacts", **options) -> Backfill:
    return Backfill(
        engine.wiring.engine, engine.wiring.crm, engine.wiring.mapping, engine.wiring.mapping.sources[source], **options
    )


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of ten keys."""
    monkeypatch.setattr(room, "CHUNK", 10)


def test_every_key_is_sent(engine: Engine) -> None:
    """Those that the mapping returns, once each; hidden ones are none of them."""
    engine.contacts(1, 120)
    engine.sql("UPDATE crm.contacts SET hidden = true WHERE id > 100")
    backfill = make(engine)
    assert backfill.count() == 100

    assert list(backfill.run()) == [0, 100]
    engine.drain()
    assert (engine.lane().sent, engine.lane().absent) == (100, 0)


def test_what_is_unchanged_is_not_sent_again(engine: Engine) -> None:
    """A second backfill costs no request."""
    engine.contacts(1, 50)
    list(make(engine).run())
    engine.drain()
    list(make(engine).run())
    engine.drain()

    assert len(engine.posted()) == 1
    assert engine.lane().unchanged == 50


def test_force_sends_the_unchanged(engine: Engine) -> None:
    """Every one of them, once."""
    engine.contacts(1, 50)
    list(make(engine).run())
    engine.drain()
    list(make(engine, forced=True).run())
    engine.drain()
    list(make(engine).run())
    engine.drain()

    assert len(engine.posted()) == 2
    assert (engine.lane().sent, engine.lane().unchanged) == (100, 50)


@pytest.mark.parametrize(
    ("where", "count"),
    [
        ("q.key <= 3", 3),
        ("key <= 3", 3),
        ("q.\"fullName\" LIKE 'Name 1%'", 11),
        ('"leadId" IS NOT NULL', 0),
        ("q.key IN (1, 2) OR q.key = 7 -- these", 3),
    ],
)
def test_where_chooses_among_the_keys(engine: Engine, where: str, count: int) -> None:
    """SQL over the query's own columns."""
    engine.contacts(1, 19)
    list(make(engine, where=where).run())

    assert engine.lane().pending == count


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("q.nobody = 1", "column q.nobody does not exist"),
        ("1", "argument of AND must be type boolean, not type integer"),
        ("q.key < 'abc'", 'invalid input syntax for type bigint: "abc"'),
        ("\"fullName\" LIKE '%' AND 1 / (q.key - 3) = 1", "it can't be computed for every row: 22012 DivisionByZero"),
        ('"fullName"::int = 1', "it can't be computed for every row: 22P02 InvalidTextRepresentation"),
    ],
)
def test_a_condition_that_fails_puts_nothing_in(engine: Engine, where: str, told: str) -> None:
    """A typing error is told as what it is, in PostgreSQL's words where they hold nothing of a contact's."""
    engine.contacts(1, 3)
    for step in (Backfill.count, lambda work: list(work.run())):
        with pytest.raises(ConfigError) as caught:
            step(make(engine, where=where))
        assert str(caught.value) == f"--where: {told}: correct the condition."

    assert engine.lane().pending == 0


def test_a_condition_is_not_blamed_for_a_broken_query(engine: Engine) -> None:
    """It would fail without."""
    engine.remap('[[sources]]\nname = "gone"\nmethod = "contacts"\nquery = "gone.sql"\n', gone="SELECT 1 AS no_key")
    with pytest.raises(MappingBrokenError, match="The query of source 'gone' fails"):
        make(engine, "gone", where="true").count()


def test_a_row_that_can_not_be_computed_stops_no_other(engine: Engine) -> None:
    """Even if PostgreSQL computes all columns to tell rows apart; how many keys there are can't be counted then."""
    engine.contacts(1, 3)
    engine.remap(
        '[[sources]]\nname = "apart"\nmethod = "contacts"\nidentity = "leadId"\nquery = "apart.sql"\n',
        apart='SELECT DISTINCT c.id AS key, 1 / (c.id - 3) AS "fullName" FROM crm.contacts c',
    )
    assert make(engine, "apart").count() is None
    list(make(engine, "apart").run())

    assert engine.waiting().keys() == {"1", "2"}


def test_a_key_that_a_join_repeats_counts_once(engine: Engine) -> None:
    """Keys are counted, not rows."""
    engine.contacts(1, 30)
    engine.remap(
        '[[sources]]\nname = "joined"\nmethod = "contacts"\nidentity = "leadId"\nquery = "joined.sql"\n',
        joined="SELECT c.id AS key, 'N' AS \"fullName\" FROM crm.contacts c, generate_series(1, 3)",
    )
    backfill = make(engine, "joined")

    assert (backfill.count(), list(backfill.run())[-1]) == (30, 30)


@pytest.mark.usefixtures("small_chunks")
def test_an_interrupted_backfill_goes_on(engine: Engine) -> None:
    """The same command goes on after the last chunk that is in, and neither skips nor repeats a key."""
    engine.contacts(1, 35)
    stopped: Iterator[int] = make(engine).run()
    assert [next(stopped) for _ in range(3)] == [0, 10, 20]
    stopped.close()  # type: ignore[attr-defined]
    engine.drain()
    assert engine.lane().sent == 20

    assert list(make(engine).run()) == [20, 30, 35]
    engine.drain()
    assert (engine.lane().sent, engine.lane().unchanged) == (35, 0)


@pytest.mark.usefixtures("small_chunks")
def test_a_stopped_backfill_can_begin_anew(engine: Engine) -> None:
    """Its place tells how far it had come and since when; then it begins before the first key."""
    engine.contacts(1, 25)
    stopped = make(engine).run()
    assert [next(stopped), next(stopped)] == [0, 10]
    stopped.close()  # type: ignore[attr-defined]
    [[begun]] = engine.sql("SELECT started_at FROM ringostat_sync.backfills")
    assert make(engine).begin() == Cursor(10, "10", begun)

    assert make(engine).begin_anew().after is None
    assert list(make(engine).run()) == [0, 10, 20, 25]


@pytest.mark.usefixtures("small_chunks")
def test_a_place_that_is_no_key_any_longer_is_none(engine: Engine) -> None:
    """The query's key has another type now: the backfill begins before its first key."""
    engine.contacts(1, 25)
    stopped = make(engine).run()
    assert [next(stopped), next(stopped)] == [0, 10]
    stopped.close()  # type: ignore[attr-defined]
    source = engine.wiring.mapping.sources["contacts"]
    query = source.query.replace("c.id AS key", "md5(c.id::text)::uuid AS key")
    changed = Backfill(engine.wiring.engine, engine.wiring.crm, engine.wiring.mapping, replace(source, query=query))

    assert list(changed.run()) == [0, 10, 20, 25]


@pytest.mark.usefixtures("small_chunks")
def test_a_finished_backfill_begins_anew(engine: Engine) -> None:
    """The same command a second time is a backfill of its own."""
    engine.contacts(1, 15)

    assert list(make(engine).run()) == list(make(engine).run()) == [0, 10, 15]


@pytest.mark.usefixtures("small_chunks")
def test_another_condition_is_another_backfill(engine: Engine) -> None:
    """It does not go on where the first one stopped, and does not disturb it."""
    engine.contacts(1, 30)
    stopped = make(engine).run()
    assert [next(stopped), next(stopped)] == [0, 10]
    stopped.close()  # type: ignore[attr-defined]

    assert list(make(engine, where="q.key > 5").run()) == [0, 10, 20, 25]
    assert list(make(engine).run()) == [10, 20, 30]


@pytest.mark.usefixtures("small_chunks")
def test_a_killed_backfill_repeats_no_key(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys and progress are one transaction: killed between chunks, the next run counts right."""
    engine.contacts(1, 30)
    backfill = make(engine)
    wait = Backfill._wait

    def dying(self, keys: list[str], named: Projects, done: int) -> None:
        if done == 20:
            raise KeyboardInterrupt
        wait(self, keys, named, done)

    with monkeypatch.context() as patch:
        patch.setattr(Backfill, "_wait", dying)
        with pytest.raises(KeyboardInterrupt):
            list(backfill.run())
    assert engine.lane().pending == 10

    assert list(make(engine).run()) == [10, 20, 30]
    assert engine.lane().pending == 30


def test_a_backfill_does_not_replace_what_waits(engine: Engine) -> None:
    """A live change keeps its place and its document; with force it is sent by force."""
    engine.contacts(1, 2)
    engine.payload(1, document("Payload"))
    engine.wiring.collector._ingest(engine.wiring.mapping.sources["contacts"], 0)
    list(make(engine, forced=True).run())
    row = engine.waiting()["1"]

    assert (row.priority, row.payload["fullName"], row.forced) == (0, "Payload", True)
    assert engine.waiting()["2"].priority == 2


def test_a_key_that_the_mapping_repeats_is_a_letter(engine: Engine) -> None:
    """A mistake in the mapping does not stop the backfill of the others."""
    engine.contacts(1, 3)
    engine.remap(
        '[[sources]]\nname = "twice"\nmethod = "contacts"\nidentity = "leadId"\nquery = "twice.sql"\n',
        twice=f"({_without_end(engine)}) UNION ALL ({_without_end(engine)} AND c.id = 2)".replace(
            "json_build", "jsonb_build"
        ),
    )
    list(make(engine, "twice").run())
    engine.drain()

    assert engine.dead_letters() == [("2", "duplicate_key")]
    assert engine.lane().sent == 2


def test_a_forced_backfill_survives_repeated_keys_too(engine: Engine) -> None:
    """Force makes no difference to that."""
    engine.contacts(1, 3)
    engine.remap(
        '[[sources]]\nname = "twice"\nmethod = "contacts"\nidentity = "leadId"\nquery = "twice.sql"\n',
        twice=f"({_without_end(engine)}) UNION ALL ({_without_end(engine)} AND c.id = 2)".replace(
            "json_build", "jsonb_build"
        ),
    )
    list(make(engine, "twice", forced=True).run())

    assert engine.lane().pending == 3


def _without_end(engine: Engine) -> str:
    return (engine.folder / "contacts.sql").read_text(encoding="utf-8").split(";")[0]


def test_a_null_key_names_nobody(engine: Engine) -> None:
    """Contacts without a lead are not in the source of leads."""
    engine.contacts(1, 3)
    engine.remap(
        '[[sources]]\nname = "loose"\nmethod = "contacts"\nidentity = "leadId"\nquery = "loose.sql"\n',
        loose='SELECT c.lead AS key, c.name AS "fullName" FROM crm.contacts c',
    )
    engine.sql("UPDATE crm.contacts SET lead = 'L1' WHERE id = 1")

    assert list(make(engine, "loose").run()) == [0, 1]


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("key_type", ["bigint", "text", "uuid", "numeric(10,2)", "date", "timestamptz"])
def test_keys_of_any_type_resume_in_their_own_order(engine: Engine, key_type: str) -> None:
    """Numbers as numbers, text as text: after an interruption every key is in exactly once."""
    values = {
        "uuid": "md5(g::text)::uuid",
        "date": "date '2026-01-01' + g",
        "timestamptz": "now() + g * interval '1.5 s'",
    }
    engine.sql(
        f"CREATE TABLE crm.typed AS SELECT CAST({values.get(key_type, 'g - 12')} AS {key_type}) AS k FROM generate_series(1, 25) g"
    )
    engine.remap(
        '[[sources]]\nname = "typed"\nmethod = "contacts"\nquery = "typed.sql"\n',
        typed="SELECT k AS key, 'N' AS \"fullName\" FROM crm.typed",
    )
    stopped = make(engine, "typed").run()
    assert [next(stopped), next(stopped)] == [0, 10]
    stopped.close()  # type: ignore[attr-defined]

    assert list(make(engine, "typed").run()) == [10, 20, 25]
    assert engine.lane().pending == 25


def test_a_backfill_reads_through_the_mapping_only(engine: Engine) -> None:
    """The CRM is never written to: its connection cannot."""
    with engine.wiring.crm.connect() as connection, pytest.raises(DBAPIError, match="read-only"):
        connection.execute(text("UPDATE crm.contacts SET name = 'x'"))


def test_a_crm_that_is_away_is_told(engine: Engine) -> None:
    """Whoever asks for a backfill hears what to look at."""
    away = crm_engine(engine.database_url + "_away")

    with pytest.raises(ReplicaUnavailableError, match="CRM_DATABASE_URL"):
        list(
            Backfill(engine.wiring.engine, away, engine.wiring.mapping, engine.wiring.mapping.sources["contacts"]).run()
        )
