"""What is on its way to the API."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Index,
    Integer,
    SmallInteger,
    Text,
    false,
    text,
)
from sqlalchemy import (
    Identity as Generated,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import IDENTITY, METHOD, Base, Big, Clock, Instant, OfContact, Small, Str, pg_enum
from models.states import BatchState, Identity, Method


class Batch(Base):
    """Contacts of one project and method that travel together; its states are those of `BatchState`.

    `token` is the fencing token: it begins at random, each taking raises it, and every later statement of that worker names it.
    `posted` says that a request may have left, so what the API holds of these contacts is unknown.
    """

    __tablename__ = "batches"
    __table_args__ = (
        CheckConstraint("(state = 'pushing') = (lease_until IS NOT NULL)", "lease_while_pushing"),
        CheckConstraint("(state = 'snoozed') = (due_at IS NOT NULL)", "due_while_snoozed"),
        Index("batches_project_index", "project", "method", "state"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Generated(always=True), primary_key=True)
    project: Mapped[Big]
    method: Mapped[Method] = mapped_column(METHOD)
    state: Mapped[BatchState] = mapped_column(pg_enum(BatchState, "batch_state"), server_default="cut")
    token: Mapped[int] = mapped_column(Integer, server_default=text("floor(random() * 1000000000)"))
    size: Mapped[int] = mapped_column(Integer)
    probe: Mapped[bool] = mapped_column(server_default=false())
    posted: Mapped[bool] = mapped_column(server_default=false())
    accepted: Mapped[bool] = mapped_column(server_default=false())
    cut_at: Mapped[Clock]
    sent_at: Mapped[Clock]
    lease_until: Mapped[Instant | None]
    due_at: Mapped[Instant | None]


class ContactInFlight(OfContact, Base):
    """A claimed contact; the primary key is the promise that no contact is in flight twice.

    `in_flight_id` is its own over all batches, and rises with its batch's order. `slice` is the in-flight id of the first contact of its
    slice: a batch starts as one slice (0), a split gives the right half its own.
    `refusal_*` keep a single's unconfirmed refusal until it is known whether the API refuses everything.
    """

    __tablename__ = "in_flight"
    __table_args__ = (Index("in_flight_batch_index", "batch_id"),)

    batch_id: Mapped[Big]
    in_flight_id: Mapped[int] = mapped_column(BigInteger, Generated(always=True), unique=True)
    slice: Mapped[int] = mapped_column(BigInteger, server_default="0")
    source: Mapped[Str]
    outbox_id: Mapped[Big]
    payload: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    priority: Mapped[Small]
    attempts: Mapped[Small]
    lost_leases: Mapped[Small]
    forced: Mapped[bool]
    captured_at: Mapped[Instant]
    first_failed_at: Mapped[Instant | None]
    refusal_status: Mapped[int | None] = mapped_column(SmallInteger)
    refusal_answer: Mapped[str | None] = mapped_column(Text)
    refusal_document: Mapped[str | None] = mapped_column(Text)


class ReservedId(Base):
    """An id of the wire that a contact in flight has reserved: two documents that share one are one contact to the API."""

    __tablename__ = "reserved_ids"
    __table_args__ = (Index("reserved_ids_in_flight_id_index", "in_flight_id"),)

    project: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    method: Mapped[Method] = mapped_column(METHOD, primary_key=True)
    kind: Mapped[Identity] = mapped_column(IDENTITY, primary_key=True)
    wire_id: Mapped[str] = mapped_column(Text, primary_key=True)
    in_flight_id: Mapped[Big]
