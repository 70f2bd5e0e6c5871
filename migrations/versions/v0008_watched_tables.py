"""The tables that watches were installed on."""

from migrations.statements import run

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run("0008_watched_tables.sql")
