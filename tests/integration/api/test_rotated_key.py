"""A key that is rotated in its file while the job runs, at an API that knows one key alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.engine import PROJECT, Engine
from worker.local.sandbox.server import Sandbox
from worker.messages import Messages
from worker.projects import pauses
from worker.tasks import register


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """The stand-in API, which knows one key alone."""
    with Sandbox(history=True, keys={PROJECT: "new"}) as running:
        yield running


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "key").write_text("new\n")
    return tmp_path / "key"


@pytest.fixture
def engine(make_engine: Callable[..., Engine], file: Path) -> Engine:
    return make_engine(RINGOSTAT_AUTH_KEY="", RINGOSTAT_AUTH_KEY_FILE=str(file))


def refused(engine: Engine, file: Path) -> None:
    """The file holds a key that the API does not know, and the project pauses."""
    file.write_text("old\n")
    engine.contacts(1, 3)
    engine.change(1, 2, 3)
    engine.push()
    paused = engine.lane().paused
    assert paused is not None
    assert paused.reason == "unauthorized"


def sweep(engine: Engine) -> None:
    """What a worker does for beat every few seconds."""
    tasks: dict[str, Callable[[], object]] = {}
    application: Any = SimpleNamespace(
        task=lambda run, name, **_: tasks.update({name: run}), send_task=lambda *_, **__: None
    )
    register(
        application,
        engine.wiring.settings,
        engine.wiring,
        Messages(lambda *_, **__: None, "tests", lambda: SimpleNamespace(length=lambda _: 0), 1),
    )
    tasks["sweep"]()


def test_a_rotated_key_is_used_without_a_restart(engine: Engine, file: Path) -> None:
    """No request goes out with the old one."""
    file.write_text("old\n")
    engine.wiring.keys.key_of(engine.project)
    file.write_text("new\n")
    engine.contacts(1, 3)
    engine.change(1, 2, 3)
    engine.drain()

    assert engine.outcomes() == ["accepted"]


def test_resume_after_a_rotation_works_at_once(engine: Engine, file: Path) -> None:
    """The next request has the new key."""
    refused(engine, file)
    file.write_text("new\n")
    engine.resume()
    engine.drain()

    assert engine.outcomes() == ["unauthorized", "accepted"]
    assert engine.lane().paused is None


def test_a_rotation_that_is_noticed_sends_the_probe_out(engine: Engine, file: Path) -> None:
    """Nobody has to resume, however long the pause's deadline has grown by then."""
    refused(engine, file)
    sweep(engine)
    engine.sql("UPDATE ringostat_sync.pauses SET until = clock_timestamp() + interval '10 minutes', probes = 9")
    sweep(engine)
    assert engine.push() == 0
    file.write_text("new\n")
    sweep(engine)
    engine.drain()

    assert engine.outcomes() == ["unauthorized", "accepted"]
    assert engine.lane().paused is None


@pytest.mark.parametrize("reason", ["by_hand", "api_down"])
def test_a_new_key_ends_no_other_pause(engine: Engine, reason: str) -> None:
    """It has nothing to do with them."""
    engine.pause(reason)
    with engine.wiring.engine.begin() as connection:
        pauses.try_new_key(connection, PROJECT)

    later = "SELECT until IS NULL OR until > clock_timestamp() + interval '30 s' FROM ringostat_sync.pauses"
    assert engine.sql(later) == [(True,)]
    engine.contacts(1, 1)
    engine.change(1)
    assert engine.push() == 0
