"""A clock that can be turned, and the documents of suspects."""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute(Path(__file__).with_name("0002_clock_and_suspects.sql").read_text(encoding="utf-8").replace(":", r"\:"))
