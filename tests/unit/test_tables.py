"""Rows on terminals of any width."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from worker.cli.dead_letters import NAMES as LETTER
from worker.cli.status import FIGURES
from worker.cli.status import NAMES as LANE
from worker.cli.tables import print_rows, to_the_second

CONTACTS = (
    106,
    "contacts",
    0,
    1234567,
    "234567 s",
    2345678,
    0,
    0,
    3,
    12,
    "80% of 5/s",
    "3 min",
    "▁▂█",
    "unexpected_answer until `resume`",
)
DETAIL = "The API answered 422: contactDirections of the first contact hold a number that it does not take."
INVALID = (7, 106, "contacts", "contacts", "815", "refused", 1, "2026-11-27T06:36:05Z", DETAIL)


def printed(width: int, names: tuple[str, ...], *rows: tuple[object, ...], **more) -> list[str]:
    """The lines that a terminal of this width gets; it breaks those that are too long."""
    console = Console(file=StringIO(), width=width)
    print_rows(console, names, rows, **more)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("width", [30, 60, 80, 200])
def test_no_figure_is_cut(width: int) -> None:
    """Whatever the terminal's width, each stands whole in one line, as do its name and the pause's reason."""
    lines = printed(width, LANE, CONTACTS, right=FIGURES)

    for word in (*LANE, "1234567", "234567 s", "2345678", "unexpected_answer until `resume`"):
        assert any(word in line for line in lines)


def test_a_wide_terminal_gets_a_line_a_row() -> None:
    """And a line of names above them."""
    assert len(printed(220, LANE, CONTACTS, CONTACTS, right=FIGURES)) == 3


def test_a_narrow_terminal_gets_a_block_a_row() -> None:
    """A line for each figure; what is empty has none; a blank line between two blocks."""
    lines = printed(20, ("project", "sent", "paused"), (106, 1234567, ""), (107, 0, "by_hand"))

    assert lines == ["project  106", "   sent  1234567", "", "project  107", "   sent  0", " paused  by_hand"]


def test_a_sentence_takes_several_lines_of_a_table() -> None:
    """So that a table of dead letters fits where only its sentences are too long; nothing else is broken."""
    first, second, *more = printed(140, LETTER, INVALID, sentence="detail")

    assert first.split() == " ".join(LETTER).split()
    assert second.startswith(
        "7   106      contacts  contacts  815  refused  1         2026-11-27T06:36:05Z  The API answered 422"
    )
    assert " ".join([second[-51:].strip(), *map(str.strip, more)]).endswith("that it does not take.")


def test_what_steers_a_terminal_is_spelt_out() -> None:
    """A key or a detail comes from elsewhere."""
    _, cell = printed(80, ("key",), ("[red]\x1b[2J",))

    assert cell.strip() == "[red]\\x1b[2J"


def test_a_time_for_a_person_has_no_fractions() -> None:
    """JSON has them."""
    assert to_the_second("2026-11-27T06:36:05.879105Z") == "2026-11-27T06:36:05Z"
