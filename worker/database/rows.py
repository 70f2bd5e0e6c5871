"""Lists as a statement takes them: as one text each. psycopg would look at every element of an array, at many times the cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

_encode = msgspec.json.Encoder().encode


def numbers(values: Iterable[int]) -> str:
    """Whole numbers, for `CAST(:name AS bigint[])`."""
    return f"{{{','.join(map(str, values))}}}"


def rows(columns: Sequence[str], values: Iterable[Sequence[object]]) -> str:
    """Rows of these columns, for `json_to_recordset(CAST(:name AS json)) AS w (column type, …)`."""
    return _encode([dict(zip(columns, row, strict=True)) for row in values]).decode()
