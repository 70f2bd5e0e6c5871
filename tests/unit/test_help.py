"""The commands' help: short lines, and names a person knows for what they take."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
import typer
from typer.testing import CliRunner

from worker import __version__
from worker.cli.app import COMMANDS, HELP, VERSION, make_app
from worker.errors import ConfigError, sentence

ROOT = typer.main.get_command(make_app())


def commands(group: object = ROOT, *names: str) -> Iterator[tuple[str, ...]]:
    """The words of each command, those of groups included."""
    yield names
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, *names, name)


def help_of(*names: str) -> str:
    """What a terminal of 80 columns shows."""
    return CliRunner().invoke(make_app(), [*names, "--help"], env={"COLUMNS": "80"}).output


@pytest.mark.parametrize("group", [(), ("capture",), ("dead-letters",)], ids=" ".join)
def test_no_command_is_cut_short(group: tuple[str, ...]) -> None:
    """The list of commands tells each in a whole sentence of fifty letters at most."""
    listed = help_of(*group).split("Commands:")[1].strip().splitlines()

    assert not any(line.endswith("...") for line in listed)
    assert all(len(line.strip().split("  ", 1)[1].strip()) <= 50 for line in listed)


@pytest.mark.parametrize("names", list(commands()), ids=" ".join)
def test_options_take_what_a_person_would_call_them(names: tuple[str, ...]) -> None:
    """`N` or `REASON`, and no type of Python's; several of an argument are dotted once."""
    told = help_of(*names)

    assert "...]..." not in told
    assert not [line for line in told.splitlines() if line.strip().startswith("--") and " <" in line]


def test_every_command_is_listed() -> None:
    """But for the demo's own."""
    assert set(COMMANDS) - {line.split()[0] for line in help_of().splitlines() if line.startswith("  ")} == {"demo-crm"}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_what_the_command_says(name: str) -> None:
    """The list is made without loading the commands, so their first lines are written twice."""
    command = ROOT.commands[name]

    assert (COMMANDS[name].line, COMMANDS[name].is_hidden) == (command.get_short_help_str(80), command.hidden)


@pytest.mark.parametrize("asked", [HELP, VERSION])
def test_help_and_version_load_no_command(asked: str) -> None:
    """They answer at once: loading all commands takes a second."""
    program = f"import sys, worker.__main__; sys.argv[1:] = [{asked!r}]; worker.__main__.main()"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", program], capture_output=True, text=True, check=True
    )

    assert {"pydantic", "sqlalchemy", "structlog", "celery"}.isdisjoint(done.stderr.split())
    assert (COMMANDS["status"].line if asked == HELP else f"ringostat-sync {__version__}\n") in done.stdout


@pytest.mark.parametrize(
    ("text", "told"), [("X is not set", "X is not set."), ("Did you mean Y?", "Did you mean Y?"), ("Set X.", "Set X.")]
)
def test_an_error_ends_with_its_own_full_stop_or_with_ours(text: str, told: str) -> None:
    """One, wherever the text was written."""
    assert sentence(ConfigError(text)) == told
