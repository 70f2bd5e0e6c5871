"""The body of an answer, within bounds: what is compressed must not grow without end. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

USUAL = 65_536
"""Bytes that an answer may have in any case."""
ECHO = 4
"""An API may repeat what it was sent, each letter escaped: an answer may have so many times as many bytes, too."""
MOST_LAYERS = 3
MOST_MEMBERS = 16
_GZIP = (16 + zlib.MAX_WBITS,)
_DEFLATE = (zlib.MAX_WBITS, -zlib.MAX_WBITS)
"""With zlib's header, as it should be, and without, as some send it."""
_WINDOWS = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": _DEFLATE}
_UNREADABLE = {"br", "zstd", "compress", "x-compress", "dcb", "dcz"}


@dataclass(frozen=True, slots=True)
class Body:
    """What has been read. `flaw`: why that is not all of it, or None: a kind of failure."""

    content: bytes
    flaw: str | None = None


def most_of(request: bytes) -> int:
    """How many bytes the answer to a request may have."""
    return USUAL + ECHO * len(request)


def read_body(pieces: Iterable[bytes], encoding: str, most: int) -> Body:
    """The body that comes in `pieces`, decoded; no more than `most` bytes are kept of it, encoded or not.

    `encoding`: the Content-Encoding header. Words in it that are no encoding count for nothing, as browsers have it.
    """
    raw = bytearray()
    for piece in pieces:
        raw += piece[: most + 1 - len(raw)]
        if len(raw) > most:
            return Body(bytes(raw[:most]), "answer_too_large")
    words = [word.strip().lower() for word in encoding.split(",")]
    layers = [word for word in words if word in _WINDOWS or word in _UNREADABLE]
    return _decoded(bytes(raw), layers, most)


def _decoded(content: bytes, layers: Sequence[str], most: int) -> Body:
    if not content:
        return Body(content)
    if len(layers) > MOST_LAYERS or not _UNREADABLE.isdisjoint(layers):
        return Body(b"", "answer_encoded")
    for layer in reversed(layers):
        inflated = _inflated(content, _WINDOWS[layer], most)
        if inflated is None:
            return Body(b"", "answer_encoded")
        if len(inflated) > most:
            return Body(inflated[:most] if layer == layers[0] else b"", "answer_too_large")
        content = inflated
    return Body(content)


def _inflated(content: bytes, windows: Sequence[int], most: int) -> bytes | None:
    """What is compressed in `content`, at most a byte more than `most`; None if it is broken, or something else."""
    for window in windows:
        try:
            return _inflate(content, window, most)
        except (zlib.error, EOFError):
            continue
    return None


def _inflate(content: bytes, window: int, most: int) -> bytes:
    """Members one after the other are one; what follows the last of them is padding."""
    inflated = bytearray()
    for _ in range(MOST_MEMBERS):
        member = zlib.decompressobj(window)
        inflated += member.decompress(content, most + 1 - len(inflated))
        if len(inflated) > most:
            break
        if not member.eof:
            raise EOFError
        content = member.unused_data
        if not content.startswith(b"\x1f\x8b"):
            break
    else:
        raise EOFError
    return bytes(inflated)
