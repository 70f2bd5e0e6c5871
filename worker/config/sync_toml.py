"""Reads `sync.toml` and says in one line what is wrong with it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from worker.config.complaints import expected, reason, shown
from worker.config.files import read_text
from worker.config.toml_schema import ProjectTable, SourceTable, SyncToml, WatchTable
from worker.errors import ConfigError

_TABLES: dict[str | int, type[BaseModel]] = {
    "projects": ProjectTable,
    "sources": SourceTable,
    "watch": WatchTable,
}


def read_sync_toml(path: Path) -> SyncToml:
    """Return what the file says, each value by itself checked.

    Raises ConfigError with one line: the file, the entry, the key, what is wrong and what to write.
    """
    written = _parse(path)
    try:
        return SyncToml.model_validate(written)
    except ValidationError as error:
        # A misspelt key is also a missing one; the misspelling is what a person has to see.
        first = min(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
        raise ConfigError(f"{path}: {_complaint(first, written)}") from None


def project_label(number: object, index: int) -> str:
    """Return an error's name for a project: its id, or its place (`index` counts from 0)."""
    return f"[[projects]] {number}" if type(number) is int else f"[[projects]] no. {index + 1}"


def source_label(name: object, index: int) -> str:
    """Return an error's name for a source: its own, or its place (`index` counts from 0)."""
    return f"[[sources]] {shown(name)}" if isinstance(name, str) and name else f"[[sources]] no. {index + 1}"


def watch_label(index: int) -> str:
    """Return an error's name for an entry of `watch`; `index` counts from 0."""
    return f"watch no. {index + 1}"


def _parse(path: Path) -> dict[str, Any]:
    if _is_missing(path):
        raise ConfigError(f"SYNC_CONFIG: there is no {path} here: start in its folder, or set SYNC_CONFIG to its path")
    try:
        text = read_text(path)
    except ConfigError as error:
        raise ConfigError(f"SYNC_CONFIG: {error}: set SYNC_CONFIG to a TOML file in UTF-8") from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = len(text.splitlines())
        problem = str(error).replace("(at end of document)", f"(at line {line}, the end of the file)")
        raise ConfigError(f"{path}: this is no TOML: {problem}") from None
    except (ValueError, RecursionError):  # a number of over 4,300 digits, or lists without end
        raise ConfigError(f"{path}: a number in it is too long or a list too deep: remove it") from None


def _is_missing(path: Path) -> bool:
    """Whether there is no such file; one that may not be looked at is not missing, and reading it says why."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):
        return False
    return False


def _complaint(error: ErrorDetails, written: Mapping[str, Any]) -> str:
    entry, table, field = _locate(error["loc"], written)
    before = f"{entry}: " if entry else ""
    if field is None:
        return before + reason(error, "a table")
    if error["type"] == "extra_forbidden":
        return f"{before}unknown key {shown(field)}{_hint(field, table)}"
    return f"{before}{field} {reason(error, expected(table.model_fields[field]))}"


def _locate(loc: Sequence[str | int], written: Mapping[str, Any]) -> tuple[str, type[BaseModel], str | None]:
    """Return the entry as a person would point at it, its kind of table, and the field, if any."""
    here: Any = written
    table: type[BaseModel] = SyncToml
    entries: list[str] = []
    steps = list(loc)
    while len(steps) > 1 and steps[0] in _TABLES and isinstance(steps[1], int):
        kind, index = str(steps[0]), steps[1]
        here = here[kind][index]
        table = _TABLES[kind]
        entries.append(_entry_label(kind, index, here))
        steps = steps[2:]
    return ", ".join(entries), table, str(steps[0]) if steps else None


def _entry_label(kind: str, index: int, entry: Any) -> str:
    fields = entry if isinstance(entry, dict) else {}
    if kind == "projects":
        return project_label(fields.get("id"), index)
    if kind == "sources":
        return source_label(fields.get("name"), index)
    return watch_label(index)


def _hint(field: str, table: type[BaseModel]) -> str:
    near = get_close_matches(field, table.model_fields, n=1)
    if near:
        return f": did you mean {near[0]}?"
    if field in SyncToml.model_fields:
        return ": it belongs to the top of the file, above the first [[…]]"
    return f": remove it (known here: {', '.join(table.model_fields)})"
