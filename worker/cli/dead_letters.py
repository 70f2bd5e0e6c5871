"""`dead-letters list | show | requeue | discard`."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Annotated

import typer
from sqlalchemy import Connection

from models import DeadLetterReason
from worker.cli.outbox import outbox
from worker.cli.session import begin, mapping_of, print_json, printable, wide_console
from worker.cli.tables import print_rows, to_the_second
from worker.config.settings import Settings
from worker.errors import ConfigError
from worker.operate import dead_letters
from worker.operate.dead_letters import Filter
from worker.operate.known import known_project

app = typer.Typer(help="Contacts that could not be sent.", no_args_is_help=True)

ProjectOption = Annotated[int | None, typer.Option("--project", metavar="PROJECT", help="Only this project's.")]
SourceOption = Annotated[str | None, typer.Option("--source", metavar="SOURCE", help="Only this source's.")]
KeyOption = Annotated[str | None, typer.Option("--key", metavar="KEY", help="Only this contact's.")]
SinceOption = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help="Only those that last failed then or later (ISO 8601).")
]
ReasonOption = Annotated[
    DeadLetterReason | None,
    typer.Option("--reason", metavar="REASON", help=f"Only those of this reason: {', '.join(DeadLetterReason)}."),
]
LimitOption = Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="At most N of them.")]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]
CsvOption = Annotated[bool, typer.Option("--csv", help="CSV on standard output, with the columns of --json.")]
GroupOption = Annotated[bool, typer.Option("--group", help="One line for each cause, with its count.")]
AllOption = Annotated[bool, typer.Option("--all", help="All open dead letters that match the filters.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only count them.")]
Ids = Annotated[list[int] | None, typer.Argument(metavar="ID", help="Dead letters, by their ids.")]
NAMES = ("id", "project", "method", "source", "key", "reason", "attempts", "last failed", "detail")
CAUSES = ("count", "reason", "cause", "do", "ids")


@app.command("list")
def list_(
    project: ProjectOption = None,
    source: SourceOption = None,
    reason: ReasonOption = None,
    key: KeyOption = None,
    since: SinceOption = None,
    limit: LimitOption = None,
    group: GroupOption = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """List the open dead letters: ids and reasons."""
    if as_csv and (as_json or group):
        raise ConfigError("--csv goes with neither --json nor --group.")
    chosen = Filter(project, source, reason, key, _moment(since), limit)
    with outbox(_settings(project)) as connection:
        found = dead_letters.list_dead_letters(connection, chosen)
    if group:
        _print_causes(dead_letters.group_dead_letters(found), as_json=as_json)
    elif as_json:
        print_json([dead_letter.as_json() for dead_letter in found])
    elif as_csv:
        _print_csv(found)
    else:
        print_rows(wide_console(), NAMES, [_row(dead_letter) for dead_letter in found], sentence="detail")


def _print_causes(causes: Sequence[dead_letters.Cause], *, as_json: bool) -> None:
    if as_json:
        print_json([cause.as_json() for cause in causes])
        return
    rows = [[cause.count, cause.reason, cause.cause, cause.fix, " ".join(cause.ids)] for cause in causes]
    print_rows(wide_console(), CAUSES, rows, right=("count",), sentence="cause")


def _print_csv(found: Sequence[dead_letters.OpenDeadLetter]) -> None:
    writer = csv.writer(sys.stdout)
    columns = [column.name for column in fields(dead_letters.OpenDeadLetter)]
    writer.writerow(columns)
    for dead_letter in found:
        writer.writerow([_cell(getattr(dead_letter, column)) for column in columns])


def _cell(value: object) -> object:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def _moment(written: str | None) -> datetime | None:
    if written is None:
        return None
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        raise ConfigError(
            f"--since: {written!r} is no time: write it like 2026-11-28 or 2026-11-28T09:30:00Z."
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@app.command()
def show(
    dead_letter: Annotated[int, typer.Argument(metavar="ID", help="The dead letter's id.")], as_json: JsonOption = False
) -> None:
    """Show everything of one dead letter.

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
    ids: Ids = None,
    all_: AllOption = False,
    project: ProjectOption = None,
    source: SourceOption = None,
    reason: ReasonOption = None,
    key: KeyOption = None,
    since: SinceOption = None,
    limit: LimitOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Read contacts again from the CRM, and send them."""
    chosen = Filter(project, source, reason, key, _moment(since), limit)
    _move(dead_letters.requeue_dead_letters, "requeued", ids, chosen, all_=all_, dry_run=dry_run)


@app.command()
def discard(
    ids: Ids = None,
    all_: AllOption = False,
    project: ProjectOption = None,
    source: SourceOption = None,
    reason: ReasonOption = None,
    key: KeyOption = None,
    since: SinceOption = None,
    limit: LimitOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Give up dead letters: do not send the contacts."""
    chosen = Filter(project, source, reason, key, _moment(since), limit)
    _move(dead_letters.discard_dead_letters, "discarded", ids, chosen, all_=all_, dry_run=dry_run)


def _move(
    step: Callable[[Connection, Sequence[int]], list[int]],
    done: str,
    ids: list[int] | None,
    chosen: Filter,
    *,
    all_: bool,
    dry_run: bool,
) -> None:
    if bool(ids) == all_:
        raise ConfigError("Name dead letters by their ids, or all of them with --all.")
    if ids and chosen != Filter():
        raise ConfigError("Filters such as --project and --reason go with --all, not with ids.")
    with outbox(_settings(chosen.project)) as connection:
        wanted = ids or [int(dead_letter.id) for dead_letter in dead_letters.list_dead_letters(connection, chosen)]
        moved = step(connection, wanted)
        if dry_run:
            connection.get_transaction().rollback()  # type: ignore[union-attr] # `outbox` has begun one
    typer.echo(f"{len(moved)} {'would be ' if dry_run else ''}{done}.", err=True)


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
