"""`pause` and `resume`."""

from __future__ import annotations

from typing import Annotated

import typer

from models import PauseReason
from worker.cli.outbox import outbox
from worker.cli.session import begin, known_project, mapping_of
from worker.projects import pauses

ProjectId = Annotated[int, typer.Argument(metavar="PROJECT", help="The Ringostat project's id.")]


def pause(project: ProjectId) -> None:
    """Send nothing for a project until `resume`. Changes go on being collected."""
    settings = begin()
    known_project(mapping_of(settings), project)
    with outbox(settings) as connection:
        pauses.pause(connection, project, PauseReason.BY_HAND, "Paused by an operator.")
    typer.echo(f"Project {project} is paused: `ringostat-sync resume {project}` lifts it.", err=True)


def resume(project: ProjectId) -> None:
    """Lift any pause of a project.

    Its waiting contacts are due now.
    """
    settings = begin()
    known_project(mapping_of(settings), project)
    with outbox(settings) as connection:
        lifted = pauses.resume(connection, project)
    typer.echo(f"Project {project} {'is resumed' if lifted else 'was not paused'}.", err=True)
