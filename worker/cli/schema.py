"""`migrate`."""

from __future__ import annotations

import migrations
from worker.cli.outbox import in_one_line
from worker.cli.session import begin


def migrate() -> None:
    """Bring the database's schema to head.

    It is `ringostat_sync` in DATABASE_URL. May be repeated.
    """
    url = begin().require_database_url()
    with in_one_line():
        migrations.upgrade(url)
