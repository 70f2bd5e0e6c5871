"""The tables of `ringostat_sync`, in the order in which a change travels through them."""

from models.base import Base
from models.batches import Batch, ContactInFlight, HeldId
from models.dead_letters import DeadLetter
from models.deliveries import Delivery, Settlement
from models.outbox import Expansion, OutboxRow, PendingContact, Watched
from models.projects import Backfill, Lane, Pause, Request, ServiceHealth

__all__ = [
    "Backfill",
    "Base",
    "Batch",
    "ContactInFlight",
    "DeadLetter",
    "Delivery",
    "Expansion",
    "HeldId",
    "Lane",
    "OutboxRow",
    "Pause",
    "PendingContact",
    "Request",
    "ServiceHealth",
    "Settlement",
    "Watched",
]
