"""pydantic's many-lined reports, turned into one sentence for a person."""

from __future__ import annotations

import reprlib
from typing import Any, get_args

from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails


def reason(error: ErrorDetails, must_be: str | None, *, hidden: bool = False) -> str:
    """Return what is wrong with a value and what it must be, to be read on after the setting's name.

    `must_be` is what `expected` says of the field; a `hidden` value (one that may be a secret) is not shown.
    """
    raised = error.get("ctx", {}).get("error")
    if isinstance(raised, ValueError):  # from a validator of ours, which says it all
        return str(raised)
    if error["type"] == "missing":
        return f"is missing: it must be {must_be}"
    value = "" if hidden else f", not {shown(error['input'])}"
    return f"must be {must_be}{value}"


def expected(field: FieldInfo) -> str | None:
    """Return what a field must be, as its own description or that of its type (`Port | None`) says."""
    if field.description is not None:
        return field.description
    notes = [note for choice in get_args(field.annotation) for note in get_args(choice)]
    return next((note.description for note in notes if isinstance(note, FieldInfo)), None)


def shown(value: Any) -> str:
    """Return a value as it may be in a line: quoted and cut short; of a table or list only its kind."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    return reprlib.repr(value)
