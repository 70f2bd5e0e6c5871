"""The API's own words in an answer, as far as they hold no personal data. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

WORDS = ("message", "error", "errors", "detail", "description", "title")
LONGEST = 300
SHORTEST_VALUE = 3
"""Characters of a document's value from which it counts as recognized in a message."""
_NUMBER_LIKE = re.compile(r"\d(?:[\s().-]*\d){5,}")
_ADDRESS_LIKE = re.compile(r"\S+@\S+")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'|«[^»]*»|“[^”]*”|`[^`]*`")
_COUNT = re.compile(r"\d+")


def message(answer: str | None, document: str | None) -> str | None:
    """The message of an answer; None if it has none, or if it repeats what the document says of the person."""
    found = next(_messages(_parsed(answer)), "") if answer else ""
    words = " ".join(found.split())[:LONGEST]
    if not words:
        return None
    return None if is_personal(words, document) else words


def cause(words: str) -> str:
    """Words with what differs from contact to contact taken out: numbers, and what is in quotes."""
    return _COUNT.sub("#", _QUOTED.sub("…", words))


def is_personal(words: str, document: str | None) -> bool:
    """Whether words hold a number, an address, or a value of the document."""
    if _NUMBER_LIKE.search(words) or _ADDRESS_LIKE.search(words):
        return True
    heard = words.casefold()
    return any(
        len(value) >= SHORTEST_VALUE and value.casefold() in heard
        for text in _values(_parsed(document))
        for value in (text, *text.split())
    )


def _parsed(text: str | None) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return None


def _messages(answer: Any) -> Iterator[str]:
    if isinstance(answer, str):
        yield answer
    elif isinstance(answer, dict):
        for name in WORDS:
            if name in answer:
                yield from _messages(answer[name])
    elif isinstance(answer, list):
        for item in answer[:1]:
            yield from _messages(item)


def _values(document: Any) -> Iterator[str]:
    """What a document says of the person; types of directions and the names of its fields are words of the API."""
    if isinstance(document, str):
        yield document
    elif isinstance(document, dict):
        for name, value in document.items():
            if name not in {"type", "origin"}:
                yield from _values(value)
    elif isinstance(document, list):
        for item in document:
            yield from _values(item)
