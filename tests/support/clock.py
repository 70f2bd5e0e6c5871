"""Turning the clock by which everything of ours waits, expires and is due."""

from __future__ import annotations

from datetime import timedelta

from tests.support.engine import Engine


class Clock:
    """The database's clock, ahead of the real one by as much as it was turned."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.ahead = timedelta()

    def turn(self, by: timedelta) -> None:
        """Let so much time pass."""
        self.ahead += by
        self._engine.sql(
            "CREATE OR REPLACE FUNCTION ringostat_sync.clock() RETURNS timestamptz LANGUAGE sql VOLATILE"
            f" AS $$SELECT clock_timestamp() + interval '{self.ahead.total_seconds():f} seconds'$$"
        )

    def turn_to_next(self, limit: timedelta) -> None:
        """Let the time pass until something is due: a try, or a pause's probe; at most `limit`."""
        [(seconds,)] = self._engine.sql(
            """
            SELECT extract(epoch FROM CASE
                WHEN EXISTS (SELECT FROM ringostat_sync.pauses) THEN (SELECT max(until) FROM ringostat_sync.pauses)
                ELSE (SELECT min(due_at) FROM ringostat_sync.pending) END - ringostat_sync.clock())::float8
            """
        )
        if seconds is not None and seconds > 0:
            self.turn(min(limit, timedelta(seconds=seconds)))
