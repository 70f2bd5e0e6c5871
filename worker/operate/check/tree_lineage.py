"""A query's parse tree read for its lineage: scopes, joins, sub-selects, WITH, UNION and views, each column followed to its table. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from worker.operate.check.lineage import Column, Lineage, Occurrence
from worker.operate.check.tree import KIND, Node, UnreadableTreeError, name, nodes, only

CASTS = {"RELABELTYPE", "COERCEVIAIO", "COLLATEEXPR"}
CAST_FORMATS = {"1", "2"}
"""CoercionForm: a function that is called because of a cast, written or implied."""
LEFT = "1"
"""JoinType of LEFT JOIN."""
EXISTS = "0"
ANY = "2"
"""SubLinkType of EXISTS (…) and of IN (…)."""
DEEPEST = "The query is nested more deeply than we read."


def read_lineage(
    tree: Any,
    *,
    views: Mapping[int, Any],
    tables: Collection[int],
    equal_operators: Collection[str],
    wanted: Collection[str],
) -> Lineage:
    """The lineage of `SELECT … FROM (query) AS q`, given as its tree.

    `views`: the trees of the views by oid; `tables`: the oids of the others, without PostgreSQL's own; `equal_operators`: oids of
    operators that mean equality; `wanted`: the names of the query's columns that are sent. Raises UnreadableTreeError.
    """
    reader = _Reader({oid: only(view) for oid, view in views.items()}, frozenset(tables), frozenset(equal_operators))
    try:
        outer = _Query(reader, only(tree), ())
        outer.read()
        [number] = _ranges(outer.node["jointree"])
        query = outer.entry(number)
        key: frozenset[Column] = frozenset()
        for position, label in enumerate(query.labels(), 1):
            if label in wanted:
                query.use(position)
            if label == "key":
                key = query.columns(position)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise UnreadableTreeError("PostgreSQL's parse tree is none that we know.") from error
    except RecursionError as error:
        raise UnreadableTreeError(DEEPEST) from error
    return Lineage(reader.occurrences, key, reader.equal)


@dataclass(slots=True)
class _Reader:
    views: Mapping[int, Node]
    tables: frozenset[int]
    equal_operators: frozenset[str]
    occurrences: list[Occurrence] = field(default_factory=list)
    equal: list[frozenset[Column]] = field(default_factory=list)


class _Entry:
    """Something that is in FROM: what has no columns of tables in it."""

    def use(self, position: int) -> None:
        """Mark a column as one that matters."""

    def use_all(self) -> None:
        """Mark the row as a whole."""

    def columns(self, position: int) -> frozenset[Column]:
        """The tables' columns whose value a column has."""
        return frozenset()

    def labels(self) -> list[str]:
        """The names of its columns."""
        return []


class _Table(_Entry):
    def __init__(self, reader: _Reader, entry: Node) -> None:
        self.number = len(reader.occurrences)
        self.occurrence = Occurrence(int(entry["relid"]), name(entry["eref"]["aliasname"]), entry["inh"] == "true")
        reader.occurrences.append(self.occurrence)

    def use(self, position: int) -> None:
        self.occurrence.columns.add(position)

    def use_all(self) -> None:
        self.occurrence.whole = True

    def columns(self, position: int) -> frozenset[Column]:
        return frozenset([Column(self.number, position)])


class _Aliases(_Entry):
    """Columns that stand for expressions of the same query: those of a join, or of GROUP BY."""

    def __init__(self, query: _Query, expressions: list[Any]) -> None:
        # A word stands for a column that is gone.
        self.query, self.expressions = query, expressions

    def use(self, position: int) -> None:
        self.query.look(self.expressions[position - 1])

    def use_all(self) -> None:
        self.query.look(self.expressions)

    def columns(self, position: int) -> frozenset[Column]:
        return self.query.columns_of(self.expressions[position - 1])


class _Query(_Entry):
    """A SELECT, and those that it is in. What it returns matters only where somebody uses it."""

    def __init__(self, reader: _Reader, node: Node, around: tuple[_Query, ...]) -> None:
        self.reader, self.node, self.around = reader, node, around
        self.targets = list(nodes(node["targetList"]))
        self.entries: dict[int, _Entry] = {}
        self.with_queries: dict[str, _Query] = {}
        self.used: set[int] = set()
        self.being_resolved: set[int] = set()

    def read(self) -> None:
        """Enter what it reads, and mark what decides on its rows and their order."""
        node = self.node
        for number in self._branches() or _ranges(node["jointree"]):
            self.entry(number)
        self._read_conditions(node["jointree"])
        self.look([node["havingQual"], node["limitOffset"], node["limitCount"], node["windowClause"]])
        decisive = bool(self._branches() or list(nodes(node["distinctClause"])))
        for position, target in enumerate(self.targets, 1):
            if decisive or target["ressortgroupref"] != "0" or target["resjunk"] == "true":
                self.use(position)

    def entry(self, number: int) -> _Entry:
        """What stands at this place of the list of what is read."""
        if number not in self.entries:
            self.entries[number] = self._made(self.node["rtable"][number - 1])
        return self.entries[number]

    def look(self, value: Any) -> None:
        """Mark every column in an expression, and read the sub-selects in it."""
        for node in nodes(value):
            if node[KIND] == "VAR":
                self._use_variable(node)
            elif node[KIND] == "SUBLINK":
                self._read_sublink(node)
            else:
                self.look(list(node.values()))

    def columns_of(self, expression: Any) -> frozenset[Column]:
        """The tables' columns whose value an expression has, as it is or cast."""
        inner = _without_casts(expression)
        if inner is None or inner[KIND] != "VAR" or int(inner["varattno"]) <= 0:
            return frozenset()
        return self._up(int(inner["varlevelsup"])).entry(int(inner["varno"])).columns(int(inner["varattno"]))

    def use(self, position: int) -> None:
        if position in self.used:
            return
        self.used.add(position)
        for number in self._branches():
            self.entry(number).use(position)
        if not self._branches():
            self.look(self.targets[position - 1]["expr"])

    def use_all(self) -> None:
        for position in range(1, len(self.targets) + 1):
            self.use(position)

    def columns(self, position: int) -> frozenset[Column]:
        if position in self.being_resolved:
            return frozenset()
        self.being_resolved.add(position)
        try:
            if branches := self._branches():
                return frozenset().union(*(self.entry(number).columns(position) for number in branches))
            return self.columns_of(self.targets[position - 1]["expr"])
        finally:
            self.being_resolved.discard(position)

    def labels(self) -> list[str]:
        return [name(target["resname"]) for target in self.targets]

    def _branches(self) -> list[int]:
        """The places of the queries that UNION and the like put together."""
        return _leaves(self.node["setOperations"])

    def _up(self, levels: int) -> _Query:
        return (*self.around, self)[-1 - levels]

    def _within(self) -> tuple[_Query, ...]:
        return (*self.around, self)

    def _made(self, entry: Node) -> _Entry:
        made: _Entry
        match entry["rtekind"]:
            case "0" if int(entry["relid"]) in self.reader.views:
                made = self._read(self.reader.views[int(entry["relid"])], ())
            case "0" if int(entry["relid"]) in self.reader.tables:
                made = _Table(self.reader, entry)
            case "1":
                made = self._read(entry["subquery"], self._within())
            case "6":
                made = self._with_query(name(entry["ctename"]), int(entry["ctelevelsup"]))
            case "2" | "9":
                made = _Aliases(self, entry.get("groupexprs", entry.get("joinaliasvars")) or [])
            case _:
                self.look([entry.get("functions"), entry.get("tablefunc"), entry.get("values_lists")])
                made = _Entry()
        return made

    def _read(self, node: Node, around: tuple[_Query, ...]) -> _Query:
        query = _Query(self.reader, node, around)
        query.read()
        return query

    def _with_query(self, label: str, levels: int) -> _Query:
        home = self._up(levels)
        if label not in home.with_queries:
            [node] = [one["ctequery"] for one in nodes(home.node["cteList"]) if name(one["ctename"]) == label]
            # Known before it is read, as a recursive one reads itself.
            home.with_queries[label] = _Query(self.reader, node, home._within())
            home.with_queries[label].read()
        return home.with_queries[label]

    def _use_variable(self, variable: Node) -> None:
        entry = self._up(int(variable["varlevelsup"])).entry(int(variable["varno"]))
        number = int(variable["varattno"])
        if number > 0:
            entry.use(number)
        elif number == 0:
            entry.use_all()

    def _read_sublink(self, link: Node) -> None:
        self.look(link["testexpr"])
        query = self._read(link["subselect"], self._within())
        if link["subLinkType"] != EXISTS:
            query.use_all()
        if link["subLinkType"] == ANY:
            for sides in self._equalities(link["testexpr"]):
                left = [self.columns_of(side) or _parameter(query, side) for side in sides]
                self._note(left)

    def _read_conditions(self, node: Node) -> None:
        if node.get("jointype") == LEFT:
            self._mark_optional(node["rarg"])
        for part in nodes([node.get("fromlist"), node.get("larg"), node.get("rarg")]):
            self._read_conditions(part)
        self.look(node.get("quals"))
        for sides in self._equalities(node.get("quals")):
            self._note([self.columns_of(side) for side in sides])

    def _mark_optional(self, node: Node) -> None:
        entry = self.entry(int(node["rtindex"])) if node[KIND] == "RANGETBLREF" else None
        if isinstance(entry, _Table):
            entry.occurrence.optional = True

    def _equalities(self, condition: Any) -> Iterator[list[Node]]:
        """The pairs that a condition says are equal, whatever else it says."""
        for node in nodes(condition):
            if node[KIND] == "BOOLEXPR" and node["boolop"] == "and":
                yield from self._equalities(node["args"])
            elif node[KIND] == "OPEXPR" and node["opno"] in self.reader.equal_operators:
                yield list(nodes(node["args"]))

    def _note(self, sides: list[frozenset[Column]]) -> None:
        if all(sides):
            self.reader.equal.append(frozenset().union(*sides))


def _ranges(node: Node) -> list[int]:
    """The places in the list of what is read that are in a FROM."""
    if node[KIND] == "RANGETBLREF":
        return [int(node["rtindex"])]
    parts = nodes([node.get("fromlist"), node.get("larg"), node.get("rarg")])
    return [number for part in parts for number in _ranges(part)]


def _leaves(operation: Any) -> list[int]:
    if not isinstance(operation, dict):
        return []
    if operation[KIND] == "RANGETBLREF":
        return [int(operation["rtindex"])]
    return _leaves(operation["larg"]) + _leaves(operation["rarg"])


def _parameter(query: _Query, node: Any) -> frozenset[Column]:
    """The columns of what a sub-select returns, which is in the condition as a numbered parameter."""
    inner = _without_casts(node)
    return query.columns(int(inner["paramid"])) if inner is not None and inner[KIND] == "PARAM" else frozenset()


def _without_casts(expression: Any) -> Node | None:
    node = next(nodes(expression), None)
    while node is not None:
        if node[KIND] in CASTS:
            node = next(nodes(node["arg"]), None)
        elif node[KIND] == "FUNCEXPR" and node["funcformat"] in CAST_FORMATS:
            node = next(nodes(node["args"]), None)
        else:
            return node
    return None
