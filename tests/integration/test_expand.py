"""Expand: a changed row that stands for many contacts becomes those contacts."""

from __future__ import annotations

import json

import pytest

from tests.integration.engine import PROJECT, Engine, document
from worker.expand import expand as room

KEYS = "SELECT c.id FROM crm.contacts c WHERE c.lead = changed.name"


def watch(engine: Engine, keys: str = KEYS) -> None:
    """Install a watch of companies, by hand: renamed, they concern the contacts of whom they are the lead."""
    engine.sql(
        "INSERT INTO ringostat_sync.watches (id, source, table_name, keys, definition)"
        " VALUES ('w', 'contacts', 'crm.companies', %s, '{}') ON CONFLICT (id) DO UPDATE SET keys = excluded.keys",
        keys,
    )


def rename(engine: Engine, name: str | None = "Acme") -> None:
    """What the trigger writes."""
    engine.sql(
        "INSERT INTO ringostat_sync.outbox (source, watch, changed) VALUES ('contacts', 'w', %s)",
        json.dumps({"name": name}),
    )


def of_company(engine: Engine, first: int, last: int) -> None:
    engine.contacts(first, last)
    engine.sql("UPDATE crm.contacts SET lead = 'Acme' WHERE id BETWEEN %s AND %s", first, last)


def expand(engine: Engine) -> int:
    return engine.parts.expander.expand(PROJECT)


def test_the_round_says_that_something_is_to_be_expanded(engine: Engine) -> None:
    """As long as it waits, and no longer."""
    watch(engine)
    rename(engine)
    assert engine.parts.collector.round(PROJECT).expansions

    assert expand(engine) == 1
    assert not engine.parts.collector.round(PROJECT).expansions


def test_every_contact_of_the_row_is_sent_once(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """In chunks; those that the SELECT repeats count once, and a null key names nobody."""
    monkeypatch.setattr(room, "CHUNK", 10)
    of_company(engine, 1, 35)
    engine.contacts(36, 40)
    watch(engine, f"{KEYS} UNION ALL {KEYS} UNION ALL SELECT NULL")
    rename(engine)
    rename(engine)
    engine.collect()
    assert expand(engine) == 2
    engine.sql("UPDATE crm.contacts SET lead = NULL")
    engine.drain()

    assert engine.lane().sent == 35
    assert len(engine.posted()) == 1


def test_an_expansion_that_was_interrupted_begins_again(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between two chunks, the row is still there, and every contact waits once in the end."""
    monkeypatch.setattr(room, "CHUNK", 10)
    of_company(engine, 1, 35)
    watch(engine)
    rename(engine)
    engine.collect()
    with monkeypatch.context() as patch:
        run, count = room.sql, []

        def dying(package: str, name: str):
            count.append(name)
            if count.count("wait") == 3:
                raise KeyboardInterrupt
            return run(package, name)

        patch.setattr(room, "sql", dying)
        with pytest.raises(KeyboardInterrupt):
            expand(engine)
    assert len(engine.waiting()) == 20

    assert expand(engine) == 1
    assert len(engine.waiting()) == 35


def test_they_wait_between_live_changes_and_backfills(engine: Engine) -> None:
    """A renamed company does not delay a single edit, and is not delayed by a backfill."""
    of_company(engine, 1, 3)
    watch(engine)
    engine.pause()
    engine.backfill()
    engine.sql("DELETE FROM ringostat_sync.pending WHERE key = '2'")
    engine.contacts(4, 5)
    engine.change(1)
    rename(engine)
    engine.collect()
    expand(engine)
    engine.sql("INSERT INTO ringostat_sync.pending SELECT * FROM ringostat_sync.pending WHERE false")

    assert {key: row.priority for key, row in engine.waiting().items()} == {"1": 0, "2": 1, "3": 1}


def test_a_newer_payload_is_not_replaced(engine: Engine) -> None:
    """The highest id wins, whoever is later to be taken in."""
    of_company(engine, 1, 1)
    watch(engine)
    rename(engine)
    engine.payload(1, document("Newer"))
    engine.pause()
    engine.collect()
    expand(engine)
    engine.resume()
    engine.drain()

    assert engine.history(1) == ["Newer"]


@pytest.mark.parametrize("keys", ["SELECT nobody FROM crm.contacts", "SELECT 1 / 0"])
def test_a_broken_select_pauses_and_heals(engine: Engine, keys: str) -> None:
    """The row waits until the SELECT is installed anew; nothing is lost."""
    of_company(engine, 1, 3)
    watch(engine, keys)
    rename(engine)
    engine.collect()
    assert expand(engine) == 0
    paused = engine.lane().paused
    assert paused is not None
    assert paused.reason == "mapping_broken"

    watch(engine)
    assert expand(engine) == 1
    engine.drain()
    assert (engine.lane().sent, engine.lane().paused) == (3, None)


def test_a_watch_that_is_not_installed_loses_nothing(engine: Engine) -> None:
    """Removed with rows of its own still waiting: the project says so, and they wait."""
    of_company(engine, 1, 3)
    rename(engine)
    engine.collect()
    assert expand(engine) == 0
    assert engine.sql("SELECT reason::text, detail LIKE '%%capture install%%' FROM ringostat_sync.pauses") == [
        ("mapping_broken", True)
    ]

    watch(engine)
    assert expand(engine) == 1


def test_one_expands_at_a_time(engine: Engine) -> None:
    """A second expander of the project leaves at once."""
    of_company(engine, 1, 3)
    watch(engine)
    rename(engine)
    engine.collect()
    with engine.parts.engine.connect() as other:
        other.exec_driver_sql(f"SELECT pg_advisory_lock(hashtextextended('ringostat-sync expand {PROJECT}', 0))")
        assert expand(engine) == 0
        other.exec_driver_sql("SELECT pg_advisory_unlock_all()")

    assert expand(engine) == 1
