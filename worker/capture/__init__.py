"""Capture: which contact changed is written into the outbox, in the CRM's own transaction."""

from worker.capture.catalog import watch
from worker.capture.install import install, remove
from worker.capture.probe import probed
from worker.capture.states import MENDED_BY_INSTALL, State, WatchStatus

__all__ = ["MENDED_BY_INSTALL", "State", "WatchStatus", "install", "probed", "remove", "watch"]
