"""What is known of a project as a whole: its pause, its API's health, its requests, its totals."""

from __future__ import annotations

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Double, Index, Integer, SmallInteger, Text, false, true
from sqlalchemy import Identity as Generated
from sqlalchemy.orm import Mapped, mapped_column

from models.base import METHOD, Base, Big, Clock, Instant, Now, Str, pg_enum
from models.states import Method, PauseReason


class Pause(Base):
    """A paused project, or one method of it (`api_down` alone; null means both).

    At `until` one real batch goes out as the probe; a pause by hand has none and ends by `resume`.
    """

    __tablename__ = "pauses"
    __table_args__ = (CheckConstraint("(reason = 'by_hand') = (until IS NULL)", "until_unless_by_hand"),)

    project: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    reason: Mapped[PauseReason] = mapped_column(pg_enum(PauseReason, "pause_reason"))
    method: Mapped[Method | None] = mapped_column(METHOD)
    detail: Mapped[Str]
    since: Mapped[Clock]
    until: Mapped[Instant | None]
    probes: Mapped[int] = mapped_column(Integer, server_default="0")


class ServiceHealth(Base):
    """How often in a row the API has answered 429 to a project, and until when it throttles us (`Retry-After`).

    `throttled_at`: when the 429 came that counted last.
    """

    __tablename__ = "service_health"

    project: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    throttles: Mapped[int] = mapped_column(Integer, server_default="0")
    throttled_until: Mapped[Instant | None]
    throttled_at: Mapped[Instant | None]


class Lane(Base):
    """A project and method: its totals since installation, the batch size that a 413 has taught us, and its API's health.

    `failures`: of the service, in a row. `refusals`: singles of narrow batches refused in a row, with nothing accepted between.
    `accepted_at`: when something was last accepted, or up to a second before that.
    """

    __tablename__ = "lanes"

    project: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    method: Mapped[Method] = mapped_column(METHOD, primary_key=True)
    batch_limit: Mapped[int | None] = mapped_column(Integer)
    sent: Mapped[int] = mapped_column(BigInteger, server_default="0")
    unchanged: Mapped[int] = mapped_column(BigInteger, server_default="0")
    absent: Mapped[int] = mapped_column(BigInteger, server_default="0")
    superseded: Mapped[int] = mapped_column(BigInteger, server_default="0")
    buried: Mapped[int] = mapped_column(BigInteger, server_default="0")
    lost_leases: Mapped[int] = mapped_column(BigInteger, server_default="0")
    requests_accepted: Mapped[int] = mapped_column(BigInteger, server_default="0")
    requests_refused: Mapped[int] = mapped_column(BigInteger, server_default="0")
    requests_throttled: Mapped[int] = mapped_column(BigInteger, server_default="0")
    requests_failed: Mapped[int] = mapped_column(BigInteger, server_default="0")
    requests_unauthorized: Mapped[int] = mapped_column(BigInteger, server_default="0")
    requests_unexpected: Mapped[int] = mapped_column(BigInteger, server_default="0")
    delivery_buckets: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger))
    delivery_seconds: Mapped[float] = mapped_column(Double, server_default="0")
    failures: Mapped[int] = mapped_column(Integer, server_default="0")
    failing_since: Mapped[Instant | None]
    refusals: Mapped[int] = mapped_column(Integer, server_default="0")
    accepted_at: Mapped[Instant | None]


class Request(Base):
    """A request, written before its first byte; `outcome` is null until its answer is settled."""

    __tablename__ = "requests"
    __table_args__ = (Index("requests_project_index", "project", "posted_at"),)

    id: Mapped[int] = mapped_column(BigInteger, Generated(always=True), primary_key=True)
    project: Mapped[Big]
    method: Mapped[Method] = mapped_column(METHOD)
    batch_id: Mapped[Big]
    entries: Mapped[int] = mapped_column(Integer)
    posted_at: Mapped[Now]
    outcome: Mapped[str | None] = mapped_column(Text)
    http_status: Mapped[int | None] = mapped_column(SmallInteger)


class BackfillCursor(Base):
    """A backfill under way: the last key that is in, so that the same command resumes after it."""

    __tablename__ = "backfills"

    source: Mapped[str] = mapped_column(Text, primary_key=True)
    condition: Mapped[str] = mapped_column(Text, primary_key=True)
    forced: Mapped[bool] = mapped_column(primary_key=True, server_default=false())
    last_key: Mapped[str | None] = mapped_column(Text)
    done: Mapped[int] = mapped_column(BigInteger, server_default="0")
    started_at: Mapped[Now]


class ClockSeen(Base):
    """The clock as `recover` last saw it, and which database this is: one row."""

    __tablename__ = "clock_seen"
    __table_args__ = (CheckConstraint("is_only", "one_row"),)

    is_only: Mapped[bool] = mapped_column(primary_key=True, server_default=true())
    at: Mapped[Clock]
    place: Mapped[str | None] = mapped_column(Text)
