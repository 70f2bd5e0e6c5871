"""When a process ended in order."""

from migrations.statements import run

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    run("0016_parts_that_ended.sql")
