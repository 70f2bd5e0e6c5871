"""One method of the API down, the other well."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.engine import Engine
from worker.api.outcome import Failed, Outcome
from worker.config.model import Method

LONG_AGO = "UPDATE ringostat_sync.lanes SET failing_since = clock_timestamp() - interval '1 minute' WHERE failures > 0"


@pytest.fixture
def engine(make_engine: Callable[..., Engine]) -> Engine:
    """Three attempts, and a second between them."""
    return make_engine(SYNC_MAX_ATTEMPTS="3", SYNC_RETRY_BASE="1", SYNC_RETRY_MAX="1")


def break_method(engine: Engine, broken: Method) -> Callable[[], None]:
    """Have one method fail; returns what mends it."""
    client = engine.wiring.pusher.sender.client
    post = client.post

    def posting(project, method, body) -> Outcome:
        return Failed("http_500", unknown=False, status=500) if method is broken else post(project, method, body)

    client.post = posting  # type: ignore[method-assign]
    return lambda: setattr(client, "post", post)


def both_change(engine: Engine, number: int) -> None:
    engine.contacts(1, 3, f"Name {number}")
    engine.change(1, 2, 3)
    engine.sql("INSERT INTO crm.companies VALUES (1, 'A') ON CONFLICT (id) DO UPDATE SET name = %s", f"A {number}")
    engine.change(1, source="companies")


def test_the_method_that_is_down_pauses_alone(engine: Engine) -> None:
    """Its streak is its own: what the other one accepts ends no pause of it, and the other one goes on."""
    break_method(engine, Method.CONTACTS)
    for number in range(6):
        both_change(engine, number)
        engine.sql(LONG_AGO)
        engine.fail(1)
    paused, well = engine.lane("contacts"), engine.lane("organizations")

    assert paused.paused is not None
    assert paused.paused.reason == "api_down"
    assert well.paused is None
    assert well.sent == 6


def test_nobody_is_buried_while_a_method_is_down(engine: Engine) -> None:
    """However few the attempts, and however often they are used up; when it is back, all arrive."""
    mend = break_method(engine, Method.CONTACTS)
    both_change(engine, 0)
    for _ in range(12):
        engine.probe_now()
        engine.fail(1)
    assert engine.lane("contacts").dead == 0

    mend()
    engine.probe_now()
    engine.drain()
    assert engine.lane("contacts").sent == 3


def test_both_methods_down_pause_both(engine: Engine) -> None:
    """The second that fails joins the first."""
    for broken in Method:
        break_method(engine, broken)
    for number in range(7):
        both_change(engine, number)
        engine.sql(LONG_AGO)
        engine.fail(1)

    assert engine.sql("SELECT method FROM ringostat_sync.pauses") == [(None,)]
