"""Incidents: a database that went back in time, or whose sequences did, is noticed, told, and no longer believed."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, Row, text

from models import IncidentKind
from worker.database.locks import alone
from worker.database.rows import rows
from worker.database.sequences import set_sequences
from worker.database.sql import sql
from worker.upkeep.posted import PostedMarks
from worker.upkeep.purge import KEEP_REQUESTS

log = structlog.get_logger()

CHUNK = 10_000
MARGIN = 3600.0
"""Seconds before a request is old enough to be purged from which on its absence tells nothing."""
MAY_KNOW_PLACE = text(
    "SELECT has_function_privilege('pg_control_system()', 'EXECUTE') AND has_function_privilege('pg_control_checkpoint()', 'EXECUTE')"
)
WHAT_TO_DO = {
    IncidentKind.WENT_BACK: (
        "The database went back in time (a restore, or a failover that lost commits), so that what was accepted is not known:"
        " every source is compared anew by itself; `ringostat-sync reconcile` does it at once."
    ),
    IncidentKind.SEQUENCES_BEHIND: (
        "The database would give ids a second time (a move by logical replication): run `ringostat-sync migrate`."
    ),
}


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """An incident that is not made good yet. `is_ready`: nothing from before it is believed, so that reconciling makes it good."""

    kind: IncidentKind
    noticed_at: datetime
    is_ready: bool

    @property
    def problem(self) -> str:
        """What happened, and what to do."""
        return WHAT_TO_DO[self.kind]


def look_for_incidents(
    engine: Engine, marks: PostedMarks, sources: Collection[str], reconcile: Callable[[Connection, str], object]
) -> None:
    """Notice what has happened since the last look, stop believing what it makes doubtful, and see whether it is made good.

    `reconcile` asks for a source to be compared with what was accepted. Raises RedisError if Redis does not answer.
    """
    newest, remembered = marks.newest(), marks.place()
    with engine.begin() as connection:
        if not alone(connection, "incidents"):
            return
        values = {"marks": rows(("id", "posted_at"), newest), "kept": KEEP_REQUESTS - MARGIN}
        found = connection.execute(sql(__package__, "look_for_incidents"), values).one()
        place = _see_place(connection)
        # Another database, and nothing outside it that could tell whether it has all that was sent.
        went_back = found.went_back or (place is not None and place.seen not in {None, place.found, remembered})
        if went_back:
            _open(connection, IncidentKind.WENT_BACK)
        if found.is_behind:
            _mend_sequences(connection)
        standing = open_incidents(connection)
    if went_back:
        marks.forget()
    if place is not None and remembered != place.found:
        marks.note_place(place.found)
    for incident in standing:
        if incident.kind is IncidentKind.SEQUENCES_BEHIND and not found.is_behind:
            close_incident(engine, incident.kind)
        elif incident.kind is IncidentKind.WENT_BACK and incident.is_ready:
            _close_reconciled(engine, sources)
        elif incident.kind is IncidentKind.WENT_BACK:
            _erase(engine, incident.noticed_at)
            _ask(engine, sources, reconcile)


def open_incidents(connection: Connection) -> list[OpenIncident]:
    """What is not made good yet, the oldest first."""
    found = connection.execute(sql(__package__, "open_incidents"))
    return [OpenIncident(IncidentKind(row.kind), row.noticed_at, row.erased_at is not None) for row in found]


def close_incident(engine: Engine, kind: IncidentKind) -> None:
    """It is made good."""
    with engine.begin() as connection:
        connection.execute(sql(__package__, "close_incident"), {"kind": kind})


def _see_place(connection: Connection) -> Row[Any] | None:
    """Which database this is (`found`), and which it was when last seen (`seen`); None if the role may not know."""
    if not connection.execute(MAY_KNOW_PLACE).scalar_one():
        return None
    place = connection.execute(sql(__package__, "place")).one()
    connection.execute(sql(__package__, "see_place"), {"place": place.found})
    return place


def _open(connection: Connection, kind: IncidentKind) -> None:
    if connection.execute(sql(__package__, "open_incident"), {"kind": kind}).rowcount:
        log.error(kind.value, problem=WHAT_TO_DO[kind])


def _mend_sequences(connection: Connection) -> None:
    """At once, if the role may; otherwise it is told until `migrate` has."""
    session: Any = connection.connection.driver_connection
    if set_sequences(session):
        log.warning("sequences_set")
    else:
        _open(connection, IncidentKind.SEQUENCES_BEHIND)


def _erase(engine: Engine, noticed_at: datetime) -> None:
    values = {"noticed_at": noticed_at, "limit": CHUNK}
    erased = CHUNK
    while erased == CHUNK:
        with engine.begin() as connection:
            erased = connection.execute(sql(__package__, "erase_digests"), values).rowcount


def _ask(engine: Engine, sources: Collection[str], reconcile: Callable[[Connection, str], object]) -> None:
    """Once nothing is believed any more, every source is to be compared."""
    with engine.begin() as connection:
        if connection.execute(sql(__package__, "end_erasing")).rowcount:
            for source in sources:
                reconcile(connection, source)


def _close_reconciled(engine: Engine, sources: Collection[str]) -> None:
    """The incident is over when every source was compared since."""
    with engine.begin() as connection:
        if connection.execute(sql(__package__, "close_reconciled"), {"sources": list(sources)}).rowcount:
            log.info("went_back_is_made_good")
