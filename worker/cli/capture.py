"""`capture install | status | remove`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import typer

import migrations
from worker import capture
from worker.capture.states import MENDED_BY_INSTALL, State
from worker.cli.outbox import in_one_line
from worker.cli.session import begin, mapping_of, printable
from worker.config.settings import Settings
from worker.database.connect import capture_session
from worker.database.copies import feeding_subscriptions
from worker.database.place import Place, place_of_crm
from worker.errors import ConfigError, RefusedError

app = typer.Typer(help="The triggers that write changes into the outbox.", no_args_is_help=True)


@app.command()
def install() -> None:
    """Put the triggers on the watched tables.

    Removes those of watches no longer listed. May be repeated.
    """
    settings = begin()
    mapping = mapping_of(settings)
    with _crm(settings) as connection:
        migrations.upgrade(settings.require_database_url())
        for line in capture.install(connection, mapping) or ["Every watch is in place."]:
            typer.echo(line, err=True)


@app.command()
def status() -> None:
    """Show the watches and how they are.

    Tries each on a copy of its table. The exit code is 1 if a trigger is missing, or in a wrong state.
    """
    settings = begin()
    mapping = mapping_of(settings)
    with _crm(settings) as connection:
        watches = capture.probed(connection, mapping, capture.watch(connection, mapping))
        feeding = feeding_subscriptions(connection)
    for watch in watches:
        fed = " (fed by replication)" if watch.replicated else ""
        typer.echo(f"{watch.state:<14} {watch.source}: {watch.table}{fed}")
        if watch.detail:
            typer.echo(f"{'':<14} {printable(watch.detail)}")
    if feeding:
        raise RefusedError(
            f"This database is a copy: the subscription {', '.join(feeding)} writes into `ringostat_sync`, and nothing is captured here."
        )
    states = {watch.state for watch in watches} - {State.OK}
    if states - MENDED_BY_INSTALL:
        raise RefusedError("A watch does not fit the database: correct it in `sync.toml`, or the table.")
    if states:
        raise RefusedError("Not every watch is in place: run `ringostat-sync capture install`.")


@app.command()
def remove() -> None:
    """Take every trigger of ours off the CRM's tables."""
    with _crm(begin()) as connection:
        for line in capture.remove(connection):
            typer.echo(line, err=True)


@contextmanager
def _crm(settings: Settings) -> Iterator[psycopg.Connection]:
    outbox, crm = settings.require_database_url(), settings.require_crm_database_url()
    with in_one_line():
        if place_of_crm(outbox, crm) is Place.ELSEWHERE:
            raise ConfigError(
                "CRM_DATABASE_URL is another database than DATABASE_URL: triggers need the outbox in the CRM's own database."
            )
        with capture_session(outbox) as session:
            yield session
