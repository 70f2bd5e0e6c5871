"""From a row of the CRM, or a producer's payload, to the finished document: pure functions, no I/O."""

from worker.document.build import Built, Invalid, build
from worker.document.wire import envelope

__all__ = ["Built", "Invalid", "build", "envelope"]
