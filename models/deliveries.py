"""What the API holds, as far as we know, and how many contacts ended how."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Double,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    false,
)
from sqlalchemy import Identity as Generated
from sqlalchemy.orm import Mapped, mapped_column

from models.base import METHOD, Base, Big, Instant, Now, OfContact, Str
from models.states import Method


class Delivery(OfContact, Base):
    """The last document accepted for a contact, and at which address of the API.

    `digest` is null when what the API holds is unknown. The `other_*` ids are those that the key does not already say,
    by which a document of another contact overwrites this one.
    `by_payload`: only producers' payloads have ever been accepted. `absent_at`: since when no source returns it.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        Index(
            "deliveries_other_external_id_index",
            "project",
            "method",
            "other_external_id",
            postgresql_where="other_external_id IS NOT NULL",
        ),
        Index(
            "deliveries_other_lead_id_index",
            "project",
            "method",
            "other_lead_id",
            postgresql_where="other_lead_id IS NOT NULL",
        ),
    )

    outbox_id: Mapped[Big]
    digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    other_external_id: Mapped[str | None] = mapped_column(Text)
    other_lead_id: Mapped[str | None] = mapped_column(Text)
    accepted_at: Mapped[Now]
    address: Mapped[int | None] = mapped_column(SmallInteger)
    source: Mapped[str | None] = mapped_column(Text)
    by_payload: Mapped[bool] = mapped_column(server_default=false())
    absent_at: Mapped[Instant | None]


class Address(Base):
    """An address of the API that documents went to."""

    __tablename__ = "addresses"
    __table_args__ = (UniqueConstraint("url"),)

    id: Mapped[int] = mapped_column(SmallInteger, Generated(always=True), primary_key=True)
    url: Mapped[Str]


class Settlement(Base):
    """How many contacts a transaction settled and how, and what requests came to; folded into `lanes` by the purge.

    `delivery_buckets`: contacts accepted, by the time from commit to acceptance (`settle.DELIVERY_BOUNDS`).
    """

    __tablename__ = "settlements"

    id: Mapped[int] = mapped_column(BigInteger, Generated(always=True), primary_key=True)
    project: Mapped[Big]
    method: Mapped[Method] = mapped_column(METHOD)
    sent: Mapped[int] = mapped_column(Integer, server_default="0")
    unchanged: Mapped[int] = mapped_column(Integer, server_default="0")
    absent: Mapped[int] = mapped_column(Integer, server_default="0")
    superseded: Mapped[int] = mapped_column(Integer, server_default="0")
    buried: Mapped[int] = mapped_column(Integer, server_default="0")
    lost_leases: Mapped[int] = mapped_column(Integer, server_default="0")
    requests_accepted: Mapped[int] = mapped_column(Integer, server_default="0")
    requests_refused: Mapped[int] = mapped_column(Integer, server_default="0")
    requests_throttled: Mapped[int] = mapped_column(Integer, server_default="0")
    requests_failed: Mapped[int] = mapped_column(Integer, server_default="0")
    requests_unauthorized: Mapped[int] = mapped_column(Integer, server_default="0")
    requests_unexpected: Mapped[int] = mapped_column(Integer, server_default="0")
    delivery_buckets: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger))
    delivery_seconds: Mapped[float] = mapped_column(Double, server_default="0")
    settled_at: Mapped[Now]
