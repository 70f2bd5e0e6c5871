"""What our sessions ask of PostgreSQL, whatever the server's own settings are."""

from __future__ import annotations

import pytest

from tests.integration.engine import Engine


@pytest.mark.parametrize("database", ["engine", "crm"])
def test_nothing_is_compiled(engine: Engine, database: str) -> None:
    """A batch's statement is over before PostgreSQL's compiler has warmed up."""
    with getattr(engine.wiring, database).connect() as connection:
        assert connection.exec_driver_sql("SHOW jit").scalar_one() == "off"
