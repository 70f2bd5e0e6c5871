"""No personal data and no secret where others look."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from tests.integration.engine import Engine
from worker.letters import letters
from worker.sandbox.faults import Refuse

NAME, NUMBER = "Канарейка", "0671230099"


@pytest.fixture
def sung(engine: Engine) -> tuple[Engine, list]:
    """A canary that was refused, and one that was sent; with what was logged."""
    engine.sql("INSERT INTO crm.contacts VALUES (1, %s, %s), (2, %s, %s)", NAME, NUMBER, "Інша " + NAME, "0671230098")
    engine.sandbox.faults.add(Refuse(ids=["1"]))
    with capture_logs() as logs:
        engine.change(1, 2)
        engine.drain()
    return engine, logs


def test_logs_hold_ids_only(sung: tuple[Engine, list]) -> None:
    """No line of the engine's names the canary."""
    said = str(sung[1])

    assert said.count("pushed") >= 3
    assert NAME not in said
    assert NUMBER[1:] not in said


def test_redis_holds_ids_only(sung: tuple[Engine, list]) -> None:
    """No key and no value of Redis names the canary."""
    redis = sung[0].parts.redis
    keys = list(redis.scan_iter())
    held = b" ".join([*keys, *(redis.dump(key) or b"" for key in keys)])

    assert NAME.encode() not in held
    assert NUMBER[1:].encode() not in held


def test_the_listing_holds_ids_and_reasons_only(sung: tuple[Engine, list]) -> None:
    """The document is shown by `show` alone."""
    with sung[0].parts.engine.connect() as connection:
        [letter] = letters.list_letters(connection)
        whole = letters.show_letter(connection, int(letter.id))

    assert NAME not in str(letter.as_json())
    assert NAME in str(whole["document"])
