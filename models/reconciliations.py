"""Walks over a source, what they find, and what the last reconciliation came to."""

from __future__ import annotations

from sqlalchemy import BigInteger, Text, false
from sqlalchemy.orm import Mapped, mapped_column

from models.base import METHOD, Base, Big, Instant, Str, pg_enum
from models.states import Method, WalkPurpose

PURPOSE = pg_enum(WalkPurpose, "walk_purpose")


class WalkState(Base):
    """A walk over the keys of a source: asked for (`requested_at`), under way (`started_at`), or neither.

    `last_key`: the last key that it has compared; the figures are its own so far. `is_over`: all keys are compared, and what was
    found is on its way to `pending`. `reaching`: the highest watermark when a poll began; `last_watermark`: of the last poll that
    has ended; `watermark`: of one that ended at least `poll_margin` seconds ago; `next_watermark`: of the one that follows it there.
    """

    __tablename__ = "walks"

    source: Mapped[str] = mapped_column(Text, primary_key=True)
    purpose: Mapped[WalkPurpose] = mapped_column(PURPOSE, primary_key=True)
    reason: Mapped[str | None] = mapped_column(Text)
    requested_at: Mapped[Instant | None]
    started_at: Mapped[Instant | None]
    ended_at: Mapped[Instant | None]
    nightly_at: Mapped[Instant | None]
    last_key: Mapped[str | None] = mapped_column(Text)
    known: Mapped[int] = mapped_column(BigInteger, server_default="0")
    differing: Mapped[int] = mapped_column(BigInteger, server_default="0")
    never_sent: Mapped[int] = mapped_column(BigInteger, server_default="0")
    gone: Mapped[int] = mapped_column(BigInteger, server_default="0")
    is_over: Mapped[bool] = mapped_column(server_default=false())
    failed_at: Mapped[Instant | None]
    reaching: Mapped[str | None] = mapped_column(Text)
    last_watermark: Mapped[str | None] = mapped_column(Text)
    watermark: Mapped[str | None] = mapped_column(Text)
    next_watermark: Mapped[str | None] = mapped_column(Text)
    next_watermark_at: Mapped[Instant | None]


class Drifted(Base):
    """A contact that a reconciliation has found to differ, never sent or gone, until it waits in `pending`."""

    __tablename__ = "drifted"

    source: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    project: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[Str]


class Reconciliation(Base):
    """What the last reconciliation of a source has found; `held`: nothing of it is sent until an operator confirms."""

    __tablename__ = "reconciliations"

    source: Mapped[str] = mapped_column(Text, primary_key=True)
    project: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    method: Mapped[Method] = mapped_column(METHOD)
    started_at: Mapped[Instant]
    finished_at: Mapped[Instant]
    known: Mapped[Big]
    differing: Mapped[Big]
    never_sent: Mapped[Big]
    gone: Mapped[Big]
    held: Mapped[bool]
    confirmed: Mapped[bool]
