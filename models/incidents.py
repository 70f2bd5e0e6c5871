"""What has happened to the database itself."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, text
from sqlalchemy import Identity as Generated
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Clock, Instant, pg_enum
from models.states import IncidentKind


class Incident(Base):
    """An incident, open until it is made good; at most one of a kind is.

    `erased_at`: since when no digest from before `noticed_at` is believed any more.
    """

    __tablename__ = "incidents"
    __table_args__ = (Index("incidents_open_key", "kind", unique=True, postgresql_where=text("closed_at IS NULL")),)

    id: Mapped[int] = mapped_column(BigInteger, Generated(always=True), primary_key=True)
    kind: Mapped[IncidentKind] = mapped_column(pg_enum(IncidentKind, "incident_kind"))
    noticed_at: Mapped[Clock]
    erased_at: Mapped[Instant | None]
    closed_at: Mapped[Instant | None]
