"""Refusals in a row, the address of the API, and keys that are too long, in one place."""

from migrations.statements import run

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run("0005_refusals_and_addresses.sql")
