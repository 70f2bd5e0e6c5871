"""The tables of `ringostat_sync`, in the order in which a change travels through them."""

from models.base import SCHEMA, Base
from models.batches import Batch, ContactInFlight, HeldId
from models.dead_letters import DeadLetter
from models.deliveries import Delivery, Settlement
from models.outbox import Expansion, OutboxRow, PendingContact, Watched
from models.projects import Backfill, Lane, Pause, Request, ServiceHealth
from models.states import (
    LONGEST_KEY,
    BatchState,
    Identity,
    LetterReason,
    LetterState,
    Method,
    PauseReason,
    Priority,
)

__all__ = [
    "LONGEST_KEY",
    "SCHEMA",
    "Backfill",
    "Base",
    "Batch",
    "BatchState",
    "ContactInFlight",
    "DeadLetter",
    "Delivery",
    "Expansion",
    "HeldId",
    "Identity",
    "Lane",
    "LetterReason",
    "LetterState",
    "Method",
    "OutboxRow",
    "Pause",
    "PauseReason",
    "PendingContact",
    "Priority",
    "Request",
    "ServiceHealth",
    "Settlement",
    "Watched",
]
