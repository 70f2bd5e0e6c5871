"""Words that are dialled, `1-800-FLOWERS`: only in North America, where people know them, and only free calls."""

from __future__ import annotations

import re

from phonenumbers import convert_alpha_characters_in_number

from worker.document.phones.plans import Plan

_CODE = "1"
_SPELT = re.compile(
    r"(?<![\w+])(?:\+?1[ .-]*)?\(?(8(?:00|33|44|55|66|77|88)|900)\)?[ .-]*((?:[A-Z0-9][ -]?){7})(?!\w)",
    re.IGNORECASE | re.ASCII,
)
_WORD = re.compile(r"[A-Z]{3,}", re.IGNORECASE)


def spelt_in_digits(text: str, home: Plan | None) -> str:
    """The text with digits for such a word, if its country is `home` or its code is there; else as it is."""
    if (home and home.code == _CODE) or f"+{_CODE}" in text:
        return _SPELT.sub(_in_digits, text)
    return text


def _in_digits(match: re.Match[str]) -> str:
    word = match[2].replace("-", "").replace(" ", "")
    return f" ; +{_CODE} {match[1]} {convert_alpha_characters_in_number(word)} ; " if _is_dialled(word) else match[0]


def _is_dialled(word: str) -> bool:
    letters = "".join(filter(str.isalpha, word))
    if "XX" in word.upper() or len(set(letters)) < 3:
        return False  # digits that are not shown
    # A remark begins in small letters too: 1 800 555 home.
    return bool(_WORD.search(word)) and (letters.isupper() or letters == word)
