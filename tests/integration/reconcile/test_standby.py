"""A real standby as the CRM: what its recovery cancels is asked again, and nobody is missed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import tuple_row

from tests.support.engine import Engine
from tests.support.other_postgres import QUICK, standby_of
from tests.support.waiting import wait_until
from worker.database.engines import crm_engine
from worker.local.up.embedded import EmbeddedPostgres
from worker.read import walk as reading
from worker.read.walk import Walk
from worker.reconcile.reconcile import Reconciler, Step

CANCELS_AT_ONCE = {**QUICK, "max_standby_streaming_delay": "0", "hot_standby_feedback": "off"}
"""What stands in the way of its recovery."""


@pytest.fixture
def standby(engine: Engine, postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """The address of the engine's database on a standby."""
    with standby_of(postgres_server, CANCELS_AT_ONCE) as server:
        yield server.url(engine.database_url.rpartition("/")[2])


def test_a_walk_over_a_standby_survives_its_recovery(
    engine: Engine, standby: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two chunks the primary vacuums what the walk has still to read; it goes on after the last row that came."""
    engine.contacts(1, 60)
    monkeypatch.setattr(reading, "ROWS", 10)
    crm = crm_engine(standby)
    parts = engine.wiring.reconciler
    reconciler = Reconciler(parts.engine, crm, parts.mapping, parts.address, parts.hold)
    conflicts = "SELECT sum(confl_snapshot) FROM pg_stat_database_conflicts"
    with psycopg.connect(standby, autocommit=True, row_factory=tuple_row) as watcher:
        count = lambda: watcher.execute("SELECT count(*) FROM crm.contacts").fetchone()  # noqa: E731
        wait_until(lambda: count() == (60,), 30, what="the standby to follow")
        fetched, disturbed = Walk._fetched, []

        def disturbing(self: Walk, *arguments: Any) -> Iterator[Any]:
            for number, rows in enumerate(fetched(self, *arguments)):
                yield rows
                if number == 1 and len(disturbed) < 2:
                    disturbed.append(number)
                    known = watcher.execute(conflicts).fetchone()
                    engine.sql("UPDATE crm.contacts SET phone = phone")
                    engine.sql("VACUUM (TRUNCATE false) crm.contacts")
                    wait_until(
                        lambda known=known: watcher.execute(conflicts).fetchone() != known, 30, what="a conflict"
                    )

        monkeypatch.setattr(Walk, "_fetched", disturbing)
        found = reconciler.stretch(engine.wiring.mapping.sources["contacts"], seconds=60.0)
    crm.dispose()

    assert (found.step, found.figures.never_sent) == (Step.ENDED, 60)
    assert disturbed == [1, 1]
    assert len(engine.waiting()) == 60
