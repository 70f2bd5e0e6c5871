"""The tables that watches were installed on."""

from migrations.statements import run

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run("0007_watched_tables.sql")
