"""Routes of sources whose rows name their projects."""

from migrations.statements import run

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    run("0014_routes.sql")
