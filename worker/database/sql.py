"""SQL that stands in files beside the function that runs it."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from sqlalchemy import TextClause, text


@cache
def sql(package: str, name: str) -> TextClause:
    """The statement in `name`.sql of `package`, with `:name` binds."""
    return text(written(package, name).decode())


@cache
def written(package: str, name: str) -> bytes:
    """The same as psycopg's own connections take it, with `%(name)s` binds."""
    return (files(package) / f"{name}.sql").read_bytes()


def without_binds(written: str) -> str:
    """A user's SQL as it stands in a statement of psycopg's, which takes a lone `%` for the beginning of a bind."""
    return written.replace("%", "%%")
