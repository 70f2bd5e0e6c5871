"""Our own processes, and what is wrong with the job."""

from __future__ import annotations

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Clock, Instant, Str


class Part(Base):
    """A process of ours: it writes every few seconds that it lives, and when it has ended in order.

    `mapping` and `settings` are fingerprints. `progressed_at`: when it last got on with its work.
    """

    __tablename__ = "parts"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    role: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[Str]
    mapping: Mapped[Str]
    settings: Mapped[Str]
    started_at: Mapped[Clock]
    seen_at: Mapped[Clock]
    progressed_at: Mapped[Clock]
    ended_at: Mapped[Instant | None]


class ToldProblem(Base):
    """A problem that was found, and told; its row goes when it has ended."""

    __tablename__ = "problems"

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    sentence: Mapped[Str]
    began_at: Mapped[Clock]


class Look(Base):
    """When one of our processes last looked for something that one of them has to look for."""

    __tablename__ = "looks"

    what: Mapped[str] = mapped_column(Text, primary_key=True)
    looked_at: Mapped[Instant]
