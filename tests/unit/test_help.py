"""The commands' help: short lines, and names a person knows for what they take."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import typer
from typer.testing import CliRunner

from worker.cli.app import COMMANDS, make_app
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


@pytest.mark.parametrize(
    ("text", "told"), [("X is not set", "X is not set."), ("Did you mean Y?", "Did you mean Y?"), ("Set X.", "Set X.")]
)
def test_an_error_ends_with_its_own_full_stop_or_with_ours(text: str, told: str) -> None:
    """One, wherever the text was written."""
    assert sentence(ConfigError(text)) == told
