"""Values that PostgreSQL may hold and Python may not: loaded all the same, so that one of them harms no other row."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, ClassVar

import msgspec
import psycopg
from psycopg.abc import AdaptContext, Buffer
from psycopg.abc import Loader as AnyLoader
from psycopg.adapt import Loader
from psycopg.types import datetime as times
from psycopg.types.json import set_json_loads

from worker.document.values import Unparsed

_quick = msgspec.json.Decoder(float_hook=Decimal).decode


def load_any_json(connection: psycopg.Connection[Any]) -> None:
    """Load json and jsonb, fractions as decimals; what Python can't read of it comes as `Unparsed`."""
    set_json_loads(_loaded, connection)


def _loaded(written: str | bytes) -> Any:
    """As msgspec reads it, in an eighth of the time; or as Python's own reader, which takes lone surrogates too."""
    try:
        return _quick(written)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return json.loads(written, parse_float=Decimal)
    except (ValueError, RecursionError):
        return Unparsed()


def load_any_time(connection: psycopg.Connection[Any]) -> None:
    """Load dates and times; infinity, years before 1 or after 9999 and 24:00 come as PostgreSQL writes them."""
    for kind in (_AnyDate, _AnyTime, _AnyTimetz, _AnyTimestamp, _AnyTimestamptz, _AnyInterval):
        connection.adapters.register_loader(kind.name, kind)


class _OrAsWritten(Loader):
    name: ClassVar[str]
    usual: ClassVar[type[AnyLoader]]

    def __init__(self, oid: int, context: AdaptContext | None = None) -> None:
        super().__init__(oid, context)
        self._usual = self.usual(oid, context)

    def load(self, data: Buffer) -> Any:
        try:
            return self._usual.load(data)
        except (psycopg.DataError, OverflowError):
            return bytes(data).decode()


class _AnyDate(_OrAsWritten):
    name, usual = "date", times.DateLoader


class _AnyTime(_OrAsWritten):
    name, usual = "time", times.TimeLoader


class _AnyTimetz(_OrAsWritten):
    name, usual = "timetz", times.TimetzLoader


class _AnyTimestamp(_OrAsWritten):
    name, usual = "timestamp", times.TimestampLoader


class _AnyTimestamptz(_OrAsWritten):
    name, usual = "timestamptz", times.TimestamptzLoader


class _AnyInterval(_OrAsWritten):
    name, usual = "interval", times.IntervalLoader
