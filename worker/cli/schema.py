"""`migrate`."""

from __future__ import annotations

from sqlalchemy.exc import OperationalError

import migrations
from worker.cli.session import begin
from worker.errors import RefusedError, first_line


def migrate() -> None:
    """Bring the schema `ringostat_sync` in DATABASE_URL to head. May be repeated."""
    url = begin().require_database_url()
    try:
        migrations.upgrade(url)
    except OperationalError as error:
        raise RefusedError(f"DATABASE_URL: PostgreSQL does not answer ({first_line(error)}).") from error
