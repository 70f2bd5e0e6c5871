"""Addresses, streaks of a lane, and fan-outs that are merged."""

from migrations.statements import run

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run("0007_edges.sql")
