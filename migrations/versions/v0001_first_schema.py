"""The first schema."""

from migrations.statements import run

revision = "0001"
down_revision = None


def upgrade() -> None:
    run("0001_first_schema.sql")
