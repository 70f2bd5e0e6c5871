"""An outbox that costs the CRM less."""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute(
        Path(__file__).with_name("0003_outbox_without_checks.sql").read_text(encoding="utf-8").replace(":", r"\:")
    )
