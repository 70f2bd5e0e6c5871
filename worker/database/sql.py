"""SQL that is in files beside the function that runs it."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from sqlalchemy import TextClause, text


@cache
def sql_text(package: str, name: str) -> str:
    """What is in `name`.sql of `package`, for psycopg: with `%(name)s` binds."""
    return (files(package) / f"{name}.sql").read_text(encoding="utf-8")


@cache
def sql(package: str, name: str) -> TextClause:
    """The statement in `name`.sql of `package`, with `:name` binds."""
    return text(sql_text(package, name))


def without_binds(written: str) -> str:
    """A user's SQL as it is in a statement of psycopg's, which takes a lone `%` for the beginning of a bind."""
    return written.replace("%", "%%")
