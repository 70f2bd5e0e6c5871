"""A real failover: a standby is promoted, with the last commits or without them, and the job goes on with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from structlog.testing import capture_logs

from tests.support.engine import Engine
from tests.support.other_postgres import follow, standby_of
from tests.support.waiting import wait_until
from worker.assembly import Assembly
from worker.config.settings import load_settings
from worker.local.up.embedded import EmbeddedPostgres
from worker.reconcile.request import request
from worker.upkeep.incidents import look_for_incidents
from worker.upkeep.recover import recover

Failover = Callable[[], Engine]


@pytest.fixture
def standby(engine: Engine, postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """The address of the engine's database on a standby."""
    with standby_of(postgres_server) as server:
        yield server.url(str(conninfo_to_dict(engine.database_url)["dbname"]))


def cut_off(standby: str) -> None:
    """From now on no commit of the main server reaches the standby."""
    with psycopg.connect(standby, autocommit=True) as session:
        session.execute("ALTER SYSTEM SET primary_conninfo = ''")
        session.execute("SELECT pg_reload_conf()")
        receiving = partial(session.execute, "SELECT count(*) FROM pg_stat_wal_receiver")
        wait_until(lambda: receiving().fetchone() == (0,), 30, what="the standby to receive no more")


@contextmanager
def promoted(engine: Engine, standby: str) -> Iterator[Engine]:
    """The engine on the standby, which is the main server now."""
    with psycopg.connect(standby, autocommit=True) as session:
        assert session.execute("SELECT pg_promote()").fetchone() == (True,)
    environment = engine.environment | {"DATABASE_URL": standby}
    moved = replace(
        engine, database_url=standby, environment=environment, wiring=Assembly.of(load_settings(environment))
    )
    try:
        yield moved
    finally:
        moved.close()


def send(engine: Engine, name: str) -> None:
    """Rename everybody, and send that; until the marks know of it."""
    engine.contacts(1, 3, name)
    engine.change(1, 2, 3)
    engine.drain()
    ((last,),) = engine.sql("SELECT max(id) FROM ringostat_sync.requests")
    wait_until(
        lambda: [mark for mark, _ in engine.wiring.marks.newest()][-1:] == [last], what="the marks to know of it"
    )


def told_by_a_look(engine: Engine) -> list[str]:
    """The events that a look at the incidents writes into the log."""
    parts = engine.wiring
    with capture_logs() as logs:
        look_for_incidents(parts.engine, parts.marks, parts.mapping.sources, partial(request, reason="went_back"))
    return [str(entry["event"]) for entry in logs]


def test_a_failover_that_lost_commits_ends_with_what_the_crm_has(engine: Engine, standby: str) -> None:
    """The API holds what the new main server never heard of; every source is compared by itself, and the telephone follows."""
    send(engine, "Old")
    told_by_a_look(engine)
    follow(engine.database_url, standby)
    cut_off(standby)
    send(engine, "Lost")

    with promoted(engine, standby) as moved:
        assert told_by_a_look(moved) == ["went_back"]
        while moved.wiring.turns.reconcile():
            pass
        moved.drain()
        assert moved.history(1) == ["Old 1", "Lost 1", "Old 1"]
        assert told_by_a_look(moved) == ["went_back_is_made_good"]


def test_a_failover_that_lost_nothing_is_no_incident(engine: Engine, standby: str) -> None:
    """A batch's lease came along with the last commit; what became of its request is unknown there, so that it is sent again."""
    follow(engine.database_url, standby)
    engine.contacts(1, 3, "Old")
    engine.change(1, 2, 3)
    engine.after_first_request(partial(_lose_sight, engine, standby))
    engine.push()

    with promoted(engine, standby) as moved:
        assert told_by_a_look(moved) == []
        moved.sql("UPDATE ringostat_sync.batches SET lease_until = now() - interval '1 s' WHERE state = 'pushing'")
        recover(moved.wiring.engine)
        moved.drain()
        assert moved.history(1)[-1] == "Old 1"
        assert moved.lane().sent == 3


def _lose_sight(engine: Engine, standby: str) -> None:
    follow(engine.database_url, standby)
    cut_off(standby)
