"""Parts, problems, and what metrics count."""

from migrations.statements import run

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run("0008_in_plain_sight.sql")
