"""The engine as the model's machine plays on it: one database emptied between examples, and a clock that stands still."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row

from tests.support.engine import PROJECT, Engine
from worker.operate.status import LaneStatus, read_status
from worker.projects import health

CLOCK = """
CREATE TABLE crm.clock (now timestamptz NOT NULL);
INSERT INTO crm.clock VALUES ('2030-01-01 00:00:00+00');
CREATE OR REPLACE FUNCTION ringostat_sync.clock() RETURNS timestamptz LANGUAGE sql VOLATILE AS 'SELECT now FROM crm.clock';
"""
WATCH = """
INSERT INTO ringostat_sync.watches (id, source, table_name, keys, definition)
VALUES ('from', 'contacts', 'crm.contacts', 'SELECT c.id FROM crm.contacts c WHERE c.id >= changed.id', '{}')
"""
"""One changed row stands for the contact of its id and all after it."""
EMPTY = """
TRUNCATE ringostat_sync.outbox, ringostat_sync.fan_outs, ringostat_sync.pending, ringostat_sync.in_flight, ringostat_sync.reserved_ids,
    ringostat_sync.batches, ringostat_sync.deliveries, ringostat_sync.dead_letters, ringostat_sync.settlements,
    ringostat_sync.lanes, ringostat_sync.requests, ringostat_sync.pauses, ringostat_sync.service_health,
    ringostat_sync.backfills, crm.contacts, crm.companies;
UPDATE crm.clock SET now = '2030-01-01 00:00:00+00';
INSERT INTO crm.contacts (id, name, phone, lead)
    SELECT g, 'A', '067123456' || g, CASE g WHEN 1 THEN 'L1' END FROM generate_series(1, 4) g;
INSERT INTO crm.companies VALUES (1, 'A');
"""
PLACES = """
SELECT place, CASE WHEN kind IN ('companies', 'organizations') THEN 'organization ' ELSE '' END || key AS key, outbox_id, reason FROM (
    SELECT 'outbox' AS place, source AS kind, key, id AS outbox_id, NULL AS reason FROM ringostat_sync.outbox WHERE watch IS NULL
    UNION ALL SELECT 'spread', 'contacts', c.id::text, w.id, NULL FROM (
        SELECT id, changed FROM ringostat_sync.outbox WHERE watch IS NOT NULL
        UNION ALL SELECT outbox_id, changed FROM ringostat_sync.fan_outs
    ) AS w JOIN crm.contacts AS c ON c.id >= CAST(w.changed ->> 'id' AS bigint)
    UNION ALL SELECT 'pending', method::text, key, outbox_id, NULL FROM ringostat_sync.pending
    UNION ALL SELECT 'in_flight', method::text, key, outbox_id, NULL FROM ringostat_sync.in_flight
    UNION ALL SELECT state::text, method::text, key, outbox_id, reason::text FROM ringostat_sync.dead_letters
        WHERE state IN ('open', 'requeued')
    UNION ALL SELECT 'delivery', method::text, key, outbox_id, NULL FROM ringostat_sync.deliveries
    UNION ALL SELECT 'id reserved for nothing', method::text, wire_id, in_flight_id, NULL FROM ringostat_sync.reserved_ids AS h
        WHERE NOT EXISTS (SELECT FROM ringostat_sync.in_flight AS f WHERE f.in_flight_id = h.in_flight_id)
    UNION ALL SELECT 'in flight without a batch', method::text, key, outbox_id, NULL FROM ringostat_sync.in_flight AS f
        WHERE NOT EXISTS (SELECT FROM ringostat_sync.batches AS b WHERE b.id = f.batch_id)
    UNION ALL SELECT 'batch of nobody', method::text, id::text, 0, NULL FROM ringostat_sync.batches AS b
        WHERE NOT EXISTS (SELECT FROM ringostat_sync.in_flight AS f WHERE f.batch_id = b.id)
) AS found
"""
LETTER = """
SELECT CASE method WHEN 'organizations' THEN 'organization ' ELSE '' END || key AS key, outbox_id
FROM ringostat_sync.dead_letters WHERE id = %s
"""
ACCEPTED = "SELECT coalesce(max(outbox_id), 0) FROM ringostat_sync.deliveries WHERE key = %s"
FLIES = "SELECT coalesce(max(outbox_id), 0) FROM ringostat_sync.in_flight WHERE key = %s"
AGAINST = """
SELECT p.reason FROM ringostat_sync.pauses AS p, ringostat_sync.batches AS b
WHERE b.id = %s AND p.project = b.project AND coalesce(p.method = b.method, true) AND (p.reason = 'by_hand' OR NOT b.probe)
"""


class AtOnce:
    """Senders that post one after the other, so that an example can be repeated."""

    def submit(self, call: Callable[..., Any], *arguments: object) -> Future[Any]:
        answer = Future[Any]()
        answer.set_result(call(*arguments))
        return answer


class Breakable:
    """A part whose next use may fail."""

    def __init__(self, part: object) -> None:
        self._part = part
        self.error: Exception | None = None

    def __getattr__(self, name: str) -> Any:
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        return getattr(self._part, name)


class Stage:
    """The engine, a connection beside it, and what the machine turns."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.wiring = engine, engine.wiring
        self._client = self.wiring.pusher.sender.client
        self.wiring.pusher.sender.sleep = lambda _seconds: None
        self.wiring.pusher.sender.threads = AtOnce()  # type: ignore[assignment]
        # The real time would make an example end otherwise when it is repeated: every scan starts at the beginning.
        self.wiring.collector._clock = lambda: 0.0
        # Nobody else posts while a bucket is refilled.
        self.wiring.limiter._pause = lambda _seconds: None
        self.reader = self.wiring.pusher.reader = Breakable(self.wiring.pusher.reader)  # type: ignore[assignment]
        self.limiter = Breakable(self.wiring.limiter)
        self.wiring.pusher.sender.limiter = self.wiring.pusher.receiver.limiter = self.limiter  # type: ignore[assignment]
        self._connection = psycopg.connect(engine.database_url, autocommit=True, row_factory=namedtuple_row)
        self.sql(CLOCK)
        self.sql(WATCH)

    def close(self) -> None:
        self._connection.close()
        self.wiring.pusher.sender.client = self._client

    def sql(self, statement: str, values: Sequence[object] = ()) -> list[Any]:
        cursor = self._connection.execute(statement.encode(), values or None)
        return cursor.fetchall() if cursor.description else []

    def empty(self, client: object, batch_size: int, seed: int) -> None:
        """Begin an example: nothing waits, contacts 1 to 4 are called A, dice fall as they fell before."""
        self.sql(EMPTY)
        self.forget()
        self.wiring.pusher.sender.client = client  # type: ignore[assignment]
        self.wiring.pusher.receiver.dice.seed(seed)
        self.wiring.collector._dice.seed(seed)
        project = self.wiring.mapping.projects[PROJECT]
        self.wiring.mapping.projects[PROJECT] = replace(project, batch_size=batch_size)  # type: ignore[index]

    def write(self, source: str, key: str, outbox_id: int, payload: str | None = None) -> None:
        """Put a row into the outbox."""
        statement = "INSERT INTO ringostat_sync.outbox (source, key, id, payload) OVERRIDING SYSTEM VALUE VALUES (%s, %s, %s, %s)"
        self.sql(statement, [source, key, outbox_id, payload])

    def spread(self, key: str, outbox_id: int) -> None:
        """Put a row into the outbox that stands for this contact and all after it."""
        self.sql(
            "INSERT INTO ringostat_sync.outbox (source, watch, changed, id)"
            " OVERRIDING SYSTEM VALUE VALUES ('contacts', 'from', jsonb_build_object('id', %s::bigint), %s)",
            [key, outbox_id],
        )

    def turn_clock(self, seconds: float, *, is_noticed: bool = True) -> None:
        """Let time pass. Redis has a clock of its own: to notice, its buckets are lost, and found again in PostgreSQL."""
        self.sql("UPDATE crm.clock SET now = now + make_interval(secs => %s)", [seconds])
        if is_noticed:
            self.forget()

    def forget(self) -> None:
        """Redis loses everything."""
        self.wiring.redis.flushall()

    def throttle(self, seconds: float) -> None:
        """Another worker is told to hold back."""
        with self.wiring.engine.begin() as connection:
            health.throttle(connection, PROJECT, seconds)
        self.wiring.limiter.throttle(self.wiring.mapping.projects[PROJECT], seconds)

    def places(self) -> list[Any]:
        """Where every contact is."""
        return self.sql(PLACES)

    def status(self) -> list[LaneStatus]:
        """Of contacts and of organizations."""
        with self.wiring.engine.connect() as connection:
            return read_status(connection, self.wiring.mapping)

    def dead_letter(self, dead_letter: int) -> Any:
        """Whose it is, and of which change."""
        [row] = self.sql(LETTER, [dead_letter])
        return row

    def by_method(self, batches: Sequence[int]) -> list[list[int]]:
        """The batches by method, in order; those that have ended apart."""
        methods = {row.id: row.method for row in self.sql("SELECT id, method::text FROM ringostat_sync.batches")}
        return [
            [batch for batch in batches if methods.get(batch) == method]
            for method in dict.fromkeys(methods.get(batch) for batch in batches)
        ]

    def why_not(self, batch: int) -> str | None:
        """The pause that forbids this batch to post."""
        return next((row.reason for row in self.sql(AGAINST, [batch])), None)

    def flies(self, key: str) -> int:
        """The outbox id of a contact in flight."""
        return int(self.sql(FLIES, [key])[0][0])

    def accepted(self, key: str) -> int:
        """The outbox id that was last accepted for a contact."""
        return int(self.sql(ACCEPTED, [key])[0][0])
