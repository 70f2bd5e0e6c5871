"""Check: settings, connections, mapping; builds some contacts, and posts nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
from sqlalchemy.exc import DBAPIError

from worker.capture.resolve import Resolved
from worker.config.model import Source
from worker.config.query import clean_query
from worker.database.engines import at_once
from worker.database.place import Place
from worker.document.build import columns_read
from worker.errors import first_line
from worker.operate.check import query as by_itself
from worker.operate.check import watches
from worker.operate.check.connections import connections, place_findings, projects, proxies
from worker.operate.check.coverage import cover, ways_to_key
from worker.operate.check.finding import Example, Finding, listed, warning
from worker.operate.check.rights import capture_findings
from worker.operate.check.sample import sum_up
from worker.operate.check.uses import Uses, find_uses
from worker.read.faults import broken_or_unavailable, hides_rows
from worker.read.reader import connected
from worker.wiring import Wiring

Session = psycopg.Connection[Any]

SCHEMAS = "SELECT array_to_string(ARRAY(SELECT quote_ident(s) FROM unnest(current_schemas(true)) AS s), ', ')"


def check(wiring: Wiring, sample: int) -> Iterator[Finding | Example]:
    """What stands and what does not, source by source, with `sample` contacts of each built.

    Raises ConfigError, before all else, for a project's key, a proxy or a file of certificates that can't be used.
    """
    ways = [*proxies(wiring), *projects(wiring)]
    servers = list(connections(wiring))
    yield from servers
    yield from ways
    if any(server.stops for server in servers):
        return
    place = wiring.place_of_crm()
    yield from place_findings(wiring, place)
    has_triggers = place is not Place.ELSEWHERE
    for source in wiring.mapping.sources.values():
        yield from _source(wiring, source, sample, has_triggers=has_triggers)
    if has_triggers:
        yield from _capture(wiring)


def _source(wiring: Wiring, source: Source, sample: int, *, has_triggers: bool) -> Iterator[Finding | Example]:
    query = clean_query(source.query)
    with connected(wiring.crm, source) as session:
        try:
            names = by_itself.describe(session, query)
            if problem := by_itself.key_problem(names):
                yield Finding(f"{source.name}: {problem}", stops=True)
                return
            if source.routed and "projectId" not in names:
                known = ", ".join(map(str, wiring.mapping.projects))
                told = f'project is missing: name one of {known} in the source, or have the query return "projectId"'
                yield Finding(f"{source.name}: {told}", stops=True)
                return
            uses = _uses(wiring, source, session, has_triggers=has_triggers)
            yield from _policies(source, uses)
            found = by_itself.read(session, query, max(sample, 1))
        except psycopg.Error as error:
            yield from _failure(session, source, query, error)
            return
        if found.rows != []:  # what has no row is never well
            yield Finding(f"{source.name}: the query runs, its key is {found.plan.key_type}")
        yield from by_itself.by_key(session, source, found)
        yield from by_itself.speed(source, found.plan)
        yield from _scans(session, source, found)
        yield from by_itself.columns(source, names)
        yield from by_itself.limited(source, query)
        yield from by_itself.keys(session, source, query)
        if source.capture == "poll":
            yield Finding(f"{source.name}: it is polled, and any watches of it are not used")
        elif has_triggers:
            yield from _watched(session, source, uses, found)
        elif source.watches:
            yield Finding(
                f"{source.name}: the outbox is in another database, so it is polled and its watches are not used"
            )
    yield from _sample(wiring, source, found, sample)


def _uses(wiring: Wiring, source: Source, session: Session, *, has_triggers: bool) -> Uses:
    """What the query uses. Where this session can't prove it, as on a standby, one to the outbox can: the tables are the same."""
    query, wanted = clean_query(source.query), columns_read(source.method)
    uses = find_uses(session, query, wanted)
    if uses.doubt is None or not has_triggers:
        return uses
    (path,) = session.execute(SCHEMAS).fetchone() or ("",)
    try:
        with at_once(wiring.engine) as connection:
            other: Any = connection.connection.driver_connection
            with other.transaction(force_rollback=True):
                other.execute("SELECT set_config('search_path', %s, true)", [path])
                proved = find_uses(other, query, wanted)
    except psycopg.Error:  # its role may not read the CRM: what this session knows is told, with the doubt
        return uses
    return uses if proved.doubt is not None else proved


def _scans(session: Session, source: Source, found: by_itself.Read) -> Iterator[Finding]:
    try:
        yield from by_itself.scans(session, source, found)
    except psycopg.Error as error:
        yield warning(f"{source.name}: how a key is read is not known: {first_line(error)}")


def _watched(session: Session, source: Source, uses: Uses, found: by_itself.Read) -> Iterator[Finding]:
    fitting, problems = watches.resolved(session, source)
    yield from problems
    if not source.watches:
        told = "nothing is watched, so no change is captured but what writes to the outbox itself"
        yield warning(f"{source.name}: {told}")
    for watch in fitting:
        faults = list(watches.faults(session, source, watch))
        yield from faults or _data(session, source, watch, uses, found)
    yield from cover(source.name, uses, fitting, lambda table, keys: watches.runs(session, table, keys))


def _data(session: Session, source: Source, watch: Resolved, uses: Uses, found: by_itself.Read) -> Iterator[Finding]:
    rows = uses.tables[watch.table.oid].rows if watch.table.oid in uses.tables else -1
    try:
        yield from watches.null_where(session, source, watch, rows)
        if found.rows:
            yield from watches.strange_keys(
                session, source, watch, rows, found.plan, ways_to_key(uses, watch.table.oid)
            )
    except psycopg.Error as error:
        yield warning(f"{source.name}: rows of {watch.table.name} could not be looked at: {first_line(error)}")


def _failure(session: Session, source: Source, query: str, error: psycopg.Error) -> Iterator[Finding]:
    """Why a query fails; for row level security, whose policies they are."""
    if not hides_rows(error):
        yield Finding(f"{source.name}: the query fails: {by_itself.why(session, error)}", stops=True)
        return
    tables = find_uses(session, query, columns_read(source.method)).tables.values()
    hiding = [table for table in tables if table.policies is not None]
    for table in hiding:
        which = f"({listed(table.policies)}) " if table.policies else ""
        told = f"row level security of {table.name} {which}hides rows from this role: give it BYPASSRLS, or"
        yield Finding(
            f"{source.name}: {told} write row_security = true into the source if what it sees is meant to be all",
            stops=True,
        )
    if not hiding:  # they apply to the owner of a view
        yield Finding(f"{source.name}: {first_line(error)}. {broken_or_unavailable(source, error)}", stops=True)


def _policies(source: Source, uses: Uses) -> Iterator[Finding]:
    """What a source sees that reads through policies on purpose."""
    for table in uses.tables.values():
        if table.policies is not None:
            which = f" ({listed(table.policies)})" if table.policies else ""
            yield Finding(
                f"{source.name}: it has row_security = true, and sees of {table.name} what its policies{which} leave"
            )


def _sample(wiring: Wiring, source: Source, found: by_itself.Read, sample: int) -> Iterator[Finding | Example]:
    if isinstance(found.rows, psycopg.errors.QueryCanceled):
        yield warning(f"{source.name}: to read {sample} contacts takes too long ({first_line(found.rows)})")
    elif isinstance(found.rows, psycopg.Error):
        problem = (
            f"a row of the sample can't be computed ({first_line(found.rows)}); such a contact becomes a dead letter"
        )
        yield warning(f"{source.name}: {problem}")
    elif found.rows:
        yield from sum_up(source, found.rows[:sample], wiring.mapping)
    else:
        yield warning(
            f"{source.name}: the query returns no row with a key: correct it, or the rights of its role, unless the CRM is empty"
        )


def _capture(wiring: Wiring) -> Iterator[Finding]:
    try:
        with wiring.engine.connect() as connection:
            session: Any = connection.connection.driver_connection
            yield from capture_findings(session, wiring.mapping)
    except (psycopg.Error, DBAPIError) as error:
        yield warning(f"Capture could not be looked at: {first_line(error)}")
