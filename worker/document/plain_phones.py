"""The quick way for telephone numbers that are written plainly: digits, a plus, and grouping.

libphonenumber takes 30 to 40 microseconds a number, most of them to look for what a plainly written number
cannot hold (letters, extensions, a second number). Here the rest of its rules is followed by its own
metadata; wherever they could branch, the answer is None, and the library is asked. A property test holds the
two together for every region.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

_PLAIN = re.compile(r"\(?(\+?)[0-9 ().-]+")
_GROUPING = str.maketrans("", "", "+ ().-")
_CALLING_CODES = {str(code): regions[0] for code, regions in COUNTRY_CODE_TO_REGION_CODE.items()}
_FEWEST_DIGITS = 5  # fewer meet rules of their own, and are no numbers anyway


@dataclass(frozen=True, slots=True)
class _Plan:
    """What matters here of a country's numbering plan."""

    code: str
    abroad: re.Pattern[str] | None
    trunk: re.Pattern[str] | None
    trunk_is_simple: bool
    national: re.Pattern[str]
    lengths: frozenset[int]


def possible_e164(spelt: str, region: str | None) -> str | None:
    """E.164 of a possible number, or None where the library has to say.

    `region` is one of the library's, or None.
    """
    match = _PLAIN.fullmatch(spelt)
    if match is None:
        return None
    digits = spelt.translate(_GROUPING)
    if len(digits) < _FEWEST_DIGITS:
        return None
    return _international(digits) if match[1] else _national(digits, region)


def _international(digits: str) -> str | None:
    for length in (1, 2, 3):
        region = _CALLING_CODES.get(digits[:length])
        if region is not None:
            return _finished(digits[length:], _plan(int(digits[:length]), region))
    return None


def _national(digits: str, region: str | None) -> str | None:
    plan = _main_plan(region) if region else None
    if plan is None or (plan.abroad and plan.abroad.match(digits)):
        return None
    if not digits.startswith(plan.code):
        return _finished(digits, plan)
    rest = digits[len(plan.code) :]
    # The library takes the country code off only where the number is otherwise too long, or fits no pattern.
    if len(digits) <= max(plan.lengths) or (plan.trunk and plan.trunk.match(rest)):
        return None
    return _finished(rest, plan)


def _finished(national: str, plan: _Plan) -> str | None:
    significant = _without_trunk_prefix(national, plan)
    if significant is None or len(significant) not in plan.lengths or significant[0] == "0":
        return None
    return f"+{plan.code}{significant}"


def _without_trunk_prefix(national: str, plan: _Plan) -> str | None:
    prefix = plan.trunk.match(national) if plan.trunk else None
    if prefix is None:
        return national
    if not plan.trunk_is_simple or plan.national.fullmatch(national):
        return None
    return national[prefix.end() :]


@cache
def _main_plan(region: str) -> _Plan | None:
    # Where countries share a calling code (+1, +7), the library judges by the main one's plan.
    metadata = PhoneMetadata.metadata_for_region(region)
    if metadata is None or _CALLING_CODES.get(str(metadata.country_code)) != region:
        return None
    return _plan(metadata.country_code or 0, region)


@cache
def _plan(code: int, region: str) -> _Plan:
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(code, region)
    general = metadata.general_desc if metadata else None
    if metadata is None or general is None or not general.national_number_pattern:
        return _Plan(str(code), None, None, False, re.compile(""), frozenset((0,)))
    trunk = _compiled(metadata.national_prefix_for_parsing)
    rewrites = bool(metadata.national_prefix_transform_rule)
    return _Plan(
        code=str(code),
        abroad=_compiled(metadata.international_prefix),
        trunk=trunk,
        trunk_is_simple=trunk is not None and not trunk.groups and not rewrites,
        national=re.compile(general.national_number_pattern),
        lengths=frozenset(general.possible_length),
    )


def _compiled(pattern: str | None) -> re.Pattern[str] | None:
    return re.compile(pattern) if pattern else None
