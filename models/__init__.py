"""The words of `ringostat_sync`: its states. Its tables are in `models.tables`, for code that needs SQLAlchemy's ORM."""

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
