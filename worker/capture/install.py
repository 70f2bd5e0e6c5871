"""Install and remove the triggers."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import psycopg

from worker.capture.catalog import find_triggers, not_in_place, read_catalog
from worker.capture.lock import LockPatience
from worker.capture.proof import prove
from worker.capture.resolve import Resolved, resolve_all
from worker.capture.states import Trigger
from worker.capture.triggers import change, sweep
from worker.config.model import Mapping
from worker.database.dump_rights import grant_dumps
from worker.errors import ConfigError

PATIENCE = 60.0


def install(
    connection: psycopg.Connection[Any],
    mapping: Mapping,
    *,
    patience: float = PATIENCE,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    dice: Callable[[], float] = random.random,
) -> list[str]:
    """Put every watch's triggers in place and take those no longer listed away; returns a line for each thing done.

    Every watch proves itself before the first table is touched. Each table changes in one transaction; one whose
    triggers are right already is not even locked. A source that was watched before may have missed changes of a table that has to be
    changed, and is reconciled soon. `connection` is in autocommit.

    Raises ConfigError for a watch that can't work, RefusedError naming the table whose lock stayed taken for `patience`
    seconds; what is done by then stays, and another `install` goes on from there.
    """
    _require_outbox(connection)
    locks = LockPatience(connection, patience, clock, sleep, dice)
    wanted = resolve_all(connection, mapping)
    todo = not_in_place(connection, wanted)
    for watch in todo:
        locks.run(watch.table.name, partial(prove, connection, watch))
    stale = _stale(connection, wanted)
    watched = {installed.source for installed in read_catalog(connection).installed.values()}
    done: list[str] = []
    for table in dict.fromkeys([*(watch.table.name for watch in todo), *(trigger.table for trigger in stale)]):
        new = [watch for watch in todo if watch.table.name == table]
        old = [trigger for trigger in stale if trigger.table == table]
        gaps = sorted(watched & {watch.source.name for watch in new})
        locks.run(table, partial(change, connection, table, new, old, gaps))
        done += [f"watching {table} for {watch.source.name}" for watch in new]
        done += [f"no longer watching {table}"] if old and table not in {watch.table.name for watch in wanted} else []
    locks.run("ringostat_sync", partial(sweep, connection, wanted))
    locks.run("ringostat_sync", partial(grant_dumps, connection))
    return done


def remove(
    connection: psycopg.Connection[Any],
    *,
    patience: float = PATIENCE,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    dice: Callable[[], float] = random.random,
) -> list[str]:
    """Take every trigger and function of ours away, also of watches no longer listed; returns a line for each table.

    Changed rows that still wait for their fan-out keep their entry in `watches`. Raises RefusedError as `install` does.
    """
    locks = LockPatience(connection, patience, clock, sleep, dice)
    stale = _stale(connection, [])
    tables = dict.fromkeys(trigger.table for trigger in stale)
    for table in tables:
        old = [trigger for trigger in stale if trigger.table == table]
        locks.run(table, partial(change, connection, table, [], old))
    locks.run("ringostat_sync", partial(sweep, connection, []))
    return [f"no longer watching {table}" for table in tables]


def _require_outbox(connection: psycopg.Connection[Any]) -> None:
    row = connection.execute("SELECT to_regclass('ringostat_sync.outbox') IS NULL").fetchone()
    if row is None or row[0]:
        raise ConfigError(
            "The outbox is not in the CRM's database, where triggers need it: run `ringostat-sync migrate`."
        )


def _stale(connection: psycopg.Connection[Any], wanted: Iterable[Resolved]) -> list[Trigger]:
    """Triggers of watches that are not wanted; and of wanted ones, those that a swapped table or a detached partition took along."""
    right = {
        (table, name)
        for watch in wanted
        for table in (watch.table.name, *watch.table.partitions)
        for name in (watch.trigger, watch.truncate_trigger)
    }
    return [one for one in find_triggers(connection) if (one.table, one.name) not in right and not one.inherited]
