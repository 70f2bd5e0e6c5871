"""Places that are unique over all batches."""

from migrations.statements import run

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run("0004_places_of_their_own.sql")
