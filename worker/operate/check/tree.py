"""PostgreSQL's parse tree of a view, read from its text (`pg_rewrite.ev_action`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from worker.errors import SyncError

Node = dict[str, Any]
"""A node's fields: nodes, lists or words. Its kind is in the field `kind`, as PostgreSQL has no field of that name."""

KIND = "kind"
_WORD = re.compile(r"[(){}]|(?:\\.|[^\s(){}\\])+", re.DOTALL)


class UnreadableTreeError(SyncError):
    """A PostgreSQL whose trees look otherwise; what they would tell is then not known."""


def parse(written: str) -> Any:
    """The tree in a text. Raises UnreadableTreeError."""
    open_ones: list[list[Any]] = [[]]
    try:
        for found in _WORD.finditer(written):
            word = found[0]
            if word in "({":
                open_ones.append([word])
            elif word in ")}":
                opener, *parts = open_ones.pop()
                open_ones[-1].append(_node(parts) if opener == "{" else parts)
            else:
                open_ones[-1].append(word)
        [[tree]] = open_ones
    except (IndexError, ValueError) as error:
        raise UnreadableTreeError("PostgreSQL's parse tree is none that we know.") from error
    return tree


def only(tree: Any) -> Node:
    """The one query of a view's tree. Raises UnreadableTreeError."""
    if isinstance(tree, list) and len(tree) == 1 and isinstance(tree[0], dict):
        return tree[0]
    raise UnreadableTreeError("PostgreSQL's parse tree is none that we know.")


def nodes(value: Any) -> Iterator[Node]:
    """The nodes in a field: one, several or none, also those in lists of lists."""
    if isinstance(value, dict):
        yield value
    elif isinstance(value, list):
        for part in value:
            yield from nodes(part)


def name(word: Any) -> str:
    """A name in a tree, without the marks by which blanks and brackets in it are told apart."""
    return re.sub(r"\\(.)", r"\1", word, flags=re.DOTALL) if isinstance(word, str) else ""


def _node(parts: list[Any]) -> Node:
    node: Node = {KIND: parts[0]}
    at = 1
    while at < len(parts):
        # A value may itself begin with a colon; what follows it is a field, or the rest of a constant's bytes.
        field, values, at = parts[at], [parts[at + 1]], at + 2
        while at < len(parts) and not (isinstance(parts[at], str) and parts[at].startswith(":")):
            values.append(parts[at])
            at += 1
        node[field[1:]] = values[0] if len(values) == 1 else values
    return node
