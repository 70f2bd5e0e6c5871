"""The words of the field."""

from migrations.statements import run

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run("0006_words.sql")
