"""The body of an answer: whatever is compressed in whatever, no more of it is kept than an answer may have."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.api.body import Body, most_of, read_body

MOST = 65_536


def raw_deflate(content: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(content) + compressor.flush()


@cache
def bomb(layers: int) -> bytes:
    """A few bytes that would fill the memory."""
    content = b" " * 50_000_000
    for _ in range(layers):
        content = gzip.compress(content)
    return content


def pieces(content: bytes) -> Iterator[bytes]:
    """As the network brings them."""
    for start in range(0, len(content), 1000):
        yield content[start : start + 1000]


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        ("", bytes),
        ("identity", bytes),
        ("utf-8", bytes),
        ("none, identity", bytes),
        ("gzip", gzip.compress),
        ("X-GZIP", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
        ("gzip, gzip", lambda content: gzip.compress(gzip.compress(content))),
        ("deflate, gzip", lambda content: gzip.compress(zlib.compress(content))),
        ("gzip", lambda content: gzip.compress(content[:3]) + gzip.compress(content[3:])),
        ("gzip", lambda content: gzip.compress(content) + bytes(100)),
    ],
    ids=range(12),
)
def test_what_is_compressed_is_read(encoding: str, encode: Callable[[bytes], bytes]) -> None:
    """Though we ask for none: some compress whatever they are asked."""
    content = b'{"error": "no"}' * 100

    assert read_body(pieces(encode(content)), encoding, MOST) == Body(content)


@pytest.mark.parametrize(
    ("encoding", "content", "flaw"),
    [
        ("gzip", lambda: bomb(1), "answer_too_large"),
        ("gzip, gzip", lambda: bomb(2), "answer_too_large"),
        ("gzip, gzip, gzip", lambda: bomb(3), "answer_too_large"),
        ("gzip, gzip", lambda: bomb(1), "answer_too_large"),
        ("deflate, gzip", lambda: gzip.compress(bomb(1)), "answer_encoded"),
        ("gzip, gzip, gzip, gzip", lambda: bomb(4), "answer_encoded"),
        (", ".join(["gzip"] * 1000), lambda: bomb(1), "answer_encoded"),
        ("br", b"\x8b\x7f\x80" * 9, "answer_encoded"),
        ("gzip, zstd", b"(\xb5/\xfd" * 9, "answer_encoded"),
        ("gzip", b"no gzip at all", "answer_encoded"),
        ("gzip", gzip.compress(b"{}")[:-9], "answer_encoded"),
        ("gzip", gzip.compress(b"") * 3000, "answer_encoded"),
        ("", b" " * (MOST + 1), "answer_too_large"),
        ("gzip", gzip.compress(b"{}") + bytes(MOST), "answer_too_large"),
    ],
    ids=range(14),
)
def test_no_more_is_kept_than_an_answer_may_have(
    encoding: str, content: bytes | Callable[[], bytes], flaw: str | None
) -> None:
    """And no more memory is taken, on the way there either."""
    came = content() if callable(content) else content
    tracemalloc.start()
    body = read_body(pieces(came), encoding, MOST)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert body.flaw == flaw
    assert len(body.content) <= MOST
    assert most < 2_000_000


def test_an_answer_without_end_is_read_no_further() -> None:
    """The rest of it stays where it is."""
    came = []

    def endless() -> Iterator[bytes]:
        while True:
            came.append(1)
            yield b" " * 1000

    assert read_body(endless(), "", MOST).flaw == "answer_too_large"
    assert len(came) <= MOST / 1000 + 1


def test_an_empty_body_is_whole_in_any_encoding() -> None:
    """There is nothing to decode."""
    assert read_body(iter(()), "br", MOST) == Body(b"")


def test_what_repeats_the_request_may_be_longer() -> None:
    """Each letter of it escaped, too."""
    assert most_of("ї".encode()) == MOST + 8
    assert len(rb"\u0457") <= 4 * len("ї".encode())


@given(st.binary(), st.text() | st.lists(st.sampled_from(["gzip", "deflate", "br", "identity", ""])).map(",".join))
def test_no_body_is_too_strange(content: bytes, encoding: str) -> None:
    """Whatever comes, something bounded is made of it."""
    assert len(read_body(pieces(content), encoding, 100).content) <= 100
