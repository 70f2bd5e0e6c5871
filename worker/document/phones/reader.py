"""Telephone numbers: from any spelling to E.164, without extensions and remarks, or a reason why not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from msgspec.structs import replace

from worker.document.left_out import Why
from worker.document.phones.candidates import FEWEST_DIGITS, Candidate, candidates
from worker.document.phones.links import without_links
from worker.document.phones.plans import Plan, Reading, may_lack_a_digit, plan_of
from worker.document.phones.readings import number_of
from worker.document.phones.text import cleaned, holds_a_date, without_dates
from worker.document.phones.vanity import spelt_in_digits

# Longer ones are notes; it also bounds what the patterns may cost.
_MOST_CHARACTERS = 1000
_FEWEST_DIGITS_IN_A_ROW, _MOST_DIGITS_IN_A_ROW = 14, 60

# Most numbers are written so, with nothing around them, or a remark behind them.
_PLAIN = re.compile(r" *((?:\+?(?:\d++[ -]?)?\(\d[\d -]*+\)[ -]?|\+)?\d(?:[ .-]?\d)*+)(.*)", re.DOTALL)
# In place of the number before a remark. One with a plus or a 0 is nothing else whatever follows.
_SOME_NUMBER = "671112233"
_GROUPS = re.compile(r"\d+")
_HIDDEN = re.compile(r"\.\.|__|··|---")
_UNUSUAL = re.compile(r"[_·~]")
_GROUPED_UNUSUALLY = re.compile(r"[+\d() ]+?(_|·| · |~)[\d()]+(?:\1[\d()]+)+")
_PARTED = re.compile(r" *[/\\\n] *| {2,}")
_AREA_CODE = re.compile(r"\(?\d{1,4}\)? ?/[^/]*")
_DECIMAL = re.compile(r"(\+?\d{5,})\.(\d{1,3})")
_FRACTION = re.compile(r"\d\.\d{6,}")
# An account and its bank, a birth number: 601234567/0800.
_ACCOUNT = re.compile(r"(?:\d{1,6} ?- ?)?\d{2,10} ?/ ?\d{4}")
_HAVE_SUCH_ACCOUNTS = frozenset(("CZ", "SK"))
_TRAILING_BRACKET = re.compile(r"(.*\d) *[(\[] *\d(?:[ .-]*\d){0,7}")
_PLACE_IN_A_LIST = re.compile(r"\d{1,2}(?:\. *| +- +)(?=[\d(+])")
_PLACE_AFTER_A_WORD = re.compile(r"\d{1,2}(?:\. *| +- +| +)(?=[\d(+])")


class Found(NamedTuple):
    """The numbers of a field in E.164, each once, and why others were left out."""

    numbers: tuple[str, ...]
    left_out: tuple[Why, ...]


def numbers_in(written: str, region: str | None, check: str) -> Found:
    """The telephone numbers that a field holds.

    `region`: two capitals of ISO 3166, for numbers written without a country code; an unknown one counts as
    none. `check`: libphonenumber's two notions, "possible" (the length fits) and "valid" (so does the range).
    A field without any number has at least one reason.
    """
    if len(written) > _MOST_CHARACTERS:
        return Found((), (Why.NO_NUMBER,))
    return _numbers_in(written, region, check)


@lru_cache(maxsize=16_384)
def _numbers_in(written: str, region: str | None, check: str) -> Found:
    text, home = cleaned(written), plan_of(region)
    plain = _plainly_written(text, home)
    if plain and (plain.valid or check == "possible"):
        return Found((plain.number,), ())
    return _found(_read(text, home), check)


def _found(results: Iterable[Reading | Why], check: str) -> Found:
    numbers: dict[str, None] = {}
    left_out = []
    for result in results:
        if isinstance(result, Why):
            left_out.append(result)
        elif result.valid or check == "possible":
            numbers[result.number] = None
        else:
            left_out.append(Why.NOT_IN_USE)
    return Found(tuple(numbers), tuple(left_out) if numbers or left_out else (Why.NO_NUMBER,))


def _read(text: str, home: Plan | None) -> Iterator[Reading | Why]:
    text = without_dates(without_links(spelt_in_digits(text, home)))
    for candidate in candidates(text):
        yield from [candidate.why] if candidate.why else _of(candidate, home)


def _plainly_written(text: str, home: Plan | None) -> Reading | None:
    plain = _PLAIN.fullmatch(text)
    if plain is None:
        return None
    written, remark = plain.groups()
    if written.count(".") == 1 or holds_a_date(written):
        return None
    if remark.strip(" ") and (
        _digits(written) >= _FEWEST_DIGITS_IN_A_ROW or spelt_in_digits(text, home) != text or not _says_nothing(remark)
    ):
        return None
    found = _number(written, home, bare=True)
    return found if isinstance(found, Reading) else None


@lru_cache(maxsize=4096)
def _says_nothing(remark: str) -> bool:
    """Whether a number is the same without what follows it: `(мама)`, `дод. 12`, but not `грн`, `XX`, or another number."""
    text = without_dates(without_links(_SOME_NUMBER + remark))
    return list(candidates(text)) == [Candidate(_SOME_NUMBER)]


def _number(written: str, home: Plan | None, *, bare: bool) -> Reading | Why:
    return number_of(_GROUPS.findall(written), home, plus=written.startswith("+"), bare=bare)


def _of(candidate: Candidate, home: Plan | None) -> list[Reading | Why]:
    decimal = _DECIMAL.fullmatch(candidate.text)
    if decimal and not decimal[2].strip("0"):
        return _of(replace(candidate, text=decimal[1]), home)
    if decimal or _FRACTION.fullmatch(candidate.text) or _is_account(candidate.text, home):
        return [Why.IDENTIFIER]
    if _hides_digits(candidate.text):
        return [Why.HIDDEN]
    found = _whole_or_parts(candidate, home)
    if candidate.ragged and any(isinstance(one, Reading) and may_lack_a_digit(one) for one in found):
        return [Why.HIDDEN]
    return found


def _is_account(written: str, home: Plan | None) -> bool:
    return home is not None and home.region in _HAVE_SUCH_ACCOUNTS and _ACCOUNT.fullmatch(written) is not None


def _hides_digits(written: str) -> bool:
    """Whether something in it may stand for digits: `067...2233`, and `_`, `·` or `~` where it neither groups nor parts numbers."""
    if _HIDDEN.search(written):
        return True
    parts = _UNUSUAL.split(written)
    if len(parts) == 1 or _GROUPED_UNUSUALLY.fullmatch(written):
        return False
    return any(_digits(part) < FEWEST_DIGITS for part in parts)


def _whole_or_parts(candidate: Candidate, home: Plan | None) -> list[Reading | Why]:
    parts = _PARTED.split(candidate.text)
    if len(parts) == 1:
        return _one_or_several(candidate, home)
    bare = candidate.bare and _AREA_CODE.fullmatch(candidate.text) is not None
    whole = _number(candidate.text, home, bare=bare)
    found = [
        one
        for part in parts
        if _digits(part) >= FEWEST_DIGITS
        for one in _one_or_several(replace(candidate, text=part), home)
    ]
    if isinstance(whole, Reading):
        others = [one for one in found if isinstance(one, Reading) and one.number != whole.number]
        return [Why.AMBIGUOUS] if others else [whole]
    return found or [Why.NO_NUMBER]


def _one_or_several(candidate: Candidate, home: Plan | None) -> list[Reading | Why]:
    whole = _number(candidate.text, home, bare=candidate.bare)
    cut = _without_bracket(candidate, home)
    if isinstance(cut, Reading):
        return [Why.AMBIGUOUS] if isinstance(whole, Reading) else [cut]
    if isinstance(whole, Reading):
        return [Why.AMBIGUOUS] if _in_a_row(candidate.text, home) and may_lack_a_digit(whole) else [whole]
    place = (_PLACE_AFTER_A_WORD if candidate.listed else _PLACE_IN_A_LIST).match(candidate.text)
    if place and isinstance(number := _number(candidate.text[place.end() :], home, bare=False), Reading):
        return [number]
    return _in_a_row(candidate.text, home) or [whole]


def _without_bracket(candidate: Candidate, home: Plan | None) -> Reading | Why | None:
    """What is read if digits in brackets at the end are a remark: hours, an extension."""
    bracketed = _TRAILING_BRACKET.fullmatch(candidate.text) if "(" in candidate.text or "[" in candidate.text else None
    if bracketed is None or bracketed[1].count("(") != bracketed[1].count(")"):
        return None
    return _number(bracketed[1], home, bare=candidate.bare)


def _digits(written: str) -> int:
    return sum(map(str.isdecimal, written))


def _in_a_row(written: str, home: Plan | None) -> list[Reading | Why]:
    """Numbers with nothing but blanks or hyphens between them, if they can be parted in one way only."""
    if not _FEWEST_DIGITS_IN_A_ROW <= _digits(written) <= _MOST_DIGITS_IN_A_ROW:
        return []
    groups = _GROUPS.findall(written)
    ways = _ways(groups, home, plus=written.startswith("+"))
    return list(ways[0]) if len(ways) == 1 else []


def _ways(groups: Sequence[str], home: Plan | None, *, plus: bool) -> list[list[Reading]]:
    """The first two ways to part the groups into numbers, each with its country code or trunk prefix."""
    rests: list[list[list[Reading]]] = [[] for _ in groups] + [[[]]]
    for start in reversed(range(len(groups))):
        for end in range(start + 1, len(groups) + 1):
            if not rests[end]:
                continue
            first = number_of(groups[start:end], home, plus=plus and start == 0, bare=False)
            if isinstance(first, Reading) and first.valid:
                rests[start] = [*rests[start], *([first, *rest] for rest in rests[end])][:2]
    return rests[0]
