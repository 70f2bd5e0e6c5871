"""A field as people and programs fill it, in the plain characters that are read: ASCII digits, one hyphen, one blank."""

from __future__ import annotations

import html
import re
import unicodedata

from worker.document.values import is_invisible

_HYPHENS = "\N{MINUS SIGN}\N{HYPHENATION POINT}\N{SUPERSCRIPT MINUS}\N{HYPHEN BULLET}"
_DOTS = "•∙‧・･"
_LINES = "\n\r\v\f\x85\u2028\u2029"
_FULL_WIDTH = range(0xFF01, 0xFF5F)
_KEYCAP = "\N{COMBINING ENCLOSING KEYCAP}"

_MARKUP = re.compile(r"</?[a-zA-Z][^<>]*>")
_HREF = re.compile(r"""<a\b[^<>]*?\bhref\s*=\s*["']?([^"'\s<>]+)[^<>]*>""", re.IGNORECASE)
_ESCAPED = re.compile(r"%(2B|20|28|29|2D|2F)", re.IGNORECASE)
_TIME = re.compile(r"(?<![\d:])\d{1,2}:[0-5]\d(?::[0-5]\d)?(?![\d:])")
_AROUND_THE_CLOCK = re.compile(r"(?<!\d)24 ?/ ?7(?!\d)")
_HOURS = re.compile(r"(?<=[ (])(?:[01]?\d|2[0-4])\.[0-5]\d ?- ?(?:[01]?\d|2[0-4])\.[0-5]\d(?!\d)")
_DATE = re.compile(
    r"(?<![\d./()+-])(?:(?:0?[1-9]|[12]\d|3[01])([./-])(?:0?[1-9]|1[0-2])\1(?:19|20)\d\d"
    r"|(?:19|20)\d\d([./-])(?:0[1-9]|1[0-2])\2(?:0[1-9]|[12]\d|3[01]))(?![\d()/-])"
)
_ORDINAL = re.compile(r"(?<![^\s,;|])(?:\d{1,2}\)(?=\s*[+\d(])|[1-9]\. +(?=[+(0]))")


def cleaned(written: str) -> str:
    """The text without entities, markup and what cannot be seen; what parts two fields becomes `;`."""
    # Twice: a page may have been saved as the text of another one.
    text = html.unescape(html.unescape(written)) if "&" in written else written
    if not (text.isascii() and text.isprintable()):
        text = unicodedata.normalize("NFC", text).translate(_PLAIN)
    if "%" in text:
        text = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    if "<" in text:
        text = _MARKUP.sub("\n", _HREF.sub(r"\n\1\n", text))
    return text


def holds_a_date(text: str) -> bool:
    """Whether a day is written in it."""
    return ("19" in text or "20" in text) and _DATE.search(text) is not None


def without_dates(text: str) -> str:
    """The text with `;` for dates, hours, and the places in a list (`1)`, `1.`)."""
    if ":" in text:
        text = _TIME.sub(" ; ", text)
    if "24" in text:
        text = _AROUND_THE_CLOCK.sub(" ; ", text)
    if "." in text and "-" in text:
        text = _HOURS.sub(" ; ", text)
    if holds_a_date(text):
        text = _DATE.sub(" ; ", text)
    if ")" in text or ". " in text:
        text = _ORDINAL.sub(lambda match: match[0] if _is_in_brackets(match) else " ; ", text)
    return text


def _is_in_brackets(match: re.Match[str]) -> bool:
    before = match.string[: match.start()]
    return before.count("(") > before.count(")")


class _Plain(dict[int, str]):
    """What each character is read as, worked out when it is met."""

    def __missing__(self, code: int) -> str:
        self[code] = plain = _plain(chr(code))
        return plain


def _plain(character: str) -> str:
    if character in _LINES:
        return "\n"
    if character == "\t":
        return "  "
    if character.isspace() or unicodedata.category(character) == "Cc":
        return " "
    if character == _KEYCAP or is_invisible(character):
        return " " if unicodedata.category(character) in ("Lo", "So") else ""
    return _typed(character)


def _typed(character: str) -> str:
    decimal = unicodedata.decimal(character, None)
    if decimal is not None:
        return str(decimal)
    if ord(character) in _FULL_WIDTH:
        return _typed(chr(ord(character) - 0xFEE0))
    if character in _HYPHENS or unicodedata.category(character) == "Pd":
        return "-"
    return "·" if character in _DOTS else character


_PLAIN = _Plain()
