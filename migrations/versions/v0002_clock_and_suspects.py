"""A clock that can be turned, and the documents of unconfirmed refusals."""

from migrations.statements import run

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run("0002_clock_and_suspects.sql")
