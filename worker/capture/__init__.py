"""Capture: which contact changed is written into the outbox, in the CRM's own transaction."""

from worker.capture.install import install, remove
from worker.capture.status import State, WatchStatus, status

__all__ = ["State", "WatchStatus", "install", "remove", "status"]
