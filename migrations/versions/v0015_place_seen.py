"""The database that a worker last saw."""

from migrations.statements import run

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    run("0015_place_seen.sql")
