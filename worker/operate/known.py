"""What the mapping knows, by the name or the id that a person has given."""

from __future__ import annotations

from worker.config.model import Mapping, Source
from worker.errors import RefusedError


def known_project(mapping: Mapping, project: int) -> int:
    """The project's id, or RefusedError if the mapping has none such."""
    if project not in mapping.projects:
        known = ", ".join(str(known) for known in sorted(mapping.projects))
        raise RefusedError(f"There is no project {project}: the configuration has {known}.")
    return project


def known_source(mapping: Mapping, source: str) -> Source:
    """The source of this name, or RefusedError if the mapping has none such."""
    if source not in mapping.sources:
        known = ", ".join(sorted(mapping.sources))
        raise RefusedError(f"There is no source {source!r}: the mapping has {known}.")
    return mapping.sources[source]
