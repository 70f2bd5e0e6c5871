"""The tables of `ringostat_sync`, in the order in which a change travels through them."""

from models.base import Base
from models.batches import Batch, ContactInFlight, ReservedId
from models.dead_letters import DeadLetter
from models.deliveries import Address, Delivery, Settlement
from models.incidents import Incident
from models.outbox import FanOutRow, OutboxRow, PendingContact, Route, Watched
from models.parts import Look, Part, ToldProblem
from models.projects import BackfillCursor, ClockSeen, Lane, Pause, Request, ServiceHealth
from models.reconciliations import Drifted, Reconciliation, WalkState

__all__ = [
    "Address",
    "BackfillCursor",
    "Base",
    "Batch",
    "ClockSeen",
    "ContactInFlight",
    "DeadLetter",
    "Delivery",
    "Drifted",
    "FanOutRow",
    "Incident",
    "Lane",
    "Look",
    "OutboxRow",
    "Part",
    "Pause",
    "PendingContact",
    "Reconciliation",
    "Request",
    "ReservedId",
    "Route",
    "ServiceHealth",
    "Settlement",
    "ToldProblem",
    "WalkState",
    "Watched",
]
