"""Proof that a change would be caught: each watch that is in place is tried on a copy of its table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import psycopg

from worker.capture.proof import probe
from worker.capture.resolve import resolve, watched_names
from worker.capture.states import State, WatchStatus
from worker.capture.tables import Tables, find_tables
from worker.config.model import Mapping, Source, Watch
from worker.errors import ConfigError, first_line


def probed(connection: psycopg.Connection[Any], mapping: Mapping, found: list[WatchStatus]) -> list[WatchStatus]:
    """What `catalog.watch` has `found`, and after a trial: one whose change did not reach the outbox is `not caught`.

    `connection` is in autocommit. A trial that can't be made (no right to it, a locked table) is told in `detail`.
    """
    tables = find_tables(connection, watched_names(mapping))
    wanted = [(source, watch) for source in mapping.sources.values() for watch in source.triggered]
    return [
        _probed(connection, tables, source, watch, status) if status.state is State.OK else status
        for (source, watch), status in zip(wanted, found, strict=True)
    ]


def _probed(
    connection: psycopg.Connection[Any], tables: Tables, source: Source, watch: Watch, status: WatchStatus
) -> WatchStatus:
    try:
        probe(connection, resolve(tables, source, watch))
    except ConfigError as error:
        return replace(status, state=State.NOT_CAUGHT, detail=str(error))
    except psycopg.Error as error:
        return replace(status, detail=f"It could not be tried: {first_line(error)}.")
    return status
