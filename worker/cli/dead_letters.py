"""`dead-letters list | show | requeue | discard`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

import typer
from sqlalchemy import Connection

from models import DeadLetterReason
from worker.cli.outbox import outbox
from worker.cli.session import begin, known_project, mapping_of, print_json, printable, wide_console
from worker.cli.tables import print_rows, to_the_second
from worker.config.settings import Settings
from worker.errors import ConfigError
from worker.operate import dead_letters

app = typer.Typer(help="Contacts that could not be sent.", no_args_is_help=True)

ProjectOption = Annotated[int | None, typer.Option("--project", metavar="PROJECT", help="Only this project's.")]
ReasonOption = Annotated[
    DeadLetterReason | None,
    typer.Option("--reason", metavar="REASON", help=f"Only those of this reason: {', '.join(DeadLetterReason)}."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]
AllOption = Annotated[bool, typer.Option("--all", help="All open dead letters (of --project, --reason).")]
Ids = Annotated[list[int] | None, typer.Argument(metavar="ID", help="Letters, by their ids.")]
NAMES = ("id", "project", "method", "source", "key", "reason", "attempts", "last failed", "detail")


@app.command("list")
def list_(project: ProjectOption = None, reason: ReasonOption = None, as_json: JsonOption = False) -> None:
    """List the open dead letters: ids and reasons."""
    settings = _settings(project)
    with outbox(settings) as connection:
        found = dead_letters.list_dead_letters(connection, project=project, reason=reason)
    if as_json:
        print_json([dead_letter.as_json() for dead_letter in found])
    else:
        print_rows(wide_console(), NAMES, [_row(dead_letter) for dead_letter in found], sentence="detail")


@app.command()
def show(
    dead_letter: Annotated[int, typer.Argument(metavar="ID", help="The dead letter's id.")], as_json: JsonOption = False
) -> None:
    """Show one dead letter whole.

    With its document and the API's answer.
    """
    with outbox(begin()) as connection:
        found = dead_letters.show_dead_letter(connection, dead_letter)
    if as_json:
        print_json(found)
        return
    for name, value in found.items():
        if value is not None:
            typer.echo(f"{name:>16}  {printable(value)}")


@app.command()
def requeue(
    ids: Ids = None, all_: AllOption = False, project: ProjectOption = None, reason: ReasonOption = None
) -> None:
    """Send contacts again, read anew from the CRM."""
    _move(dead_letters.requeue_dead_letters, "requeued", ids, all_, project, reason)


@app.command()
def discard(
    ids: Ids = None, all_: AllOption = False, project: ProjectOption = None, reason: ReasonOption = None
) -> None:
    """Give dead letters up."""
    _move(dead_letters.discard_dead_letters, "discarded", ids, all_, project, reason)


def _move(
    step: Callable[[Connection, Sequence[int]], list[int]],
    done: str,
    ids: list[int] | None,
    all_: bool,
    project: int | None,
    reason: DeadLetterReason | None,
) -> None:
    if bool(ids) == all_:
        raise ConfigError("Name dead letters by their ids, or all of them with --all.")
    if ids and (project is not None or reason is not None):
        raise ConfigError("--project and --reason go with --all, not with ids.")
    with outbox(_settings(project)) as connection:
        wanted = ids or [
            int(dead_letter.id)
            for dead_letter in dead_letters.list_dead_letters(connection, project=project, reason=reason)
        ]
        moved = step(connection, wanted)
    typer.echo(f"{len(moved)} {done}.", err=True)


def _settings(project: int | None) -> Settings:
    settings = begin()
    if project is not None:
        known_project(mapping_of(settings), project)
    return settings


def _row(dead_letter: dead_letters.OpenDeadLetter) -> list[object]:
    whose = [dead_letter.id, dead_letter.project, dead_letter.method, dead_letter.source, dead_letter.key]
    return [
        *whose,
        dead_letter.reason,
        dead_letter.attempts,
        to_the_second(dead_letter.last_failed_at),
        dead_letter.detail,
    ]
