"""Ids that nobody gives, tokens that don't come again, and what happens to the database itself."""

from migrations.statements import run

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    run("0010_database_edges.sql")
