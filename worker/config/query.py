"""A user's SQL, made fit to stand inside a bracket of ours."""

from __future__ import annotations

from itertools import pairwise

from worker.config.sql_tokens import Kind, Token, tokens
from worker.errors import ConfigError

_BLANK = {Kind.SPACE, Kind.COMMENT}
_SEMICOLON = Token(Kind.SYMBOL, ";")
_OPENING = Token(Kind.SYMBOL, "(")
_CLOSING = Token(Kind.SYMBOL, ")")
_BEFORE_ALL = {"SELECT", "DISTINCT", "ALL", ",", "."}
"""What stands before a `*` that means all columns; before one that multiplies stands a value."""
_FIRST_WORDS = {"SELECT", "WITH", "VALUES", "TABLE"}


def clean_query(sql: str) -> str:
    """Return a SELECT that may stand in `SELECT * FROM (<sql>) q`.

    The `;` at its end goes, and a newline closes it, so that a `--` comment on its last line cannot swallow
    the bracket; everything else stays as written, and a cleaned query comes back unchanged.

    Raises ConfigError (one line; the caller adds the file's name) when the text is not exactly one SELECT,
    WITH, VALUES or TABLE, holds a parameter, or leaves a quote, a comment or a bracket open.
    """
    written = _read(sql)
    _refuse_other_than_select([token for token in written if token.kind not in _BLANK])
    return _closed("".join(token.text for token in written if token != _SEMICOLON))


def clean_condition(sql: str) -> str:
    """Return a condition (a watch's `where`) that may stand in `(<sql>)`, closed by a newline as a query is.

    Raises ConfigError when it is blank, holds a `;` or a parameter, or leaves something open.
    """
    written = _read(sql)
    meant = [token for token in written if token.kind not in _BLANK]
    if not meant:
        raise ConfigError("the condition is blank: write one, or leave it out")
    if _SEMICOLON in meant:
        raise ConfigError("a condition can't have a semicolon: remove it")
    return _closed(sql)


def names_column(sql: str, name: str) -> bool:
    """Whether a query may return a column that has to be quoted: it names it, or returns all columns of something by `*`."""
    written = [token.text for token in tokens(sql) if token.kind not in _BLANK]
    stars = any(word == "*" and before.upper() in _BEFORE_ALL for before, word in pairwise(written))
    return stars or f'"{name}"' in written


def _read(sql: str) -> list[Token]:
    if "\0" in sql:
        raise ConfigError("the SQL has a NUL character, at which PostgreSQL would stop reading: save it as UTF-8")
    written = list(tokens(sql))
    _refuse_parameters(written)
    _refuse_unmatched_brackets(written)
    return written


def _refuse_other_than_select(meant: list[Token]) -> None:
    statements = _statements(meant)
    if not statements:
        raise ConfigError("there is no SQL in it: write a SELECT")
    if len(statements) > 1:
        raise ConfigError(f"it has {len(statements)} statements: keep one SELECT")
    first = next((token for token in statements[0] if token != _OPENING), _OPENING)
    if first.text.upper() not in _FIRST_WORDS:
        raise ConfigError(f"it starts with {first.text[:40]!r}: write a SELECT (or WITH, VALUES, TABLE)")


def _statements(meant: list[Token]) -> list[list[Token]]:
    """Split at the semicolons; empty statements are none."""
    statements: list[list[Token]] = [[]]
    for token in meant:
        if token == _SEMICOLON:
            statements.append([])
        else:
            statements[-1].append(token)
    return [statement for statement in statements if statement]


def _refuse_parameters(written: list[Token]) -> None:
    # The keys are bound as a parameter of ours, which a $1 of the user's would silently share.
    for token in written:
        if token.kind is Kind.PARAMETER:
            raise ConfigError(f"it has the parameter {token.text}: write the value itself")


def _refuse_unmatched_brackets(written: list[Token]) -> None:
    depth = 0
    for token in written:
        depth += (token == _OPENING) - (token == _CLOSING)
        if depth < 0:
            raise ConfigError("it closes a bracket that it never opened: take out the extra )")
    if depth > 0:
        raise ConfigError("it opens a bracket that it never closes: add the missing )")


def _closed(sql: str) -> str:
    return sql if sql.endswith("\n") else sql + "\n"
