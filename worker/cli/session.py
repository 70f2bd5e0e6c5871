"""What most commands begin with: settings, mapping, a connection, and errors as one line."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.pool import NullPool

from worker.config.mapping import load_mapping
from worker.config.model import Mapping, Source
from worker.config.settings import Settings, load_settings
from worker.database.engines import outbox_engine
from worker.errors import ConfigError, RefusedError, first_line
from worker.logs import set_up_logs


def begin() -> Settings:
    """Settings, with logs going to standard error."""
    settings = load_settings()
    set_up_logs(settings.sync_log_level)
    return settings


def mapping_of(settings: Settings) -> Mapping:
    """The mapping, for a command that does not post."""
    return load_mapping(settings, need_keys=False)


@contextmanager
def outbox(settings: Settings) -> Iterator[Connection]:
    """A transaction on the outbox's database; what goes wrong there becomes one line."""
    with outbox_database(settings) as engine, engine.begin() as connection:
        yield connection


@contextmanager
def outbox_database(settings: Settings) -> Iterator[Engine]:
    """The outbox's database, for more transactions than one; what goes wrong there becomes one line."""
    try:
        yield outbox_engine(settings.require_database_url(), poolclass=NullPool)
    except OperationalError as error:
        raise RefusedError(f"DATABASE_URL: PostgreSQL does not answer ({first_line(error)}).") from error
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", "") in {"42P01", "3F000"}:
            raise ConfigError(
                "DATABASE_URL: the schema is not there yet: run `ringostat-sync migrate` first."
            ) from error
        raise


def known_project(mapping: Mapping, project: int) -> int:
    """The project's id, or RefusedError where the mapping has none such."""
    if project not in mapping.projects:
        known = ", ".join(str(known) for known in sorted(mapping.projects))
        raise RefusedError(f"There is no project {project}: the configuration has {known}.")
    return project


def known_source(mapping: Mapping, source: str) -> Source:
    """The source of this name, or RefusedError where the mapping has none such."""
    if source not in mapping.sources:
        known = ", ".join(sorted(mapping.sources))
        raise RefusedError(f"There is no source {source!r}: the mapping has {known}.")
    return mapping.sources[source]


def print_json(value: Any) -> None:
    """JSON, alone on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")


def printable(text: object) -> str:
    """A text of the CRM's or the API's as a terminal may show it: what would steer the terminal is spelt out, but for newlines."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in str(text))


def wide_console() -> Console:
    """Standard output; where it is no terminal, wide enough that no column is cut."""
    return Console() if sys.stdout.isatty() else Console(width=200)
