"""Places that are unique over all batches."""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute(Path(__file__).with_name("0004_places_of_their_own.sql").read_text(encoding="utf-8").replace(":", r"\:"))
