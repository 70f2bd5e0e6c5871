"""The schema `ringostat_sync`, brought to head by Alembic from within the distribution."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from models import SCHEMA

if TYPE_CHECKING:
    from alembic.config import Config

LOCK = 0x52_53_59_4E  # "RSYN": one migration at a time per database

MAY_CREATE = "SELECT to_regnamespace(:schema) IS NULL OR has_database_privilege(current_database(), 'CREATE')"


def alembic_config() -> Config:
    """Alembic's settings without a file, so that they hold from any folder and from an installed wheel."""
    from alembic.config import Config  # noqa: PLC0415 - Alembic takes nine megabytes in processes that never migrate

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config


def upgrade(database_url: str, revision: str = "head") -> None:
    """Bring the schema in `database_url` (PostgreSQL 15 and later) to `revision`; twice and at once without harm."""
    from alembic import command  # noqa: PLC0415 - slow to load, and seldom needed

    url = make_url(database_url).set(drivername="postgresql+psycopg")
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": LOCK})
        # IF NOT EXISTS wants the right all the same, which the role of every day may lack.
        if connection.execute(text(MAY_CREATE), {"schema": SCHEMA}).scalar_one():
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
        connection.commit()
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.commit()
