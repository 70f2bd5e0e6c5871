"""Numbering plans, by libphonenumber's data: digits alone go in, never the text around them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import msgspec
import phonenumbers
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumber, PhoneNumberDesc

_FEWEST_DIGITS, _MOST_DIGITS = 7, 15  # E.164, country code included
_REGIONS = {str(code): regions for code, regions in COUNTRY_CODE_TO_REGION_CODE.items()}
_LONGEST_CODE = 3
# Of lines at home; Germany, Austria and others have more, and there a digit too few is a number too.
_MOST_LENGTHS = 3


class Reading(msgspec.Struct, frozen=True, gc=False):
    """A number that some digits can be: in E.164, and in its two parts. If it is not `valid`, it is only possible."""

    number: str
    code: str
    national: str
    valid: bool

    @property
    def mobile(self) -> bool:
        """Whether it is a mobile's, as far as the numbers of its country tell."""
        plan = plan_of_code(self.code)
        return plan is not None and plan.mobile.fullmatch(self.national) is not None


@dataclass(frozen=True, slots=True)
class Plan:
    """What matters of a country's plan.

    `trunk` is dialled before the number within the country, in all its forms `before`; `abroad` before a country code, if
    that is not 00, which all understand. `longest`: digits of the longest number. `regular` matches valid mobile and fixed numbers.
    `lengths` are those of the usual ones. If they `vary`, nothing tells a number from one that lacks a digit.
    """

    region: str
    code: str
    trunk: str | None
    before: re.Pattern[str]
    longest: int
    abroad: re.Pattern[str] | None
    regular: re.Pattern[str]
    mobile: re.Pattern[str]
    mobile_length: int
    lengths: frozenset[int]
    vary: bool

    def is_settled(self, reading: Reading) -> bool:
        """Whether the number is valid and as long as all of its kind, so that no area code can be missing."""
        if self.vary:
            return len(reading.national) == self.mobile_length and bool(self.mobile.fullmatch(reading.national))
        return reading.valid and len(reading.national) in self.lengths


@cache
def plan_of(region: str | None) -> Plan | None:
    """The plan of a region (two capitals of ISO 3166); None if it is unknown."""
    if region not in phonenumbers.SUPPORTED_REGIONS:
        return None
    return _plan(PhoneMetadata.metadata_for_region(region))


@cache
def plan_of_code(code: str) -> Plan | None:
    """The plan of a country code; of several countries with one code the main one's."""
    regions = _REGIONS.get(code)
    return _plan(PhoneMetadata.metadata_for_region_or_calling_code(int(code), regions[0])) if regions else None


def international(digits: str) -> Reading | None:
    """The number that a country code and what follows it are, or None if there is no such number."""
    code = code_of(digits) if len(digits) <= _MOST_DIGITS else None
    plan = plan_of_code(code) if code else None
    if plan is None:
        return None
    national = digits[len(plan.code) :]
    # Most numbers. The library says the same of them (a test holds the two together), but takes 60 microseconds.
    if plan.regular.fullmatch(national):
        return Reading(f"+{digits}", plan.code, national, valid=True)
    return _by_library(digits, plan)


def national(digits: str, plan: Plan) -> Reading | None:
    """The number that is dialled so within the country, with or without the trunk prefix."""
    if plan.trunk and digits.startswith(plan.trunk):
        rest = digits[len(plan.trunk) :]
        if plan.regular.fullmatch(rest) and len(plan.code) + len(rest) <= _MOST_DIGITS:
            return Reading(f"+{plan.code}{rest}", plan.code, rest, valid=True)
    if len(digits) > plan.longest and not plan.before.match(digits):
        return None
    return international(plan.code + digits)


def may_lack_a_digit(reading: Reading) -> bool:
    """Whether nothing tells the number from a longer one that is not shown to its end."""
    plan = plan_of_code(reading.code)
    return plan is None or plan.vary or _is_valid_with_another(reading.national, plan)


def code_of(digits: str) -> str | None:
    """The country code at the beginning; no code begins with another one."""
    return _code_of(digits[:_LONGEST_CODE])


@cache
def _code_of(first: str) -> str | None:
    return next((first[:length] for length in range(1, _LONGEST_CODE + 1) if first[:length] in _REGIONS), None)


def _by_library(digits: str, plan: Plan) -> Reading | None:
    try:
        number = phonenumbers.parse(f"+{digits}", None)
    except phonenumbers.NumberParseException:
        return None
    rest = phonenumbers.national_significant_number(number)
    if plan.trunk is None and not plan.vary and rest[:1] == "0" and plan.regular.fullmatch(rest[1:]):
        return Reading(f"+{plan.code}{rest[1:]}", plan.code, rest[1:], valid=True)  # +48 (0) 22 …
    if not _FEWEST_DIGITS <= len(plan.code) + len(rest) <= _MOST_DIGITS or not rest.strip("0"):
        return None
    valid = phonenumbers.is_valid_number(number)
    if not valid and not _is_plausible(number, rest, plan):
        return None
    return Reading(f"+{plan.code}{rest}", plan.code, rest, valid)


def _is_plausible(number: PhoneNumber, rest: str, plan: Plan) -> bool:
    # The library calls possible what is as long as any kind of number, a free call with a digit more included.
    return (
        phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.IS_POSSIBLE
        and len(rest) == max(plan.lengths, default=0)
        and not rest.startswith("0")
        and not _is_miscounted(rest, plan)
    )


def _is_miscounted(rest: str, plan: Plan) -> bool:
    """Whether it would be valid with a digit more, or with one or two fewer."""
    return _is_valid(rest[:-1], plan) or _is_valid(rest[:-2], plan) or _is_valid_with_another(rest, plan)


def _is_valid_with_another(rest: str, plan: Plan) -> bool:
    return any(_is_valid(f"{rest}{digit}", plan) for digit in range(10))


def _is_valid(rest: str, plan: Plan) -> bool:
    return phonenumbers.is_valid_number(PhoneNumber(int(plan.code), int(rest)))


def _plan(metadata: PhoneMetadata | None) -> Plan | None:
    if metadata is None:
        return None
    fixed, mobile = metadata.fixed_line, metadata.mobile
    vary = fixed is not None and len(fixed.possible_length) > _MOST_LENGTHS
    usual = {len(_example(mobile)), len(_example(fixed))} - {0}
    return Plan(
        region=metadata.id or "",
        code=str(metadata.country_code),
        # The trunk prefix of North America is its country code; everybody leaves it out.
        trunk=None if metadata.country_code == 1 else metadata.national_prefix,
        before=re.compile(metadata.national_prefix_for_parsing or "(?!)"),
        longest=max(metadata.general_desc.possible_length) if metadata.general_desc else 0,
        abroad=re.compile(prefix) if (prefix := metadata.international_prefix or "00") != "00" else None,
        regular=re.compile("|".join(_pattern(kind) for kind in (mobile, fixed))),
        mobile=re.compile(_pattern(mobile)),
        mobile_length=len(_example(mobile)),
        lengths=frozenset(usual if vary or mobile is None else usual.union(mobile.possible_length)),
        vary=vary,
    )


def _pattern(kind: PhoneNumberDesc | None) -> str:
    """What a whole number of the kind matches; nothing does if the country has none."""
    if kind is None or not kind.national_number_pattern:
        return "(?!)"
    lengths = "|".join(rf"\d{{{length}}}\Z" for length in kind.possible_length)
    return f"(?={lengths})(?:{kind.national_number_pattern})"


def _example(kind: PhoneNumberDesc | None) -> str:
    return (kind.example_number if kind else None) or ""
