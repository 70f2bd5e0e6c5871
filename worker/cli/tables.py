"""Rows for a person: a table if the terminal is wide enough for it, else a block of lines for each row."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from worker.cli.session import printable
from worker.operate.times import iso

NARROWEST = 30
"""Columns of the terminal below which a sentence in a table can't be read."""
ANY_WIDTH = 1_000_000


def print_rows(
    console: Console,
    names: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    right: Collection[str] = (),
    sentence: str | None = None,
) -> None:
    """Print rows under the `names` of their columns, of which those in `right` hold figures.

    No cell is cut or broken, but for those of the column `sentence`, which may take several lines.
    """
    for block in rows_block(console, names, rows, right=right, sentence=sentence):
        console.print(block, soft_wrap=isinstance(block, Text))


def rows_block(
    console: Console,
    names: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    right: Collection[str] = (),
    sentence: str | None = None,
) -> list[RenderableType]:
    """What `print_rows` prints."""
    # As Text, so that square brackets are no markup.
    cells = [[Text(printable(cell)) for cell in row] for row in rows]
    table = _table(names, cells, right, sentence)
    if _narrowest(console, table, names, cells, sentence) <= console.width:
        return [table]
    blocks: list[RenderableType] = []
    for number, row in enumerate(cells):
        blocks += [Text()] if number else []
        blocks += _lines(names, row)
    return blocks


def to_the_second(moment: str) -> str:
    """A time in ISO 8601 without fractions of its seconds."""
    return iso(datetime.fromisoformat(moment).replace(microsecond=0))


def _table(names: Sequence[str], cells: list[list[Text]], right: Collection[str], sentence: str | None) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in names:
        justify = "right" if name in right else "left"
        table.add_column(name, justify=justify, no_wrap=name != sentence, overflow="fold")  # type: ignore[arg-type]
    for row in cells:
        table.add_row(*row)
    return table


def _narrowest(
    console: Console, table: Table, names: Sequence[str], cells: list[list[Text]], sentence: str | None
) -> int:
    """The width in which nothing but a sentence takes more than a line."""
    options = console.options.update(width=ANY_WIDTH)
    whole = console.measure(table, options=options).maximum
    if sentence is None:
        return whole
    place = names.index(sentence)
    longest = max((console.measure(row[place], options=options).maximum for row in cells), default=0)
    return whole - max(0, longest - NARROWEST)


def _lines(names: Sequence[str], row: list[Text]) -> list[Text]:
    width = max(map(len, names))
    return [Text(f"{name:>{width}}  ") + cell for name, cell in zip(names, row, strict=True) if cell]
