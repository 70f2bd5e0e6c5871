"""What the settings and the mapping come to: plain values that the rest of the program reads."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
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

    `auth_key` is None if a command runs that does not post (status, migrate, ...); if it stands in a file, it is what that file
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

    `routed`: its column "projectId" names each row's project; `project` is then the one that has the rows which name none of the mapping's.
    `row_security`: it is read through the CRM's policies on purpose; otherwise a row that one hides is an error.
    `capture`: None for triggers if the CRM's database holds the outbox, else for polling. `poll_interval`, `poll_margin`: seconds.
    """

    name: str
    method: Method
    identity: Identity
    project: int
    query: str
    watches: tuple[Watch, ...] = ()
    routed: bool = False
    row_security: bool = False
    capture: Capture | None = None
    poll_interval: float = 30.0
    poll_margin: float = 600.0

    def of(self, project: int) -> Source:
        """The source as a project sees it: a routed one has the project's rows alone."""
        return replace(self, project=project) if self.routed else self

    @property
    def triggered(self) -> tuple[Watch, ...]:
        """The watches that have triggers: none of a source that is to be polled."""
        return () if self.capture == "poll" else self.watches


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a query may leave out.

    `project`: the one that a row means whose "projectId" is blank, if there are several: the environment's, or none.
    """

    origin: str | None = None
    region: str = "UA"
    responsible: str | None = None
    phone_check: str = "possible"
    project: int | None = None


@dataclass(frozen=True)
class Mapping:
    """`sync.toml`, read and held against itself: every source's project is one of `projects`."""

    defaults: Defaults
    projects: dict[int, Project]
    sources: dict[str, Source]

    @cached_property
    def projects_by_name(self) -> dict[str, int]:
        """The projects' ids by how a row writes them."""
        return {str(project): project for project in self.projects}

    def sources_of(self, project: int) -> list[Source]:
        """The sources that may have contacts or organizations of a project, as it sees them, in the order of the file."""
        return [source.of(project) for source in self.sources.values() if source.routed or source.project == project]

    def alike(self, project: int, method: str, identity: str) -> list[Source]:
        """The sources of a project whose keys name the same contacts, as it sees them, in the order of the file."""
        kind = (str(method), str(identity))
        return [source for source in self.sources_of(project) if (str(source.method), str(source.identity)) == kind]

    def lanes(self) -> set[tuple[int, Method]]:
        """The projects and methods to which anything may be sent."""
        return {(project, source.method) for project in self.projects for source in self.sources_of(project)}

    def projects_of(self, source: Source) -> list[int]:
        """The projects that may have contacts of a source."""
        return sorted(self.projects) if source.routed else [source.project]
