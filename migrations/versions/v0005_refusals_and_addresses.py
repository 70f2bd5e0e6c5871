"""Refusals in a row, the address of the API, and keys that are too long, in one place."""

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute(
        Path(__file__).with_name("0005_refusals_and_addresses.sql").read_text(encoding="utf-8").replace(":", r"\:")
    )
