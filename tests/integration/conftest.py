"""The engine for tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.integration.engine import Engine, build
from worker.sandbox.server import Sandbox


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
def engine(database_url: str, redis_url: str, tmp_path: Path, sandbox: Sandbox) -> Iterator[Engine]:
    """The engine on fresh servers."""
    built = build(database_url, redis_url, tmp_path, sandbox)
    yield built
    built.parts.pusher.client.close()
    built.parts.engine.dispose()
    built.parts.crm.dispose()
