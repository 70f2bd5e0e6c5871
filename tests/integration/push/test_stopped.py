"""Processes that are stopped in the middle of a push, and go on when their lease is long over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.chaos.armed import FOLDER
from tests.chaos.processes import ROOT
from tests.support.deaths import recover_now
from tests.support.engine import Engine
from tests.support.waiting import wait_until
from worker.failpoints import Failpoint
from worker.upkeep.recover import recover

BEFORE_THE_LAST_CHECK = [Failpoint.LEASED, Failpoint.READ, Failpoint.RESERVED, Failpoint.PERMITTED]


@contextmanager
def stopped(engine: Engine, batch: int, point: Failpoint, folder: Path) -> Iterator[None]:
    """Another process that pushes the batch and is stopped at `point`; afterwards it goes on to its end."""
    (folder / point).write_text(f"{signal.SIGSTOP:d} one")
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.chaos.one_push", str(batch)],
        cwd=ROOT,
        env={**os.environ, **engine.environment, FOLDER: str(folder)},
        stderr=subprocess.DEVNULL,
    )
    try:
        child = psutil.Process(process.pid)
        wait_until(lambda: child.status() == psutil.STATUS_STOPPED, timeout=30, what="the process to be stopped")
        yield
        process.send_signal(signal.SIGCONT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("point", BEFORE_THE_LAST_CHECK, ids=str)
def test_a_push_that_was_stopped_does_not_post_after_its_successor(
    engine: Engine, tmp_path: Path, point: Failpoint
) -> None:
    """It holds the old document; its successor posts the new one; it goes on, and posts nothing."""
    engine.contacts(1, 1, "Old")
    engine.change(1)
    [batch] = engine.collect()
    with stopped(engine, batch, point, tmp_path):
        recover_now(engine)
        engine.contacts(1, 1, "New")
        engine.change(1)
        engine.drain()

    assert engine.history(1) == ["New 1"]
    assert engine.lane().sent == 1


def test_a_push_that_was_stopped_with_its_answer_settles_nothing(engine: Engine, tmp_path: Path) -> None:
    """What it posted came before its successor's document; what it would write down is refused."""
    engine.contacts(1, 1, "Old")
    engine.change(1)
    [batch] = engine.collect()
    with stopped(engine, batch, Failpoint.ANSWERED, tmp_path):
        recover_now(engine)
        engine.contacts(1, 1, "New")
        engine.change(1)
        engine.drain()

    assert engine.history(1) == ["Old 1", "New 1"]
    assert engine.lane().sent == 1


def test_a_push_that_was_stopped_while_settling_holds_up_nobody_else(engine: Engine, tmp_path: Path) -> None:
    """Its own contact waits for it; other batches are taken back, and other contacts are sent."""
    engine.contacts(1, 2, "Old")
    engine.change(1)
    [batch] = engine.collect()
    with stopped(engine, batch, Failpoint.SETTLING, tmp_path):
        engine.change(2)
        [other] = engine.collect()
        engine.wiring.pusher._lease([other])
        engine.sql("UPDATE ringostat_sync.batches SET lease_until = clock_timestamp() WHERE id = %s", other)
        assert recover(engine.wiring.engine).taken_back == (other,)
        engine.contacts(1, 2, "New")
        engine.change(1, 2)
        engine.push()
        assert engine.history(2) == ["New 2"]
    engine.drain()

    assert engine.history(1) == ["Old 1", "New 1"]
    assert engine.lane().sent == 3
