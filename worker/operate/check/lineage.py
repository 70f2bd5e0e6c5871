"""Where a query's tables are in it, which of their columns matter, and how each leads to the query's key. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Column:
    """A column of one occurrence of a table, by their numbers."""

    occurrence: int
    number: int


@dataclass(slots=True)
class Occurrence:
    """A place where a query reads a table: the columns that matter there, or all of them where it takes whole rows.

    `optional`: it is the right side of a LEFT JOIN.
    """

    table: int
    alias: str
    inherits: bool
    optional: bool = False
    columns: set[int] = field(default_factory=set)
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Hop:
    """One step from table to table: a column of the one equals a column of the other."""

    here: Column
    there: Column


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key of one column."""

    table: int
    column: int
    to_table: int
    to_column: int


class Lineage:
    """The occurrences of a query's tables, and which of their columns equal one another in every row of it.

    `guessed` are the occurrences of which no condition says so, but a foreign key.
    """

    def __init__(
        self, occurrences: list[Occurrence], key: frozenset[Column], equal: Iterable[Iterable[Column]]
    ) -> None:
        self.occurrences = occurrences
        self._of: dict[Column, int] = {}
        self._classes: list[set[Column]] = []
        for together in [key, *equal]:
            self._unite(set(together))
        self._key = self._classes[0]
        self.guessed: set[int] = set()

    def join_by(self, references: Collection[Reference]) -> None:
        """Let foreign keys lead to the key if conditions do not; two between the same tables leave it open which is meant."""
        lost = [number for number in range(len(self.occurrences)) if self.route(number) is None]
        for one, other in ((one, other) for one in lost for other in range(len(self.occurrences)) if other not in lost):
            between = [
                {Column(here, reference.column), Column(there, reference.to_column)}
                for here, there in ((one, other), (other, one))
                for reference in references
                if (reference.table, reference.to_table)
                == (self.occurrences[here].table, self.occurrences[there].table)
            ]
            if len(between) == 1:
                self._unite(between[0])
                self.guessed.add(one)

    def _unite(self, together: set[Column]) -> None:
        touched = sorted({self._of[column] for column in together if column in self._of})
        into = touched[0] if touched else len(self._classes)
        if not touched:
            self._classes.append(set())
        for other in touched[1:]:
            together |= self._classes[other]
            self._classes[other] = set()
        self._classes[into] |= together
        for column in together:
            self._of[column] = into

    def keyed(self, occurrence: int) -> list[int]:
        """The columns of an occurrence that hold the query's key."""
        return sorted(column.number for column in self._key if column.occurrence == occurrence)

    def route(self, start: int) -> list[Hop] | None:
        """The shortest way from an occurrence to one that holds the query's key; None if there is none."""
        ways: dict[int, list[Hop]] = {start: []}
        ahead = deque([start])
        while ahead:
            at = ahead.popleft()
            if self.keyed(at):
                return ways[at]
            for hop in self._hops(at):
                if hop.there.occurrence not in ways:
                    ways[hop.there.occurrence] = [*ways[at], hop]
                    ahead.append(hop.there.occurrence)
        return None

    def _hops(self, at: int) -> Iterator[Hop]:
        for here, of in sorted(self._of.items(), key=lambda item: (item[0].occurrence, item[0].number)):
            if here.occurrence == at:
                for there in sorted(self._classes[of], key=lambda column: (column.occurrence, column.number)):
                    yield Hop(here, there)
