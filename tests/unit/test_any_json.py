"""JSON of the CRM's: read quickly where that goes, and as Python's own reader reads it in any case."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.database.values import _loaded
from worker.document.values import Unparsed

texts = st.text(st.characters(codec=None, categories=None))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_whatever_python_writes_is_read_as_python_reads_it(value: object) -> None:
    """Lone surrogates, large numbers and all; fractions exactly."""
    written = json.dumps(value)

    assert _loaded(written.encode()) == json.loads(written, parse_float=Decimal)


@pytest.mark.parametrize(
    "written",
    [b'"\xff"', b"[1,]", b"1" * 5000, b"[" * 100_000 + b"]" * 100_000],
    ids=["bytes", "comma", "digits", "depth"],
)
def test_what_python_cant_read_harms_nobody_else(written: bytes) -> None:
    """A database without an encoding may hand over bytes that are no text."""
    assert isinstance(_loaded(written), Unparsed)
