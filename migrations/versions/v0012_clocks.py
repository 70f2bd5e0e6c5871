"""When a throttle began, and the clock as it was last seen."""

from migrations.statements import run

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    run("0012_clocks.sql")
