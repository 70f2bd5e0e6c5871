"""The watch to paste into `sync.toml`. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from worker.capture.tables import quoted
from worker.operate.check.lineage import Hop, Lineage
from worker.operate.check.uses import Table


@dataclass(frozen=True, slots=True)
class Direction:
    """How a changed row names its contacts: a column that holds the key, or a SELECT of keys; `by` is the row's own column.

    `guessed`: by a foreign key, as the query's conditions do not say.
    """

    by: str
    keys: str | None = None
    guessed: bool = False


def direction(lineage: Lineage, tables: dict[int, Table], occurrence: int) -> Direction | None:
    """How a row of this occurrence leads to the query's key, by the query's own conditions; None if they do not say."""
    table = tables[lineage.occurrences[occurrence].table]
    guessed = occurrence in lineage.guessed
    if keyed := lineage.keyed(occurrence):
        return Direction(table.columns[keyed[0]], guessed=guessed)
    route = lineage.route(occurrence)
    if route is None:
        return None
    return Direction(table.columns[route[0].here.number], _keys(lineage, tables, route), guessed)


def watch_line(
    table: str,
    *,
    key: str | None = None,
    keys: str | None = None,
    columns: Sequence[str] = (),
    where: str | None = None,
) -> str:
    """An entry of `watch`, as TOML."""
    parts = [f"table = {_toml(table)}"]
    parts += [f"key = {_toml(key)}"] if key is not None else []
    parts += [f"keys = {_toml(keys)}"] if keys is not None else []
    parts += [f"columns = [{', '.join(map(_toml, columns))}]"] if columns else []
    parts += [f"where = {_toml(where)}"] if where is not None else []
    return f"{{ {', '.join(parts)} }}"


def _keys(lineage: Lineage, tables: dict[int, Table], route: Sequence[Hop]) -> str:
    """`SELECT c.id FROM crm.contacts c WHERE c.company_id = changed.id`, by way of as many tables as it takes."""
    aliases: dict[int, str] = {}
    for hop in reversed(route):
        number = hop.there.occurrence
        aliases[number] = _alias(tables[lineage.occurrences[number].table].name, aliases.values())

    def table(number: int) -> Table:
        return tables[lineage.occurrences[number].table]

    def named(number: int) -> str:
        return f"{table(number).name} {aliases[number]}"

    def equal(hop: Hop, here: str) -> list[str]:
        sides = (here, hop.here), (aliases[hop.there.occurrence], hop.there)
        kinds = {table(column.occurrence).categories[column.number] for _, column in sides}
        cast = "" if len(kinds) == 1 else "::text"
        return [f"{_column(alias, table(column.occurrence), column.number)}{cast}" for alias, column in sides]

    first, *others = route
    last = route[-1].there.occurrence
    joins = "".join(
        f" JOIN {named(hop.here.occurrence)} ON {' = '.join(equal(hop, aliases[hop.here.occurrence]))}"
        for hop in reversed(others)
    )
    key = _column(aliases[last], table(last), lineage.keyed(last)[0])
    return f"SELECT {key} FROM {named(last)}{joins} WHERE {' = '.join(reversed(equal(first, 'changed')))}"


def _column(alias: str, table: Table, number: int) -> str:
    return f"{alias}.{_written(table.columns[number])}"


def _written(name: str) -> str:
    """A column's name as it is written behind a dot, where no word is reserved: in quotes if it would be read otherwise."""
    return name if re.fullmatch("[a-z_][a-z0-9_]*", name) else quoted(name)


def _alias(table: str, taken: Collection[str]) -> str:
    """The first letter of a table's name, which is no reserved word, and a number from the second on."""
    [letter, *_] = [*re.findall("[a-z]", table.rpartition(".")[2].lower()), "t"]
    aliases = (f"{letter}{number if number > 1 else ''}" for number in range(1, len(taken) + 2))
    return next(alias for alias in aliases if alias not in taken)


def _toml(text: str) -> str:
    """A string of TOML: in single quotes if SQL's double ones are in it."""
    if '"' in text and "'" not in text and text.isprintable():
        return f"'{text}'"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    escaped = escaped.replace("\n", "\\n")
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'
