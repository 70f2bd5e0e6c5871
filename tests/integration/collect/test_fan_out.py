"""Expand: a changed row that stands for many contacts becomes those contacts."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.support.engine import PROJECT, Engine, document
from worker.collect import fan_out as room
from worker.config.model import Watch
from worker.database.engines import crm_engine
from worker.listen.look import look

KEYS = "SELECT c.id FROM crm.contacts c WHERE c.lead = changed.name"


def watch(engine: Engine, keys: str = KEYS) -> None:
    """Install a watch of companies, by hand: renamed, they concern the contacts of whom they are the lead."""
    engine.sql(
        "INSERT INTO ringostat_sync.watches (id, source, table_name, keys, definition)"
        " VALUES ('w', 'contacts', 'crm.companies', %s, '{}') ON CONFLICT (id) DO UPDATE SET keys = excluded.keys",
        keys,
    )


def believe(engine: Engine, keys: str) -> None:
    """Put the watch into the mapping, which is read when a process starts."""
    sources = engine.wiring.mapping.sources
    sources["contacts"] = replace(sources["contacts"], watches=(Watch("crm.companies", keys=keys),))


def rename(engine: Engine, name: str | None = "Acme") -> None:
    """What the trigger writes."""
    engine.sql(
        "INSERT INTO ringostat_sync.outbox (source, watch, changed) VALUES ('contacts', 'w', %s)",
        json.dumps({"name": name}),
    )


def of_company(engine: Engine, first: int, last: int) -> None:
    engine.contacts(first, last)
    engine.sql("UPDATE crm.contacts SET lead = 'Acme' WHERE id BETWEEN %s AND %s", first, last)


def fan_out(engine: Engine) -> int:
    return engine.wiring.fan_out.run(PROJECT)


def test_the_round_says_that_something_is_to_be_fanned_out(engine: Engine) -> None:
    """As long as it waits, and no longer."""
    watch(engine)
    rename(engine)
    assert engine.wiring.collector.round(PROJECT).has_fan_outs

    assert fan_out(engine) == 1
    assert not engine.wiring.collector.round(PROJECT).has_fan_outs


def test_every_contact_of_the_row_is_sent_once(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """In chunks; those that the SELECT repeats count once, and a null key names nobody."""
    monkeypatch.setattr(room, "CHUNK", 10)
    of_company(engine, 1, 35)
    engine.contacts(36, 40)
    watch(engine, f"{KEYS} UNION ALL {KEYS} UNION ALL SELECT NULL")
    rename(engine)
    rename(engine, "Other")
    engine.collect()
    assert fan_out(engine) == 2
    engine.sql("UPDATE crm.contacts SET lead = NULL")
    engine.drain()

    assert engine.lane().sent == 35
    assert len(engine.posted()) == 1


def test_a_row_that_changes_again_and_again_is_fanned_out_once(engine: Engine) -> None:
    """Five renames that wait are one; its contacts are as new as the last of them."""
    of_company(engine, 1, 3)
    watch(engine)
    for _ in range(5):
        rename(engine)
        engine.collect()
    [(newest,)] = engine.sql("SELECT max(outbox_id) FROM ringostat_sync.fan_outs")

    assert fan_out(engine) == 1
    assert {row.outbox_id for row in engine.waiting().values()} == {newest}


def test_a_row_that_changes_during_its_fan_out_is_fanned_out_once_more(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often it changes meanwhile: twice at most."""
    of_company(engine, 1, 3)
    watch(engine)
    rename(engine)
    engine.collect()
    run, met = room.sql, []

    def meanwhile(package: str, name: str):
        if name == "fan_out" and not met:
            met.append(name)
            for _ in range(4):
                rename(engine)
                engine.wiring.collector.round(PROJECT)
        return run(package, name)

    monkeypatch.setattr(room, "sql", meanwhile)

    assert fan_out(engine) == 2
    assert engine.sql("SELECT count(*) FROM ringostat_sync.fan_outs") == [(0,)]


def test_a_fan_out_that_was_interrupted_begins_again(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
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
            if count.count("fan_out") == 3:
                raise KeyboardInterrupt
            return run(package, name)

        patch.setattr(room, "sql", dying)
        with pytest.raises(KeyboardInterrupt):
            fan_out(engine)
    assert len(engine.waiting()) == 20

    assert fan_out(engine) == 1
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
    fan_out(engine)

    assert {key: row.priority for key, row in engine.waiting().items()} == {"1": 0, "2": 1, "3": 1}


def test_a_newer_payload_is_not_replaced(engine: Engine) -> None:
    """The highest id wins, whoever is later to be ingested."""
    of_company(engine, 1, 1)
    watch(engine)
    rename(engine)
    engine.payload(1, document("Newer"))
    engine.pause()
    engine.collect()
    fan_out(engine)
    engine.resume()
    engine.drain()

    assert engine.history(1) == ["Newer"]


def test_a_broken_select_pauses_and_heals(engine: Engine) -> None:
    """Where the CRM is at fault, the row waits until the SELECT runs again; nothing is lost."""
    keys = KEYS.replace("c.lead", "c.nobody")
    of_company(engine, 1, 3)
    watch(engine, keys)
    believe(engine, keys)
    rename(engine)
    engine.collect()
    assert fan_out(engine) == 0
    paused = engine.lane().paused
    assert paused is not None
    assert paused.reason == "mapping_broken"

    engine.sql("ALTER TABLE crm.contacts RENAME lead TO nobody")
    assert fan_out(engine) == 1
    engine.sql("ALTER TABLE crm.contacts RENAME nobody TO lead")
    engine.drain()
    assert (engine.lane().sent, engine.lane().paused) == (3, None)


def test_a_select_that_was_mended_in_the_mapping_leaves_no_row_behind(engine: Engine) -> None:
    """What the broken one has captured is fanned out by reading the whole source; what comes after it as ever."""
    of_company(engine, 1, 3)
    engine.contacts(4, 5)
    watch(engine, KEYS.replace("c.lead", "c.nobody"))
    believe(engine, KEYS)
    rename(engine)
    engine.collect()
    assert fan_out(engine) == 1
    engine.drain()

    assert engine.lane().sent == 5
    assert engine.sql("SELECT count(*) FROM ringostat_sync.fan_outs") == [(0,)]


def test_a_row_whose_values_fail_in_its_select_holds_up_nobody(engine: Engine) -> None:
    """Nobody knows whom it concerns: the source is read as a whole, and the project goes on."""
    of_company(engine, 1, 3)
    keys = f"{KEYS} AND CAST(changed.name AS text) <> ALL (ARRAY(SELECT CAST(CAST(changed.name AS int) AS text)))"
    watch(engine, keys)
    believe(engine, keys)
    rename(engine, "no number")
    rename(engine, "7")
    engine.collect()
    assert fan_out(engine) == 1
    engine.drain()

    assert (engine.lane().sent, engine.lane().paused) == (3, None)
    assert engine.sql("SELECT count(*) FROM ringostat_sync.fan_outs") == [(0,)]


def test_a_source_that_is_read_as_a_whole_sends_only_what_changed(engine: Engine) -> None:
    """And begins at its first key, wherever a backfill of an operator's has stopped."""
    engine.contacts(1, 5)
    engine.backfill()
    engine.drain()
    engine.sql(
        "INSERT INTO ringostat_sync.backfills (source, condition, last_key, done) VALUES ('contacts', '', '4', 4)"
    )
    engine.contacts(2, 2, name="New")
    rename(engine)
    engine.collect()
    fan_out(engine)
    engine.drain()

    assert engine.posted()[1:] == [["2"]]
    assert engine.sql("SELECT last_key FROM ringostat_sync.backfills") == [("4",)]


def test_a_reading_that_was_interrupted_begins_at_the_first_key(engine: Engine) -> None:
    """What it has put in by then was sent before this row came."""
    engine.contacts(1, 5)
    engine.sql(
        "INSERT INTO ringostat_sync.backfills (source, condition, last_key, done) VALUES ('contacts', 'true', '4', 4)"
    )
    rename(engine)
    engine.collect()
    fan_out(engine)
    engine.drain()

    assert engine.lane().sent == 5


def test_a_change_that_could_not_be_captured_has_the_source_read(engine: Engine) -> None:
    """The trigger knew that something has changed, and no more."""
    of_company(engine, 1, 3)
    watch(engine)
    believe(engine, KEYS)
    engine.sql("INSERT INTO ringostat_sync.outbox (source, watch, changed) VALUES ('contacts', 'w', 'null')")
    engine.collect()
    assert fan_out(engine) == 1
    engine.drain()

    assert engine.lane().sent == 3


def test_a_row_of_an_unknown_watch_loses_nothing(engine: Engine) -> None:
    """Whatever has become of its definition, the whole source is read."""
    of_company(engine, 1, 3)
    rename(engine)
    engine.collect()
    assert fan_out(engine) == 1
    engine.drain()

    assert (engine.lane().sent, engine.lane().paused) == (3, None)


def test_one_expands_at_a_time(engine: Engine) -> None:
    """A second fan_out of the project leaves at once."""
    of_company(engine, 1, 3)
    watch(engine)
    rename(engine)
    engine.collect()
    with engine.wiring.engine.connect() as other:
        other.exec_driver_sql(f"SELECT pg_advisory_lock(hashtextextended('ringostat-sync fan-out {PROJECT}', 0))")
        assert fan_out(engine) == 0
        other.exec_driver_sql("SELECT pg_advisory_unlock_all()")

    assert fan_out(engine) == 1


def test_many_changed_rows_that_wait_are_not_read(engine: Engine) -> None:
    """The next is looked up, and so is whether there is any, however many wait."""
    watch(engine)
    engine.sql(
        "INSERT INTO ringostat_sync.fan_outs (source, outbox_id, watch, changed, captured_at)"
        " SELECT 'contacts', g, 'w', jsonb_build_object('id', g), now() FROM generate_series(1, 50000) g"
    )
    before = engine.entries_read("fan_outs")
    with engine.wiring.engine.connect() as connection:
        assert look(connection, engine.wiring.mapping) == {PROJECT}
    assert engine.wiring.fan_out._next(["contacts", "leads"]).outbox_id == 1

    assert engine.entries_read("fan_outs") - before < 10


def test_without_the_crm_the_row_waits(engine: Engine) -> None:
    """A CRM that refuses the connection is no failure of the task."""
    watch(engine)
    rename(engine)
    engine.collect()
    engine.wiring.fan_out.crm = crm_engine(engine.database_url + "_away")
    assert fan_out(engine) == 0

    assert engine.lane().paused is None
    assert engine.wiring.collector.round(PROJECT).has_fan_outs


def test_nothing_is_fanned_out_in_a_pause(engine: Engine) -> None:
    """Neither what waits, nor what has just come."""
    watch(engine)
    engine.pause("mapping_broken")
    rename(engine)
    assert not engine.wiring.collector.round(PROJECT).has_fan_outs
    assert not engine.wiring.collector.round(PROJECT).has_fan_outs

    engine.probe_now()
    assert engine.wiring.collector.round(PROJECT).has_fan_outs


def test_a_broken_select_does_not_put_a_probe_off(engine: Engine) -> None:
    """A pause that runs keeps its deadline and its reason, whatever is found out meanwhile."""
    keys = KEYS.replace("c.lead", "c.nobody")
    watch(engine, keys)
    believe(engine, keys)
    rename(engine)
    engine.collect()
    engine.pause("api_down")
    before = engine.sql("SELECT reason::text, until FROM ringostat_sync.pauses")
    assert fan_out(engine) == 0

    assert engine.sql("SELECT reason::text, until FROM ringostat_sync.pauses") == before
