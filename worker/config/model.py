"""What the settings and the mapping come to: plain values that the rest of the program reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from models.states import Identity, Method

__all__ = ["Capture", "Defaults", "Identity", "LogLevel", "Mapping", "Method", "Project", "Rate", "Source", "Watch"]

Capture = Literal["triggers", "poll"]
LogLevel = Literal["debug", "info", "warning", "error", "critical"]


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` requests in any `period` seconds."""

    count: int
    period: float


@dataclass(frozen=True, slots=True)
class Project:
    """A Ringostat project: its id, its key, its quota.

    `auth_key` is None where a command runs that does not post (status, migrate, ...); if it stands in a file, it is what that file
    held at the start.
    """

    id: int
    rate: Rate
    batch_size: int
    auth_key: str | None = field(default=None, repr=False)
    auth_key_file: Path | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Watch:
    """A watched table, with either `key` (a column of the changed row) or `keys` (a SELECT of keys)."""

    table: str
    key: str | None = None
    keys: str | None = None
    columns: tuple[str, ...] = ()
    where: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A mapped query. `query` is the text of its SQL file, as written by the user.

    `row_security`: it is read through the CRM's policies on purpose; otherwise a row that one hides is an error.
    `capture`: None for triggers if the CRM's database holds the outbox, else for polling. `poll_interval`, `poll_margin`: seconds.
    """

    name: str
    method: Method
    identity: Identity
    project: int
    query: str
    watches: tuple[Watch, ...] = ()
    row_security: bool = False
    capture: Capture | None = None
    poll_interval: float = 30.0
    poll_margin: float = 600.0

    @property
    def triggered(self) -> tuple[Watch, ...]:
        """The watches that have triggers: none of a source that is to be polled."""
        return () if self.capture == "poll" else self.watches


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a query may leave out."""

    origin: str | None = None
    region: str = "UA"
    responsible: str | None = None
    phone_check: str = "possible"


@dataclass(frozen=True, slots=True)
class Mapping:
    """`sync.toml`, read and held against itself: every source's project is one of `projects`."""

    defaults: Defaults
    projects: dict[int, Project]
    sources: dict[str, Source]
