"""A revision's statements, which are in a .sql file beside it."""

from __future__ import annotations

from pathlib import Path

from alembic import op

FOLDER = Path(__file__).parent / "versions"


def run(name: str) -> None:
    """Run the file `name` in the migration's transaction."""
    statements = (FOLDER / name).read_text(encoding="utf-8")
    op.execute(statements.replace(":", r"\:"))  # a colon begins a bind
