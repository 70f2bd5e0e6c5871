"""An outbox that costs the CRM less."""

from migrations.statements import run

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run("0003_outbox_without_checks.sql")
