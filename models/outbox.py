"""Where a change arrives, and where its contact waits."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, SmallInteger, Text, false, text
from sqlalchemy.dialects.postgresql import JSONB, OID
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Big, Instant, Now, OfContact, Small, Str


class OutboxRow(Base):
    """A committed change: which contact (`key`), or from which changed row to find the contacts (`watch`, `changed`).

    Capture and producers write it by a plain INSERT; the collector ingests it. The one index keeps that INSERT cheap,
    and each source's rows together, so that nobody waits behind another source's backlog. It has no CHECK, as each costs the CRM's
    transactions some 2 µs a row; a row of a watch has the empty key, and a `payload` of it counts for nothing.
    """

    __tablename__ = "outbox"

    source: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    key: Mapped[str] = mapped_column(Text, server_default="")
    payload: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    watch: Mapped[str | None] = mapped_column(Text)
    changed: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    created_at: Mapped[Now]


class Watched(Base):
    """An installed watch; `keys` is the SELECT by which a changed row is fanned out to its contacts.

    `table_oid` and `column_types` are what `table_name` was at the installation, `watches_oid` what this table was then; null: not known.
    """

    __tablename__ = "watches"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    source: Mapped[Str]
    table_name: Mapped[Str]
    keys: Mapped[str | None] = mapped_column(Text)
    definition: Mapped[dict[str, Any]] = mapped_column(JSONB)
    installed_at: Mapped[Now]
    table_oid: Mapped[int | None] = mapped_column(OID)
    column_types: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    watches_oid: Mapped[int | None] = mapped_column(OID)


class Route(Base):
    """A project that has a key of a source whose rows name their projects.

    A contact that moves waits in the one that it leaves too, and ends there as absent.
    """

    __tablename__ = "routes"

    source: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    project: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


class FanOutRow(Base):
    """A changed row that stands for many contacts, ingested and not yet fanned out; one, however often it changed."""

    __tablename__ = "fan_outs"
    __table_args__ = (Index("fan_outs_changed_key", "source", "watch", text("md5(changed::text)"), unique=True),)

    source: Mapped[str] = mapped_column(Text, primary_key=True)
    outbox_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    watch: Mapped[Str]
    changed: Mapped[dict[str, Any]] = mapped_column(JSONB)
    captured_at: Mapped[Instant]


class PendingContact(OfContact, Base):
    """A contact that waits: one row, however often it changed; the highest outbox id has won.

    `due_at` is null for a contact that may go now (the index of claims holds only those), else the time of its next try.
    `lost_leases` counts leases lost: they narrow its company as failures do, but never bury it.
    """

    __tablename__ = "pending"
    __table_args__ = (
        CheckConstraint("priority BETWEEN 0 AND 2", "priority"),
        CheckConstraint("attempts >= 0 AND lost_leases >= 0", "counts"),
        Index(
            "pending_ready_index",
            "project",
            "method",
            "priority",
            "outbox_id",
            postgresql_where=text("due_at IS NULL"),
        ),
        Index("pending_due_index", "project", "method", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    )

    source: Mapped[Str]
    outbox_id: Mapped[Big]
    payload: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    priority: Mapped[Small] = mapped_column(SmallInteger, server_default="0")
    attempts: Mapped[Small] = mapped_column(SmallInteger, server_default="0")
    lost_leases: Mapped[Small] = mapped_column(SmallInteger, server_default="0")
    forced: Mapped[bool] = mapped_column(server_default=false())
    captured_at: Mapped[Instant]
    first_failed_at: Mapped[Instant | None]
    due_at: Mapped[Instant | None]
