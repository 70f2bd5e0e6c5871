"""Reconcile: contacts of which none has changed, beside a tight loop that only reads and builds them."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator

import psycopg
from psycopg.rows import dict_row

from benchmarks.contacts import QUERY
from benchmarks.ground import Ground, value
from benchmarks.table import Figure
from worker.assembly import Assembly
from worker.config.model import Source
from worker.config.settings import load_settings
from worker.document.build import Built, build
from worker.read.reader import connected
from worker.reconcile.reconcile import Step

CONTACTS, QUICK = 1_000_000, 100_000
CHUNK = 2_000
DELIVERED = """
INSERT INTO ringostat_sync.deliveries (project, method, identity, key, outbox_id, digest, address, source)
SELECT %(project)s, %(method)s, %(identity)s, key, 1, digest, %(address)s, %(source)s
FROM unnest(%(keys)s::text[], %(digests)s::bytea[]) AS d (key, digest)
"""
WAL = "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"


def run(ground: Ground, *, quick: bool) -> Iterator[Figure]:
    """Seconds of both, the WAL that the walk has written, and how much more memory it took."""
    contacts = QUICK if quick else CONTACTS
    with ground.database(contacts) as url, psycopg.connect(url, autocommit=True) as connection:
        parts = Assembly.of(load_settings(ground.environment(url)))
        source = parts.mapping.sources["contacts"]
        deliver(parts, source, connection)
        tight = timed(lambda: tight_loop(parts, source))
        before, memory = value(connection, WAL), peak_memory()
        walked = timed(lambda: walk(parts, source))
        wal = float(value(connection, WAL) - before) / 2**20
        grown = peak_memory() - memory
    yield Figure(f"tight loop: reads and builds {contacts:,}", f"{tight:,.1f} s")
    yield Figure(
        f"reconcile {contacts:,} that have not changed", f"{walked:,.1f} s", "at most twice", f"{walked / tight:.2f}"
    )
    yield Figure("reconcile: WAL, memory more", f"{wal:,.1f} MB, {grown:,.0f} MB", "next to none")


def timed(work: object) -> float:
    """Seconds."""
    began = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - began


def documents(parts: Assembly, source: Source) -> Iterator[list[Built]]:
    """Reads all rows through a cursor on the server, and builds each."""
    with (
        connected(parts.crm, source) as connection,
        connection.transaction(),
        connection.cursor(name="tight", row_factory=dict_row) as cursor,
    ):
        cursor.execute(f"SELECT q.key::text AS written, q.* FROM (\n{QUERY}\n) AS q ORDER BY q.key".encode())
        while rows := cursor.fetchmany(CHUNK):
            made = [build(row, key=row["written"], source=source, defaults=parts.mapping.defaults) for row in rows]
            yield [document for document in made if isinstance(document, Built)]


def tight_loop(parts: Assembly, source: Source) -> None:
    for _ in documents(parts, source):
        pass


def deliver(parts: Assembly, source: Source, connection: psycopg.Connection) -> None:  # type: ignore[type-arg]
    """Every contact as the API holds it."""
    lane = parts.reconciler.comparison(source).contacts
    for chunk in documents(parts, source):
        keys = [document.external_id for document in chunk]
        digests = [document.digest for document in chunk]
        connection.execute(DELIVERED, {**lane, "source": source.name, "keys": keys, "digests": digests})
    connection.execute("VACUUM ANALYZE ringostat_sync.deliveries")


def walk(parts: Assembly, source: Source) -> None:
    """All stretches; nothing is found."""
    while True:
        found = parts.reconciler.stretch(source)
        if found.step is not Step.GOES_ON:
            break
    if found.figures.differing + found.figures.never_sent + found.figures.gone:
        raise RuntimeError(f"Something differs: {found.figures}.")


def peak_memory() -> float:
    """Megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
