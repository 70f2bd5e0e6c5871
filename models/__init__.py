"""The words of `ringostat_sync`: its states. Its tables stand in `models.tables`, for whoever needs SQLAlchemy's ORM for them."""

from models.states import (
    LONGEST_KEY,
    SCHEMA,
    BatchState,
    DeadLetterReason,
    DeadLetterState,
    Identity,
    IncidentKind,
    Method,
    PauseReason,
    Priority,
    WalkPurpose,
)

__all__ = [
    "LONGEST_KEY",
    "SCHEMA",
    "BatchState",
    "DeadLetterReason",
    "DeadLetterState",
    "Identity",
    "IncidentKind",
    "Method",
    "PauseReason",
    "Priority",
    "WalkPurpose",
]
