"""Telephone numbers: from any spelling to E.164, without extensions and remarks."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers

from worker.document.plain_phones import possible_e164
from worker.document.values import without_format_characters

# libphonenumber's own limit; it also bounds what the patterns below may cost.
_MOST_CHARACTERS = 250
# The library takes up to 20 digits after ";" or "ext." for an extension; that many are a second number.
_LONGEST_EXTENSION = 7

_BRACKETED_REMARK = re.compile(r"\([^()]*[^\W\d_][^()]*\)|\[[^\[\]]*[^\W\d_][^\[\]]*\]")
# Words after the number, with an hour or a flat among them ("після 18:00"), but no second number. Latin ones must
# stand apart: the library reads 1-800-FLOWERS as digits.
_TRAILING_REMARK = re.compile(
    r"(?<=[\d)])(?:[\s,;:(–—-]*[^\W\d_a-z]|[\s,;:(]+[–—-]*\s*[a-z])(?:(?:\D*\d{1,2}(?!\d)){0,4}|\D*\d{3,4})\D*$",
    re.IGNORECASE,
)
# What the library does not read itself: it knows ext, x, #, commas and a bare доб.
_CYRILLIC_EXTENSION = re.compile(
    rf"(?<=[\d)])[\s,;.]*(?:(?:дод|доб|доп|вн)[^\W\d_]*|х)[\s.:]*\d{{1,{_LONGEST_EXTENSION}}}$", re.IGNORECASE
)

# Grouping that the library does not take for any.
_GROUPING = str.maketrans(dict.fromkeys("_·•|\\", " "))
# Until 2009 one dialled 8 before the 0 of a Ukrainian number; many are still written so.
_OLD_TRUNK = re.compile(r"[^\d+]*8(?=\D{0,3}0)")


@lru_cache(maxsize=16_384)
def e164(written: str, region: str | None, check: str) -> str | None:
    """The number in E.164 (`+380671112233`), or None where it is no number.

    `region`: two capitals of ISO 3166, for numbers written without a country code; an unknown one counts as
    none. `check`: libphonenumber's two notions, "possible" (the length fits) and "valid" (so does the range).
    """
    if check == "possible" and not written.endswith(".0") and (number := possible_e164(written, region)):
        return number
    spelt = " ".join(without_format_characters(written).translate(_GROUPING).split())
    if len(spelt) > _MOST_CHARACTERS:
        return None
    if spelt.endswith(".0") and spelt[:-2].lstrip("+").isdecimal():
        spelt = spelt[:-2]  # a spreadsheet took it for a fraction
    known = region if region in phonenumbers.SUPPORTED_REGIONS else None
    number = _quick(spelt, known, check) or _freely_spelt(spelt, known, check)
    if number is None and known == "UA" and (trunk := _OLD_TRUNK.match(spelt)):
        return _freely_spelt(spelt[trunk.end() :], known, check)
    return number


def _quick(spelt: str, region: str | None, check: str) -> str | None:
    return possible_e164(spelt, region) if check == "possible" else None


def _freely_spelt(spelt: str, region: str | None, check: str) -> str | None:
    bare = _without_additions(spelt)
    if bare == spelt:
        return _by_library(spelt, region, check)
    number = _quick(bare, region, check) or _by_library(bare, region, check)
    # Where the number without its words is none, they may be digits in letters: 1 800 FLOWERS.
    return number or _by_library(spelt, region, check)


def _without_additions(spelt: str) -> str:
    number = _BRACKETED_REMARK.sub(" ", spelt).strip()
    number = _TRAILING_REMARK.sub("", number)
    return _CYRILLIC_EXTENSION.sub("", number)


def _by_library(spelt: str, region: str | None, check: str) -> str | None:
    try:
        number = phonenumbers.parse(spelt, region)
    except phonenumbers.NumberParseException:
        return None
    # Nothing but zeros is what a form was filled with; the library finds it possible, and another number each time it reads it.
    if len(number.extension or "") > _LONGEST_EXTENSION or not number.national_number:
        return None
    passes = phonenumbers.is_valid_number if check == "valid" else phonenumbers.is_possible_number
    if not passes(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
