"""A database that went back in time, or whose sequences did, is noticed by what is remembered outside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from redis import ConnectionError as RedisAway
from sqlalchemy import Engine as Database
from structlog.testing import capture_logs

from models import IncidentKind
from tests.support.engine import Engine
from tests.support.waiting import wait_until
from worker.database.engines import outbox_engine
from worker.reconcile.request import request
from worker.upkeep.incidents import OpenIncident, look_for_incidents, open_incidents
from worker.upkeep.posted import KEPT, PostedMarks
from worker.upkeep.purge import purge

BACK = "The database went back in time (a restore, or a failover that lost commits)"


def look(engine: Engine) -> list[dict[str, Any]]:
    """What a look at the incidents tells the log."""
    with capture_logs() as logs:
        _look(engine.wiring.engine, engine)
    return [dict(entry) for entry in logs]


def _look(database: Database, engine: Engine) -> None:
    reconcile = partial(request, reason="went_back")
    look_for_incidents(database, engine.wiring.marks, engine.wiring.mapping.sources, reconcile)


def incidents(engine: Engine) -> list[OpenIncident]:
    with engine.wiring.engine.connect() as connection:
        return open_incidents(connection)


def send(engine: Engine, name: str, contacts: int = 3) -> None:
    """Rename everybody, and send that; until the marks know of it."""
    engine.contacts(1, contacts, name)
    engine.change(*range(1, contacts + 1))
    engine.drain()
    [(last,)] = engine.sql("SELECT max(id) FROM ringostat_sync.requests")
    wait_until(lambda: engine.wiring.marks.newest()[-1:] and engine.wiring.marks.newest()[-1][0] == last)


@contextmanager
def restored(engine: Engine) -> Iterator[None]:
    """A backup now; at the end of the block the database is what it was."""
    address = conninfo_to_dict(engine.database_url)
    name, backup = sql.Identifier(str(address["dbname"])), sql.Identifier(f"{address['dbname']}_backup")
    with psycopg.connect(make_conninfo(**{**address, "dbname": "postgres"}), autocommit=True) as admin:

        def copy(source: sql.Identifier, target: sql.Identifier) -> None:
            engine.wiring.engine.dispose()
            engine.wiring.crm.dispose()
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(target))
            admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(target, source))

        copy(name, backup)
        try:
            yield
        finally:
            copy(backup, name)
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(backup))


def test_a_restored_database_is_noticed_and_not_believed(engine: Engine) -> None:
    """What it takes for accepted is not what the API holds: it is told once, and everybody counts as unknown."""
    send(engine, "Old")
    with restored(engine):
        send(engine, "Lost")
    [told] = look(engine)

    assert told["event"] == "went_back"
    assert told["problem"].startswith(BACK)
    assert "`ringostat-sync reconcile`" in told["problem"]
    assert [(one.kind, one.is_ready) for one in incidents(engine)] == [(IncidentKind.WENT_BACK, True)]

    assert look(engine) == []


def test_every_source_is_compared_by_itself_after_it(engine: Engine) -> None:
    """Nobody asks, and nothing is held: what the API holds is unknown, not different. The incident is over then, and not before."""
    send(engine, "Old", 120)
    with restored(engine):
        send(engine, "Lost", 120)
    look(engine)
    look(engine)
    assert len(incidents(engine)) == 1

    while engine.wiring.turns.reconcile():
        pass
    engine.drain()
    assert {engine.history(key)[-1] for key in (1, 120)} == {"Old 1", "Old 120"}
    assert [entry["event"] for entry in look(engine)] == ["went_back_is_made_good"]
    assert incidents(engine) == []


def test_it_is_noticed_after_new_requests_too(engine: Engine) -> None:
    """Their ids come again, with other times."""
    send(engine, "Old")
    with restored(engine):
        send(engine, "Lost")
    engine.contacts(1, 3, "New")
    for key in (1, 2, 3):
        engine.change(key)
        engine.push()

    assert [entry["event"] for entry in look(engine)] == ["went_back"]


def test_a_restore_is_noticed_without_redis(engine: Engine) -> None:
    """Emptied at the same moment, it can't tell what was sent: another database than the one that was last seen is not believed."""
    send(engine, "Old")
    look(engine)
    with restored(engine):
        send(engine, "Lost")
    engine.wiring.redis.flushall()
    send(engine, "New", 1)

    assert [entry["event"] for entry in look(engine)] == ["went_back"]
    assert look(engine) == []


def test_a_role_that_may_not_know_the_place_goes_on(engine: Engine) -> None:
    """Where somebody has taken away what PostgreSQL lets everybody ask."""
    send(engine, "Old")
    engine.sql("REVOKE EXECUTE ON FUNCTION pg_control_checkpoint() FROM PUBLIC")
    engine.sql("DROP ROLE IF EXISTS rs_worker")
    engine.sql("CREATE ROLE rs_worker LOGIN PASSWORD 'p' IN ROLE pg_read_all_data, pg_write_all_data")
    address = conninfo_to_dict(engine.database_url)
    weak = outbox_engine(f"postgresql+psycopg://rs_worker:p@{address['host']}:{address['port']}/{address['dbname']}")
    _look(weak, engine)
    weak.dispose()

    assert incidents(engine) == []


def test_a_move_that_lost_nothing_is_no_incident(engine: Engine) -> None:
    """A standby that took over, a restore while nothing was sent: what Redis remembers is all there. Nor is Redis emptied later."""
    send(engine, "Old")
    look(engine)
    with restored(engine):
        pass
    assert look(engine) == []

    engine.wiring.redis.flushall()
    assert look(engine) == []
    assert incidents(engine) == []


def test_what_is_accepted_after_it_was_noticed_counts(engine: Engine) -> None:
    """It is of this history."""
    send(engine, "Old")
    with restored(engine):
        send(engine, "Lost")
    look(engine)
    send(engine, "New")
    look(engine)
    engine.change(1, 2, 3)
    engine.drain()

    assert engine.lane().unchanged == 3


def test_an_erasing_that_was_interrupted_is_finished(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the next look, in chunks."""
    send(engine, "Old", 25)
    engine.sql("INSERT INTO ringostat_sync.incidents (kind) VALUES ('went_back')")
    monkeypatch.setattr("worker.upkeep.incidents.CHUNK", 10)
    look(engine)

    assert engine.sql("SELECT count(*) FROM ringostat_sync.deliveries WHERE digest IS NOT NULL") == [(0,)]
    assert incidents(engine)[0].is_ready


@pytest.mark.parametrize("loss", ["flushed", "restarted"])
def test_what_redis_loses_is_no_incident(engine: Engine, loss: str) -> None:
    """Nor is it one later."""
    send(engine, "Old")
    if loss == "flushed":
        engine.wiring.redis.flushall()
    assert look(engine) == []

    send(engine, "New")
    assert look(engine) == []
    assert len(engine.wiring.marks.newest()) <= KEPT


def test_a_redis_that_is_away_stops_no_request(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mark that can't be written is one less."""

    def away(*_: object, **__: object) -> None:
        raise RedisAway

    send(engine, "Old")
    monkeypatch.setattr(PostedMarks, "_key", property(away))
    engine.contacts(1, 1, "New")
    engine.change(1)
    engine.drain()

    assert engine.history(1)[-1] == "New 1"


@pytest.mark.parametrize("hours", [25.5, 27, 1000])
def test_requests_that_were_purged_are_no_incident(engine: Engine, hours: float) -> None:
    """However long nothing has been sent."""
    send(engine, "Old")
    engine.sql("UPDATE ringostat_sync.requests SET posted_at = posted_at - make_interval(secs => %s * 3600)", hours)
    [(last, at)] = engine.sql(
        "SELECT id, extract(epoch FROM posted_at)::text FROM ringostat_sync.requests ORDER BY id DESC LIMIT 1"
    )
    engine.wiring.marks.forget()
    engine.wiring.marks.note(last, at)
    purge(engine.wiring.engine)

    assert look(engine) == []


def test_a_restore_after_a_long_rest_is_noticed(engine: Engine) -> None:
    """By an id that was not given yet, when the requests themselves are too old to tell."""
    send(engine, "Old")
    with restored(engine):
        send(engine, "Lost")
        [(last,)] = engine.sql("SELECT max(id) FROM ringostat_sync.requests")
    engine.wiring.marks.forget()
    engine.wiring.marks.note(last, "1000000000.000000")

    assert [entry["event"] for entry in look(engine)] == ["went_back"]


def test_sequences_that_went_back_are_set_right(engine: Engine) -> None:
    """After a move by logical replication nobody has to wait for a collision."""
    send(engine, "Old")
    engine.sql(
        "ALTER TABLE ringostat_sync.requests ALTER id RESTART; ALTER TABLE ringostat_sync.outbox ALTER id RESTART"
    )

    assert [entry["event"] for entry in look(engine)] == ["sequences_set"]
    send(engine, "New")
    assert engine.history(1)[-1] == "New 1"
    assert incidents(engine) == []


def test_a_role_that_may_not_set_sequences_says_so_once(engine: Engine) -> None:
    """Until `migrate` has, by the role that may; then the incident is over."""
    send(engine, "Old")
    engine.sql("ALTER TABLE ringostat_sync.requests ALTER id RESTART")
    engine.sql("DROP ROLE IF EXISTS rs_worker")
    engine.sql("CREATE ROLE rs_worker LOGIN PASSWORD 'p' IN ROLE pg_read_all_data, pg_write_all_data")
    address = conninfo_to_dict(engine.database_url)
    weak = outbox_engine(f"postgresql+psycopg://rs_worker:p@{address['host']}:{address['port']}/{address['dbname']}")
    told = []
    for _ in range(2):
        with capture_logs() as logs:
            _look(weak, engine)
        told += [entry["event"] for entry in logs]
    assert told == ["sequences_behind"]
    assert [one.kind for one in incidents(engine)] == [IncidentKind.SEQUENCES_BEHIND]

    look(engine)
    _look(weak, engine)
    weak.dispose()
    engine.sql("DROP ROLE rs_worker")
    assert incidents(engine) == []


def test_a_lease_of_a_lost_history_fits_no_batch_of_this_one(engine: Engine) -> None:
    """Ids of batches come again; tokens begin at random."""
    engine.contacts(1, 2)
    engine.change(1, 2)
    engine.collect()
    engine.sql("ALTER TABLE ringostat_sync.batches ALTER id RESTART")
    [(token,)] = engine.sql("DELETE FROM ringostat_sync.batches RETURNING token")
    engine.sql("DELETE FROM ringostat_sync.in_flight")
    engine.change(1, 2)
    engine.collect()

    assert engine.sql("SELECT token FROM ringostat_sync.batches WHERE id = 1") != [(token,)]
