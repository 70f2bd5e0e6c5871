"""A row that cannot be sent, as JSON that can be stored: what an operator reads when asking why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from worker.document.values import InvalidFieldError, text, without_unsendable
from worker.document.wire import encode

_MOST_BYTES = 64 * 1024
_DEEPEST = 20
_CUT = "…"


def as_json(row: object) -> bytes | None:
    """The row as one JSON object of at most 64 kB; None if it is no row, or has more columns than fit.

    Best effort: NUL and lone surrogates become U+FFFD, what JSON lacks becomes text, long values are cut.
    """
    if not isinstance(row, Mapping):
        return None
    columns = {without_unsendable(str(name)): encode(_plain(value)) for name, value in row.items()}
    whole = _joined(columns)
    return whole if len(whole) <= _MOST_BYTES else _shortened(columns)


def _shortened(columns: dict[str, bytes]) -> bytes | None:
    # Encoding the text of a JSON value once more doubles it at worst; the rest is for the names.
    share = _MOST_BYTES // (3 * len(columns))
    short = {name: value if len(value) <= share else _prefix(value, share) for name, value in columns.items()}
    whole = _joined(short)
    return whole if len(whole) <= _MOST_BYTES else None


def _prefix(value: bytes, length: int) -> bytes:
    return encode(value[:length].decode(errors="ignore") + _CUT)


def _joined(columns: dict[str, bytes]) -> bytes:
    return b"{%s}" % b",".join(b"%s:%s" % (encode(name), value) for name, value in columns.items())


def _plain(value: Any, depth: int = 0) -> Any:
    if value is None or isinstance(value, (bool, float)):
        return value
    if depth > _DEEPEST:
        return _CUT
    if isinstance(value, Mapping):
        return {without_unsendable(str(name)): _plain(inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner, depth + 1) for inner in value]
    if isinstance(value, int) and abs(value) < 2**63:
        return value
    return without_unsendable(_spelt(value))


def _spelt(value: object) -> str:
    try:
        return text(value, "") or ""
    except InvalidFieldError:
        return f"<{type(value).__name__}>"
