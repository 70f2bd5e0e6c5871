"""Where PostgreSQL sees words, strings and comments in a piece of SQL.

By PostgreSQL's manual, "Lexical Structure" (4.1). A splitter for many dialects such as sqlparse ends nested
comments too early, takes `#` for a comment, `\\` in a plain string for an escape and `$тег$` for no quote,
and so finds a second statement in a sound query, or none where there are two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from worker.errors import ConfigError


class Kind(StrEnum):
    """What a token is, as far as the end of a statement depends on it."""

    SPACE = "space"
    COMMENT = "comment"
    QUOTED = "quoted"
    PARAMETER = "parameter"
    WORD = "word"
    SYMBOL = "symbol"


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is written; the texts of all tokens, joined, are the SQL."""

    kind: Kind
    text: str


_TAG = r"\$(?:[A-Za-z_\u0080-\U0010FFFF][A-Za-z0-9_\u0080-\U0010FFFF]*+)?\$"
_ESCAPED = r"'(?:[^'\\]|''|\\.)*+'"
# Strings on separate lines are one string, whose later parts know `\` only if the first does.
_NEXT_LINE = r"(?:[ \t\f\v]|--[^\r\n]*+)*+[\r\n](?:[ \t\n\r\f\v]|--[^\r\n]*+[\r\n])*+"

_TOKEN = re.compile(
    rf"""
      (?P<space>     [ \t\n\r\f\v]++ )
    | (?P<comment>   --[^\r\n]*+ )
    | (?P<block>     /\* )
    | (?P<quoted>    [eE]{_ESCAPED}(?:{_NEXT_LINE}{_ESCAPED})*+(?!{_NEXT_LINE}')
                   | '(?:[^']|'')*+'
                   | "(?:[^"]|"")*+"
                   | (?P<tag>{_TAG}).*?(?P=tag) )
    | (?P<unclosed>  [eE]?'|"|{_TAG} )
    | (?P<parameter> \$[0-9]++ )
    | (?P<word>      [A-Za-z_\u0080-\U0010FFFF][A-Za-z0-9_$\u0080-\U0010FFFF]*+ )
    | (?P<symbol>    . )
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")


def tokens(sql: str) -> Iterator[Token]:
    """Cut `sql` into tokens; nothing is left out or altered.

    Raises ConfigError, naming the line, for a string, a quoted name or a comment that is never closed.
    """
    position = 0
    while found := _TOKEN.match(sql, position):
        end = found.end()
        group = found.lastgroup or ""
        if group == "block":
            end = _end_of_comment(sql, position)
            group = Kind.COMMENT
        if group == "unclosed":
            raise _unclosed(sql, position, found.group())
        yield Token(Kind(group), sql[position:end])
        position = end


def _end_of_comment(sql: str, start: int) -> int:
    """Comments nest in PostgreSQL: each `/*` inside asks for a `*/` of its own."""
    depth = 0
    for edge in _COMMENT_EDGE.finditer(sql, start):
        depth += 1 if edge.group() == "/*" else -1
        if depth == 0:
            return edge.end()
    raise _unclosed(sql, start, "/*")


def _unclosed(sql: str, position: int, opener: str) -> ConfigError:
    line = sql.count("\n", 0, position) + 1
    return ConfigError(f"the {opener} on line {line} is never closed: close it")
