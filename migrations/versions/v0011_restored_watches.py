"""Watches of a restored database."""

from migrations.statements import run

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    run("0011_restored_watches.sql")
