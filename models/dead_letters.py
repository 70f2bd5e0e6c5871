"""Contacts that could not be sent."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, SmallInteger, Text, text
from sqlalchemy import Identity as Generated
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import IDENTITY, METHOD, Base, Big, Instant, Now, Small, Str, pg_enum
from models.states import DeadLetterReason, DeadLetterState, Identity, Method


class DeadLetter(Base):
    """One contact's dead letter, with the reason, the document and the answer. `detail` and the listing hold no personal data."""

    __tablename__ = "dead_letters"
    __table_args__ = (
        CheckConstraint("(state IN ('closed', 'discarded')) = (closed_at IS NOT NULL)", "closed_at"),
        Index(
            "dead_letters_alive_key",
            "project",
            "method",
            "identity",
            "key",
            unique=True,
            postgresql_where=text("state IN ('open', 'requeued')"),
        ),
        Index(
            "dead_letters_discarded_index",
            "project",
            "method",
            "identity",
            "key",
            postgresql_where=text("state = 'discarded'"),
        ),
        Index("dead_letters_closed_index", "closed_at", postgresql_where=text("closed_at IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Generated(always=True), primary_key=True)
    project: Mapped[Big]
    method: Mapped[Method] = mapped_column(METHOD)
    identity: Mapped[Identity] = mapped_column(IDENTITY)
    key: Mapped[Str]
    source: Mapped[Str]
    outbox_id: Mapped[Big]
    payload: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    state: Mapped[DeadLetterState] = mapped_column(pg_enum(DeadLetterState, "dead_letter_state"), server_default="open")
    reason: Mapped[DeadLetterReason] = mapped_column(pg_enum(DeadLetterReason, "dead_letter_reason"))
    detail: Mapped[Str]
    document: Mapped[str | None] = mapped_column(Text)
    answer: Mapped[str | None] = mapped_column(Text)
    http_status: Mapped[int | None] = mapped_column(SmallInteger)
    attempts: Mapped[Small]
    first_failed_at: Mapped[Now]
    last_failed_at: Mapped[Now]
    closed_at: Mapped[Instant | None]
