"""Reconciliation: walks, what they find, and who gave a delivered document."""

from migrations.statements import run

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    run("0011_reconcile.sql")
