"""The declarative base, and the columns that name a contact."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from sqlalchemy import BigInteger, DateTime, Enum, MetaData, SmallInteger, Text, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from models.states import SCHEMA, Identity, Method

Instant = Annotated[datetime, mapped_column(DateTime(timezone=True))]
Now = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.now())]
Clock = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.ringostat_sync.clock())]
Big = Annotated[int, mapped_column(BigInteger)]
Small = Annotated[int, mapped_column(SmallInteger)]
Str = Annotated[str, mapped_column(Text)]


class Base(DeclarativeBase):
    """Every table is in our own schema, with predictable names of constraints."""

    metadata = MetaData(
        schema=SCHEMA,
        naming_convention={
            "ix": "%(table_name)s_%(column_0_N_name)s_index",
            "uq": "%(table_name)s_%(column_0_N_name)s_key",
            "ck": "%(table_name)s_%(constraint_name)s_check",
            "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
            "pk": "%(table_name)s_pkey",
        },
    )


def pg_enum(kind: type, name: str) -> Enum:
    """A native enum of the members' values, in our schema."""
    return Enum(kind, name=name, metadata=Base.metadata, values_callable=lambda members: [m.value for m in members])


METHOD = pg_enum(Method, "method")
IDENTITY = pg_enum(Identity, "identity")


class OfContact:
    """A contact is (project, method, identity, key), whatever the source: the primary key of every table about contacts."""

    project: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    method: Mapped[Method] = mapped_column(METHOD, primary_key=True)
    identity: Mapped[Identity] = mapped_column(IDENTITY, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
