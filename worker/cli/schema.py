"""`migrate`."""

from __future__ import annotations

from typing import Annotated

import typer

import migrations
from worker.cli.outbox import in_one_line
from worker.cli.session import begin


def migrate(
    published: Annotated[
        bool,
        typer.Option("--published", help="Also if a publication has our tables: see docs/backup.md."),
    ] = False,
) -> None:
    """Bring our tables to the newest version.

    They are in the schema `ringostat_sync` in DATABASE_URL. May be repeated.
    """
    url = begin().require_database_url()
    with in_one_line():
        migrations.upgrade(url, published=published)
