"""`backfill`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy.exc import OperationalError

from worker.backfill.backfill import Backfill
from worker.cli.outbox import in_one_line
from worker.cli.session import begin
from worker.config.model import Method
from worker.config.query import clean_condition
from worker.errors import ConfigError, RefusedError, first_line
from worker.operate.known import known_source
from worker.operate.times import iso
from worker.wiring import Wiring


def backfill(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A source of the mapping.")],
    where: Annotated[
        str | None, typer.Option("--where", metavar="SQL", help="Only keys for which this SQL condition is true.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Send even what is unchanged.")] = False,
    anew: Annotated[
        bool, typer.Option("--anew", help="Begin from the first key, also after a backfill that was stopped.")
    ] = False,
) -> None:
    """Send every contact of a source.

    They wait behind live changes. The same command resumes what was stopped.
    """
    settings = begin()
    wiring = Wiring.of(settings, need_keys=False)
    known = known_source(wiring.mapping, source)
    work = Backfill(wiring.engine, wiring.crm, wiring.mapping, known, _condition(where), force)
    with in_one_line():
        done = _resumable(work, anew)
    waiting = _told(done, known.method)
    typer.echo(f"{source}: {waiting} waiting to be sent.", err=True)


def _told(count: int, method: Method) -> str:
    """So many contacts or organizations, with their verb."""
    whose = "organization" if method is Method.ORGANIZATIONS else "contact"
    return f"1 {whose} is" if count == 1 else f"{count} {whose}s are"


def _condition(where: str | None) -> str:
    """The condition, checked; one that was given and is blank, as an unset variable of the shell is, does not mean everybody."""
    if where is None:
        return ""
    try:
        clean_condition(where)
    except ConfigError as error:
        raise ConfigError(f"--where: {error}") from None
    return where


def _resumable(work: Backfill, anew: bool) -> int:
    try:
        cursor = work.begin_anew() if anew else work.begin()
        if cursor.done:
            since = cursor.started_at.replace(microsecond=0)
            told = f"Going on after {cursor.done} keys of the backfill begun at {iso(since)}: --anew begins from the first."
            typer.echo(told, err=True)
        return _with_bar(work)
    except OperationalError as error:  # of either database, so the line names neither
        raise RefusedError(f"PostgreSQL does not answer ({first_line(error)}); the same command resumes.") from error


def _with_bar(work: Backfill) -> int:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    done = 0
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task(work.source.name, total=work.count())
        for done in work.run():
            progress.update(bar, completed=done)
    return done
