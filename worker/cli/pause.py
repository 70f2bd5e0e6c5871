"""`pause` and `resume`."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.cli.outbox import outbox
from worker.cli.session import begin, mapping_of
from worker.config.model import Project
from worker.config.settings import Settings
from worker.errors import LimiterUnavailableError
from worker.operate.known import known_project
from worker.projects import pauses
from worker.wiring import Wiring

ProjectId = Annotated[int, typer.Argument(metavar="PROJECT", help="The Ringostat project's id.")]


def pause(project: ProjectId) -> None:
    """Send nothing for a project until `resume`. Changes are still collected."""
    settings = begin()
    known_project(mapping_of(settings), project)
    with outbox(settings) as connection:
        pauses.pause_by_hand(connection, project, "Paused by an operator.")
    typer.echo(f"Project {project} is paused: `ringostat-sync resume {project}` lifts it.", err=True)


def resume(project: ProjectId) -> None:
    """Lift any pause of a project.

    It also ends a wait that the API has asked for (`Retry-After`). Contacts that wait are due now.
    """
    settings = begin()
    mapping = mapping_of(settings)
    known_project(mapping, project)
    with outbox(settings) as connection:
        ended = pauses.resume(connection, project)
    if settings.redis_url is not None:
        reset_limit(settings, mapping.projects[project])
    was_stopped = ended.pause or ended.throttle
    typer.echo(f"Project {project} {'is resumed' if was_stopped else 'was not paused'}.", err=True)


def reset_limit(settings: Settings, project: Project) -> None:
    """Let the rate limit begin anew from what PostgreSQL knows, whatever has become of it in Redis."""
    try:
        Wiring.of(settings, need_keys=False).limiter.reset(project)
    except LimiterUnavailableError as error:
        typer.echo(f"Nothing is sent yet: {error}", err=True)
