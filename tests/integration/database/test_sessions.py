"""What our sessions ask of PostgreSQL, whatever the server's own settings are."""

from __future__ import annotations

import pytest

from tests.support.engine import Engine


@pytest.mark.parametrize("database", ["engine", "crm"])
def test_nothing_is_compiled(engine: Engine, database: str) -> None:
    """A batch's statement is over before PostgreSQL's compiler has warmed up."""
    with getattr(engine.wiring, database).connect() as connection:
        assert connection.exec_driver_sql("SHOW jit").scalar_one() == "off"


def test_no_plan_reads_a_whole_table_of_ours(engine: Engine) -> None:
    """Where an index serves: a plan made for an empty table is still in use when it is full."""
    with engine.wiring.engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW enable_seqscan").scalar_one() == "off"
