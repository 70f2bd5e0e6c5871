"""The tables that watches were installed on."""

from migrations.statements import run

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    run("0009_watched_tables.sql")
