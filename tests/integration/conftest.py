"""The engine for tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.support.engine import Engine, build
from worker.local.sandbox.server import Sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """The stand-in API, with every accepted document kept."""
    with Sandbox(history=True) as running:
        yield running


@pytest.fixture
def http(sandbox: Sandbox) -> Iterator[httpx.Client]:
    """A client of the sandbox that gives up after half a second of silence."""
    with httpx.Client(base_url=sandbox.url, timeout=0.5, trust_env=False) as client:
        yield client


@pytest.fixture
def make_engine(database_url: str, redis_url: str, tmp_path: Path, sandbox: Sandbox) -> Iterator[Callable[..., Engine]]:
    """Makes the engine on fresh servers; settings by name replace the usual ones."""
    with ExitStack() as stack:

        def make(**settings: str) -> Engine:
            built = build(database_url, redis_url, tmp_path, sandbox, **settings)
            stack.callback(built.close)
            return built

        yield make


@pytest.fixture
def engine(make_engine: Callable[..., Engine]) -> Engine:
    """The engine with the usual settings."""
    return make_engine()
