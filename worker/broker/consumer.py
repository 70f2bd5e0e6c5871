"""Celery's consumer, which waits for Redis for as long as that takes: a second at a time, without a traceback."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

from celery.exceptions import CPendingDeprecationWarning
from celery.worker.consumer import Consumer
from celery.worker.state import maybe_shutdown

from worker.broker.client import problem
from worker.broker.trouble import Trouble

AGAIN = 1.0
"""Seconds between two tries."""


class PatientConsumer(Consumer):  # type: ignore[misc] # Celery has no types
    """Tasks that run when Redis goes away run on: what they do is in PostgreSQL, and no process waits for their end.

    `look` is called every second or so, whether Redis is well or not.
    """

    def __init__(self, *arguments: Any, look: Callable[[], None], **options: Any) -> None:
        self._look = look
        self._trouble = Trouble("broker_unavailable")
        super().__init__(*arguments, **options)

    def ensure_connected(self, conn: Any) -> Any:
        """Connect, however long Redis is away; a shutdown does not wait for it."""
        conn.ensure_connection(self._tell, interval_start=AGAIN, interval_step=0, callback=self._breathe)
        self.first_connection_attempt = False
        return conn

    def register_with_event_loop(self, hub: Any) -> None:
        """What is done beside taking messages."""
        super().register_with_event_loop(hub)
        hub.call_repeatedly(AGAIN, self._look)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Redis can be reached and answers with an error, or it was reached until now."""
        self._tell(exc)
        with warnings.catch_warnings():
            # Celery would rather end the tasks that run, and says so each time.
            warnings.simplefilter("ignore", CPendingDeprecationWarning)
            super().on_connection_error_after_connected(exc)
        self._breathe()
        time.sleep(AGAIN)

    def on_connection_error_before_connected(self, exc: Exception) -> None:
        """Redis answered while it was connected to, and then no longer."""
        self._tell(exc)
        self._breathe()
        time.sleep(AGAIN)

    def _breathe(self) -> None:
        self._look()
        maybe_shutdown()

    def _tell(self, error: Exception, _interval: float = 0.0) -> None:
        self._trouble.tell(problem(error))
