"""The sandbox in the foreground, as `ringostat-sync sandbox` runs it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.sandbox_bodies import contact, post
from worker.local.sandbox import Sandbox


@pytest.fixture
def running() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command on a free port, with the address that it prints."""
    with Sandbox() as free:
        port = free.port
    command = [sys.executable, "-m", "worker", "sandbox", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        yield process, process.stderr.readline()
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_ends_when_told(
    running: tuple[subprocess.Popen[str], str], number: signal.Signals
) -> None:
    """The address stands on standard error; either signal ends it cleanly, an open connection or not."""
    process, line = running
    url = next(word for word in line.split() if word.startswith("http://"))
    assert post(url, contact()).status_code == 200

    process.send_signal(number)
    output, errors = process.communicate(timeout=10)

    assert process.returncode == 0
    assert (output, errors) == ("", "")


def test_it_logs_refusals_without_saying_whose(running: tuple[subprocess.Popen[str], str]) -> None:
    """On standard error: counts, and no name, number or address."""
    process, line = running
    url = next(word for word in line.split() if word.startswith("http://"))
    post(url, contact(fullName="Секретна Персона", staffId=["+380501112233"]))

    process.terminate()
    output, errors = process.communicate(timeout=10)

    assert output == ""
    assert "not_accepted" in errors
    assert not any(private in errors for private in ("Секретна", "380501112233", "example.com"))
