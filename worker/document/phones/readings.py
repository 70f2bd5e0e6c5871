"""Which number some digits are: every way to read them is tried, and what can be read in two ways is no number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from worker.document.left_out import Why
from worker.document.phones.plans import Plan, Reading, code_of, international, national, plan_of

_FEWEST_DIGITS, _MOST_DIGITS = 5, 20
_LONG_CODE = 3  # of its digits; "0380…" is no area code followed by a number

# What one dialled until the plan was changed, and still writes. The 0 of Poland and of Czechia is not among them: there
# `067 111 22 33` is a guest's number, and lacks its country code.
_FORMER_TRUNKS = {"UA": "80"}
_FORMER_ABROAD = {"UA": "810", "MD": "810", "GE": "810"}
_UKRAINE = "UA"


def number_of(groups: Sequence[str], home: Plan | None, *, plus: bool, bare: bool) -> Reading | Why:
    """The number that digits in `groups` (as blanks and hyphens part them) are.

    `home`: the plan for numbers without a country code. `plus`: a plus stands before them. `bare`: they may be
    a number without country code and trunk prefix, where a country dials one.
    """
    if not _FEWEST_DIGITS <= sum(map(len, groups)) <= _MOST_DIGITS:
        return Why.NO_NUMBER
    return _with_plus(groups, home) if plus else _as_dialled(groups, home, bare=bare)


def _only(readings: Iterable[Reading | None]) -> Reading | Why:
    """The one reading; of several the one that is valid, if it is the only one."""
    found = {reading.number: reading for reading in readings if reading}
    match [reading for reading in found.values() if reading.valid] or list(found.values()):
        case []:
            return Why.NO_NUMBER
        case [reading]:
            return reading
        case _:
            return Why.AMBIGUOUS


def _with_plus(groups: Sequence[str], home: Plan | None) -> Reading | Why:
    digits = "".join(groups)
    if digits.startswith("00"):
        return _with_plus(_without(2, groups), home)
    if digits.startswith("0"):
        found = _as_dialled(groups, home, bare=False)
        return found if isinstance(found, Reading) and found.valid else Why.NO_NUMBER
    literal = international(digits)
    if literal and literal.valid and home and literal.code == home.code:
        return literal
    if literal and _cuts_through_the_code(groups, literal, home):
        literal = None
    if literal and _is_bare(digits, home, literal):
        return Why.AMBIGUOUS
    return _either(literal, _with_lost_zero(groups, home), groups)


def _either(literal: Reading | None, mended: Reading | None, groups: Sequence[str]) -> Reading | Why:
    if mended is None:
        return literal or Why.NO_NUMBER
    if _ends_a_group(len(mended.code) - 1, groups):
        return mended
    if literal and (_ends_a_group(len(literal.code), groups) or (literal.mobile and not mended.mobile)):
        return literal
    return Why.AMBIGUOUS if code_of("".join(groups)) else mended


def _cuts_through_the_code(groups: Sequence[str], literal: Reading, home: Plan | None) -> bool:
    """Whether the first group ends within the country code, as in `+38 (67) …`, which is not Slovenia's 386.

    Codes that end in 0 are often written so before it, as it is the trunk prefix too: `+38 (067) …`.
    """
    first, length = len(groups[0]), len(literal.code)
    if first >= length or (home and home.code == literal.code):
        return False
    if first == length - 1 and literal.code.endswith("0"):
        return False
    return any(len(group) > 1 for group in groups)


def _with_lost_zero(groups: Sequence[str], home: Plan | None) -> Reading | None:
    """`38 67 111 22 33`: the 0 is the country code's last digit, and was taken for the trunk prefix."""
    digits = "".join(groups)
    plan = plan_of(_UKRAINE) if groups[0] == "38" else home
    if plan is None or not plan.code.endswith("0") or not digits.startswith(plan.code[:-1]):
        return None
    rest = digits[len(plan.code) - 1 :]
    reading = None if rest.startswith("0") else international(plan.code + rest)
    return reading if reading and plan.is_settled(reading) else None


def _is_bare(digits: str, home: Plan | None, literal: Reading) -> bool:
    """Whether it may be a number of the country with a plus put before it, rather than the short one abroad."""
    reading = international(home.code + digits) if home else None
    if home is None or reading is None or not home.is_settled(reading):
        return False
    return reading.mobile or not literal.valid


def _as_dialled(groups: Sequence[str], home: Plan | None, *, bare: bool) -> Reading | Why:
    digits = "".join(groups)
    if digits.startswith("00"):
        return _with_plus(_without(2, groups), home)
    if home is None:
        return Why.NO_NUMBER
    within = _within_the_country(groups, digits, home, bare=bare)
    if within and within.valid and len(within.national) < len(digits):
        return within  # no country code and no other prefix begins as a trunk prefix does
    return _only([within, *_with_a_code(groups, digits, home)])


def _with_a_code(groups: Sequence[str], digits: str, home: Plan) -> Iterator[Reading | None]:
    yield _with_its_own_code(groups, digits, home)
    yield _from_abroad(digits, home)
    yield _as_formerly(digits, home)


def _within_the_country(groups: Sequence[str], digits: str, home: Plan, *, bare: bool) -> Reading | None:
    reading = national(digits, home)
    if reading is None:
        return None
    if len(reading.national) < len(digits):
        return None if home.trunk is None or _is_zero_and_code(digits, home) else reading
    return reading if _may_be_bare(reading, groups, home, bare=bare) else None


def _may_be_bare(reading: Reading, groups: Sequence[str], home: Plan, *, bare: bool) -> bool:
    begins_with_code = reading.national.startswith(home.code)
    if home.trunk is None:
        return reading.valid or (bare and not begins_with_code)
    if len(groups) > 1 and groups[0] in (home.trunk, home.code):
        return False  # a digit too few: 8 343 123 45 6
    return bare and home.is_settled(reading) and not (begins_with_code and len(home.code) > 1)


def _with_its_own_code(groups: Sequence[str], digits: str, home: Plan) -> Reading | None:
    if digits.startswith(home.code):
        reading = international(digits)
        return reading if reading and (home.is_settled(reading) or not home.vary) else None
    if _is_zero_and_code(digits, home):
        return _valid(international(digits[1:]))
    reading = _with_lost_zero(groups, home)
    return reading if reading and _ends_a_group(len(reading.code) - 1, groups) else None


def _is_zero_and_code(digits: str, home: Plan) -> bool:
    return len(home.code) == _LONG_CODE and digits.startswith(f"0{home.code}")


def _from_abroad(digits: str, home: Plan) -> Reading | None:
    former = _FORMER_ABROAD.get(home.region)
    if former and digits.startswith(former):
        return _valid(international(digits[len(former) :]))
    prefix = home.abroad.match(digits) if home.abroad else None
    return _valid(international(digits[prefix.end() :])) if prefix else None


def _as_formerly(digits: str, home: Plan) -> Reading | None:
    former = _FORMER_TRUNKS.get(home.region)
    if not former or not digits.startswith(former):
        return None
    return _valid(international(home.code + digits[len(former) :]))


def _valid(reading: Reading | None) -> Reading | None:
    return reading if reading and reading.valid else None


def _ends_a_group(at: int, groups: Sequence[str]) -> bool:
    return at in accumulate(map(len, groups))


def _without(count: int, groups: Sequence[str]) -> Sequence[str]:
    """The groups without so many digits at the beginning."""
    ends = [0, *accumulate(map(len, groups))]
    left = [group[max(0, count - start) :] for group, start in zip(groups, ends, strict=False)]
    return [group for group in left if group] or [""]
