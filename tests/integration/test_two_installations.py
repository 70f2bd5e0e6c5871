"""Two installations on one Redis: each has a name of its own, and neither is in the other's way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from migrations import upgrade
from tests.support.engine import PROJECT, Engine, build
from worker.limiter.bucket import Later, Permit
from worker.local.sandbox.server import Sandbox

Two = tuple[Engine, Engine]


@pytest.fixture
def two(database_url: str, empty_database_url: str, redis_url: str, tmp_path: Path, sandbox: Sandbox) -> Iterator[Two]:
    """The engines of one project in two installations, each with a database of its own."""
    upgrade(empty_database_url)
    with ExitStack() as stack:

        def make(name: str, url: str) -> Engine:
            folder = tmp_path / name
            folder.mkdir()
            engine = build(url, redis_url, folder, sandbox, SYNC_NAME=name)
            stack.callback(engine.close)
            return engine

        yield make("sync", database_url), make("sync-two", empty_database_url)


def test_every_key_in_redis_bears_a_name(two: Two) -> None:
    """That of the installation which has written it; but for the names, both write the same."""
    written: list[set[str]] = []
    for engine in two:
        before = set(engine.wiring.redis.scan_iter())
        engine.contacts(1, 1)
        engine.change(1)
        engine.wiring.wake.claim(PROJECT)
        engine.drain()
        keys = {key.decode() for key in set(engine.wiring.redis.scan_iter()) - before}
        name = engine.wiring.settings.sync_name

        assert all(key.removeprefix("{").startswith(f"{name}:") for key in keys)
        written.append({key.replace(name, "NAME", 1) for key in keys})
    assert written[0] == written[1] != set()


def test_a_wake_is_the_installations_own(two: Two) -> None:
    """That one has woken a project's collector says nothing of the other's."""
    one, other = two
    assert one.wiring.wake.claim(PROJECT)

    assert other.wiring.wake.claim(PROJECT)
    other.wiring.wake.done(PROJECT, 0.0)
    assert one.wiring.wake.are_claimed([PROJECT])


def test_a_hold_is_the_installations_own(two: Two) -> None:
    """One that was told to hold back does so alone."""
    one, other = two
    one.throttle()

    assert isinstance(one.wiring.limiter.take(one.project, 1.0), Later)
    assert isinstance(other.wiring.limiter.take(other.project, 1.0), Permit)
