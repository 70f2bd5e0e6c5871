"""A query's tables and columns compared with the watches of its source: which changes would be missed. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from worker.capture.resolve import Resolved
from worker.operate.check.finding import Finding, listed, warning
from worker.operate.check.lineage import Lineage
from worker.operate.check.suggest import Direction, direction, watch_line
from worker.operate.check.uses import TABLES, Table, Uses

Works = Callable[[str, str], bool]
"""Whether PostgreSQL can run a `keys` SELECT for a table's changed rows: by both, as SQL writes them."""


@dataclass(frozen=True, slots=True)
class Need:
    """A table that a query reads in one place: what of its rows matters there (None: all of it), and whom a row concerns.

    `alias` is the table's name there; `keyed` are the columns that hold the query's key; `way` is None if it can't be told.
    """

    table: Table
    alias: str
    columns: frozenset[str] | None
    keyed: frozenset[str]
    way: Direction | None


def cover(name: str, uses: Uses, watches: Sequence[Resolved], works: Works) -> list[Finding]:
    """What no watch of the source `name` covers, with the watch to paste; one fact if there is nothing to say."""
    needs = _needs(uses)
    found = [
        *(finding for table in _tables(needs) for finding in _uncovered(name, needs, table, watches, works)),
        *_unwatchable(name, uses),
        *_needless(name, uses, watches),
    ]
    if uses.doubt is not None:
        return [*found, warning(f"{name}: its watches are compared with the query's tables alone: {uses.doubt}")]
    return found or [Finding(f"{name}: its watches cover every table and column that the query reads")]


def ways_to_key(uses: Uses, table: int) -> list[Direction]:
    """How rows of a table lead to the query's key, in each place where the query reads it and says so."""
    if uses.lineage is None:
        return []
    here = [number for number, place in enumerate(uses.lineage.occurrences) if place.table == table]
    found = [direction(uses.lineage, uses.tables, number) for number in here]
    return [way for way in found if way is not None and not way.guessed]


def _tables(needs: Sequence[Need]) -> list[Table]:
    return list({need.table.oid: need.table for need in needs}.values())


def _needs(uses: Uses) -> list[Need]:
    """What the query needs of each table, in the order of the query; and of each that inherits from it."""
    placed = _placed(uses, uses.lineage) if uses.lineage is not None else ()
    return [need for need in [*placed, *_unplaced(uses)] if need.table.kind in TABLES]


def _placed(uses: Uses, lineage: Lineage) -> Iterator[Need]:
    for number, place in enumerate(lineage.occurrences):
        table = uses.tables[place.table]
        columns = None if place.whole else _names(table, place.columns)
        if place.optional and columns == frozenset() and place.columns:
            continue  # its one row is found by its id, and nothing of it is used
        keyed = frozenset(table.columns[column] for column in lineage.keyed(number))
        way = direction(lineage, uses.tables, number)
        yield from _with_children(uses, Need(table, place.alias, columns, keyed, way), place.inherits)


def _unplaced(uses: Uses) -> Iterator[Need]:
    """What functions read; all, if the places are not known. Otherwise such a table is part of a column that is not sent."""
    for oid, numbers in uses.columns.items():
        if uses.lineage is None or oid in uses.in_functions:
            table = uses.tables[oid]
            columns = _names(table, numbers or ())
            yield from _with_children(uses, Need(table, table.name, columns, frozenset(), None), inherits=True)


def _with_children(uses: Uses, need: Need, inherits: bool) -> list[Need]:
    children = need.table.children if inherits else []
    return [need, *(replace(need, table=uses.tables[child]) for child in children)]


def _names(table: Table, numbers: Collection[int]) -> frozenset[str]:
    """The columns by name; for a virtual one those that it is made of. The row's own id is left out, as it never changes."""
    names = {table.columns[number] for number in numbers if number in table.columns}
    virtual = {made for made, _ in table.made_of}
    return frozenset(names - virtual | {of for made, of in table.made_of if made in names}) - {table.id or ""}


def _uncovered(
    name: str, needs: Sequence[Need], table: Table, watches: Sequence[Resolved], works: Works
) -> Iterator[Finding]:
    mine = [need for need in needs if need.table.oid == table.oid]
    covering = [watch for watch in watches if table.name in {watch.table.name, *watch.table.partitions}]
    if not covering:
        yield warning(f"{name}: the query reads {table.name}, and no watch covers it: add {_paste(table, mine, works)}")
        return
    unmet = [need for need in mine if not any(_meets(watch, need, mine) for watch in covering)]
    if unmet:
        yield _misdirected(name, table, mine, unmet, covering, works)
    else:
        yield from _lacking(name, mine, covering)


def _meets(watch: Resolved, need: Need, needs: Sequence[Need]) -> bool:
    """Whether a watch finds whom a row concerns in this place; if that is not known, the user's word counts."""
    if need.way is None or need.way.guessed:
        return True
    if watch.key is not None:
        return watch.key in need.keyed
    if need.way.keys is not None:
        return _goes_by(watch, {need.way.by}) or len(needs) == 1
    # Most often a SELECT stands for the way that takes one.
    others = {other.way.by for other in needs if other.way is not None and other.way.keys is not None}
    return _goes_by(watch, need.keyed) and not _goes_by(watch, others)


def _goes_by(watch: Resolved, columns: Collection[str]) -> bool:
    """Whether a `keys` SELECT names one of these columns of the changed row, or takes the row as a whole."""
    return bool(columns) and (watch.named is None or not set(watch.named).isdisjoint(columns))


def _misdirected(
    name: str, table: Table, needs: list[Need], unmet: list[Need], covering: list[Resolved], works: Works
) -> Finding:
    paste = _paste(table, unmet, works)
    if len(unmet) < len(needs):
        alias = unmet[0].alias
        return warning(
            f"{name}: the query reads {table.name} once more, as {alias}, and no watch finds the contacts that its rows concern"
            f" there: add {paste}"
        )
    taken = listed([watch.key or "what its `keys` finds" for watch in covering])
    return warning(
        f"{name}: the watch on {table.name} takes {taken} for the query's key, and the query joins the table by"
        f" {listed(sorted({need.way.by for need in unmet if need.way}))}: write {paste}"
    )


def _lacking(name: str, needs: list[Need], covering: list[Resolved]) -> Iterator[Finding]:
    """Columns that are used and not listed, watch by watch."""
    missing: dict[str, tuple[Resolved, frozenset[str] | None]] = {}
    for need in needs:
        serving = _serving(need, needs, covering)
        if any(not watch.columns for watch in serving):
            continue
        listed_ones = {column for watch in serving for column in watch.compared}
        lacks = None if need.columns is None else need.columns - listed_ones
        _, before = missing.get(serving[0].id, (None, frozenset[str]()))
        missing[serving[0].id] = serving[0], None if lacks is None or before is None else lacks | before
    for watch, lacks in missing.values():
        if lacks is None or lacks:
            yield _mended(name, watch, lacks)


def _serving(need: Need, needs: Sequence[Need], covering: list[Resolved]) -> list[Resolved]:
    by_key = [watch for watch in covering if watch.key is not None and watch.key in need.keyed]
    return by_key or [watch for watch in covering if _meets(watch, need, needs)] or covering


def _mended(name: str, watch: Resolved, lacks: frozenset[str] | None) -> Finding:
    told = watch.watch
    table = watch.table
    if lacks is None:
        line = watch_line(told.table, key=told.key, keys=told.keys, where=told.where)
        problem = f"the query takes whole rows of {table.name}, and its watch lists columns: leave them out: {line}"
        return warning(f"{name}: {problem}")
    more = [column for column in table.columns if column in lacks]
    line = watch_line(told.table, key=told.key, keys=told.keys, columns=[*told.columns, *more], where=told.where)
    return warning(
        f"{name}: the query uses {listed(more)} of {table.name}, and its watch does not list"
        f" {'it' if len(more) == 1 else 'them'}, so that such a change is not seen: write {line}"
    )


def _paste(table: Table, needs: Sequence[Need], works: Works) -> str:
    """The watches that are missing, ready to paste; with a gap to fill if the query does not say which contacts a row concerns."""
    by_way: dict[Direction | None, list[Need]] = {}
    for need in needs:
        way = need.way
        by_way.setdefault(None if way and way.keys and not works(table.name, way.keys) else way, []).append(need)
    return " and ".join(_line(table, way, of) for way, of in by_way.items() if way or len(by_way) == 1)


def _line(table: Table, way: Direction | None, needs: Sequence[Need]) -> str:
    needed = [need.columns for need in needs]
    names = frozenset[str]().union(*(columns for columns in needed if columns is not None))
    columns = [column for column in table.columns.values() if column in names]
    if None in needed:
        columns = []
    elif not columns and way:
        columns = [way.by]
    if way is None:
        gap = watch_line(table.name, key="…", columns=columns)
        return (
            f"{gap}, with its column that holds the query's key; or instead of key,"
            ' keys = "SELECT …" that finds the keys of a changed row'
        )
    line = watch_line(table.name, key=None if way.keys else way.by, keys=way.keys, columns=columns)
    return f"{line}, if its foreign key is what counts (the query joins it otherwise)" if way.guessed else line


def _unwatchable(name: str, uses: Uses) -> Iterator[Finding]:
    """What is read and has no trigger."""
    places = {occurrence.table for occurrence in uses.lineage.occurrences} if uses.lineage else set(uses.columns)
    poll = 'so what changes in it is not captured: read the source with capture = "poll"'
    for table in (table for table in uses.tables.values() if table.oid in places | uses.in_functions):
        if table.kind == "m":
            yield warning(
                f"{name}: {table.name} is a materialized view, which changes by REFRESH alone, {poll}, or read its tables"
            )
        if table.kind == "f":
            yield warning(f"{name}: {table.name} is a foreign table, whose rows change elsewhere, {poll}")
        for part in table.foreign_parts:
            yield warning(f"{name}: {part}, a part of {table.name}, is a foreign table, {poll}")
    for function in uses.functions:
        yield warning(f"{name}: the query calls {function}; what it reads is not seen: watch its tables too")


def _needless(name: str, uses: Uses, watches: Sequence[Resolved]) -> Iterator[Finding]:
    """Watches of tables that the query does not read; one that it calls a function of may read them."""
    read = {table.name for table in uses.tables.values()}
    for watch in watches:
        if not uses.functions and uses.doubt is None and not read & {watch.table.name, *watch.table.partitions}:
            yield warning(
                f"{name}: {watch.table.name} is watched, and the query does not read it: take the watch out, or correct its table"
            )
