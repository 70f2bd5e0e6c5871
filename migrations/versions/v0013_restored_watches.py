"""Watches of a restored database."""

from migrations.statements import run

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    run("0013_restored_watches.sql")
