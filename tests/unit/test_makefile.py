"""`make` survives what a newcomer's machine does. The Pythons are made up: none of them downloads anything."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]
PYTHON = """#!/bin/sh
# A Python {version}: its venv copies it, its pip and pytest only say what they were asked.
case "$1 $2" in
"-m venv") mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && echo 'echo "up, from $0"' > "$3/bin/ringostat-sync" &&
    chmod +x "$3/bin/ringostat-sync"; {venv} ;;
"-m pip") {pip}; echo "$@" >> said ;;
"-m pytest") echo "$@" "POSTGRES=$POSTGRES" >> said ;;
-c*) exec {real} -c "import sys; sys.version_info = ({version}, 1); {modules}; $2" ;;
esac
"""
TOOLS = ("sh", "cat", "chmod", "cp", "make", "mkdir", "mv", "ps", "rm", "sleep", "touch")

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")


class Clone:
    """A fresh clone in a folder with a blank in its name, and a PATH on which only `python3` and the shell's tools are."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bin = folder / "my clone", folder / "bin"
        (self.folder / "tools").mkdir(parents=True)
        self.bin.mkdir()
        for name in ("Makefile", "tools/venv.sh", "pyproject.toml", "requirements-up.lock", "requirements-dev.lock"):
            shutil.copy(ROOT / name, self.folder / name)
        for tool in TOOLS:
            (self.bin / tool).symlink_to(str(shutil.which(tool)))
        self.python()

    def python(self, name: str = "python3", version: str = "3, 11", **more: str) -> None:
        """Put a Python on PATH; `venv` and `pip` are what goes wrong in them, `modules` what is done at its start."""
        actions = {"venv": ":", "pip": ":", "modules": "pass", **more}
        text = PYTHON.format(version=version, real=sys.executable, **actions)
        (self.bin / name).unlink(missing_ok=True)
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """`make` with these arguments, in a session of its own and with Ctrl-C working, as on a terminal."""
        return subprocess.Popen(
            ["make", *arguments],
            cwd=self.folder,
            env={"PATH": str(self.bin)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no thread runs here
        )

    def make(self, *arguments: str) -> tuple[int, str, str]:
        """Its exit code, and what it said."""
        with self.start(*arguments) as process:
            output, errors = process.communicate(timeout=60)
        return process.returncode, output, errors

    def comes_up(self, *arguments: str) -> bool:
        """Whether `make up` ends in this folder's own command."""
        code, output, errors = self.make("up", *arguments)
        return (code, output.splitlines()[-1:], errors) == (0, ["up, from .venv/bin/ringostat-sync"], "")

    def said(self) -> list[str]:
        """What pip and pytest were asked since the last look."""
        log = self.folder / "said"
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return lines


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def test_up_installs_once(clone: Clone) -> None:
    """What the lock names, with hashes, and the project; the second time nothing."""
    assert clone.comes_up()
    lock, project = clone.said()
    assert "--require-hashes -r requirements-up.lock" in lock
    assert "--no-deps --editable ." in project

    assert clone.comes_up()
    assert clone.said() == []


@pytest.mark.parametrize(
    ("python", "told"),
    [
        ({"version": "3, 10"}, "needs Python 3.11 or later, and python3 is 3.10: "),
        ({"modules": "sys.modules['ensurepip'] = None"}, "apt install python3.11-venv"),
        ({"venv": "echo 'No space left'; exit 1"}, "python3 could not make .venv: No space left"),
    ],
    ids=["too old", "without venv", "venv fails"],
)
def test_a_first_try_that_fails_is_one_line_and_leaves_nothing(clone: Clone, python: dict[str, str], told: str) -> None:
    """It says what to do, and when that is done the second try comes up."""
    clone.python(**python)
    code, _, errors = clone.make("up")
    own = [line for line in errors.splitlines() if not line.startswith("make: ***")]

    assert code != 0
    assert len(own) == 1
    assert told in own[0]
    assert not (clone.folder / ".venv").exists()

    clone.python()
    assert clone.comes_up()


def test_a_python_that_is_not_there_is_one_line(clone: Clone) -> None:
    """A wrong PYTHON says how to name one, and leaves a .venv that works alone."""
    assert clone.comes_up()
    code, _, errors = clone.make("up", "PYTHON=python3.14")

    assert code != 0
    assert errors.startswith("ringostat-sync needs Python 3.11 or later, and there is no python3.14: ")
    assert clone.comes_up()


@pytest.mark.parametrize("step", ["venv", "pip"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name)
def test_an_interrupted_try_does_not_break_the_next(clone: Clone, step: str, number: signal.Signals) -> None:
    """Ctrl-C or `kill -9`, while .venv is made or while packages are installed into it: it is made anew."""
    # `exec`: a shell that hears of Ctrl-C while it starts a program waits for its end.
    clone.python(**{step: "touch .venv/half reached; exec sleep 30"})
    with clone.start("up") as process:
        wait_until((clone.folder / "reached").exists, what=step)
        os.killpg(process.pid, number)
        process.communicate(timeout=20)
    assert process.returncode != 0

    clone.python()
    clone.said()
    assert clone.comes_up()
    assert len(clone.said()) == 2
    assert not (clone.folder / ".venv" / "half").exists()


def test_an_install_that_failed_is_begun_anew(clone: Clone) -> None:
    """As without a network: what pip has left behind is in nobody's way."""
    clone.python(pip="exit 1")
    assert clone.make("up")[0] != 0

    clone.python()
    assert clone.comes_up()


def test_two_at_once_are_not_in_each_others_way(clone: Clone) -> None:
    """While one installs, another takes nothing away from it."""
    clone.python(pip="touch reached; while [ ! -e go ]; do sleep 0.1; done")
    with clone.start("up") as first:
        wait_until((clone.folder / "reached").exists, what="pip")
        code, _, errors = clone.make("up")
        (clone.folder / "go").touch()
        first.communicate(timeout=20)

    assert (first.returncode, code != 0) == (0, True)
    assert errors.startswith("Another make installs into .venv just now: ")
    assert clone.comes_up()


def test_a_moved_folder_comes_up(clone: Clone) -> None:
    """The scripts of a .venv hold the place where it was made, so it is made anew."""
    assert clone.comes_up()
    clone.said()
    clone.folder = clone.folder.rename(clone.folder.with_name("elsewhere"))

    assert clone.comes_up()
    assert len(clone.said()) == 2


def test_another_python_may_be_named(clone: Clone) -> None:
    """Its .venv is made anew with that one, and stays when none is named."""
    assert clone.comes_up()
    clone.python("python3.13", "3, 13")
    assert clone.comes_up("PYTHON=python3.13")
    clone.said()

    assert clone.comes_up()
    assert clone.said() == []


def test_a_python_that_was_upgraded_under_it_is_noticed(clone: Clone) -> None:
    """As by a new release of the system: the packages are the old one's."""
    assert clone.comes_up()
    clone.said()
    clone.python(version="3, 12")
    shutil.copy(clone.bin / "python3", clone.folder / ".venv" / "bin" / "python")

    assert clone.comes_up()
    assert len(clone.said()) == 2


def test_one_test_runs_on_the_postgres_that_is_named(clone: Clone) -> None:
    """`make test ONE=… POSTGRES=…` hands both on, and spreads nothing over processes."""
    assert clone.make("test", "ONE=tests/unit/test_cut.py", "POSTGRES=/there/bin")[0] == 0

    assert clone.said()[2:] == ["-m pytest tests/unit/test_cut.py POSTGRES=/there/bin"]


def test_every_test_is_run_once(clone: Clone) -> None:
    """Those that need the machine alone after the others, and also if those have failed."""
    assert clone.make("test")[0] == 0

    [others, alone] = clone.said()[2:]
    assert "-m not storm and not alone" in others
    assert "-m not storm and alone" in alone
