"""Telephone numbers: a table of spellings, and what holds of every text."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import NamedTuple

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from worker.document.left_out import Why
from worker.document.phones import plans, reader, words
from worker.document.phones.reader import numbers_in
from worker.document.phones.text import cleaned

UKRAINIAN = "+380671112233"
NEIGHBOURS = [
    *("UA", "PL", "MD", "RO", "SK", "HU", "BY", "RU", "KZ", "GE", "TR", "DE"),
    *("CZ", "LT", "LV", "EE", "BG", "IL", "US", "AT", "IT", "GB", "FR"),
]


class Spelling(NamedTuple):
    """A line of the table."""

    text: str
    region: str
    numbers: tuple[str, ...]
    left_out: int


def table() -> list[Spelling]:
    lines = (Path(__file__).parent / "phone_spellings.tsv").read_text(encoding="utf-8").splitlines()
    return [spelling(line) for line in lines if line and not line.startswith("# ")]


def spelling(line: str) -> Spelling:
    text, region, expected, *left_out = line.split("\t")
    unescaped = text.encode("latin-1", "backslashreplace").decode("unicode_escape")
    numbers = () if expected == "-" else tuple(expected.split())
    return Spelling(unescaped, region, numbers, int(left_out[0]) if left_out else not numbers)


@pytest.mark.parametrize("written", table(), ids=lambda written: ascii(f"{written.text} {written.region}"))
def test_the_table(written: Spelling) -> None:
    """Each text gives these numbers and no others, and says how many it left out."""
    found = numbers_in(written.text, written.region, "possible")

    assert (found.numbers, len(found.left_out)) == (written.numbers, written.left_out)


def test_the_table_for_numbers_in_use() -> None:
    """`valid` gives what `possible` gives, without the numbers whose range is not in use."""
    strict = {written: numbers_in(written.text, written.region, "valid").numbers for written in table()}
    in_use = {written: tuple(filter(is_in_use, written.numbers)) for written in table()}

    assert strict == in_use


def is_in_use(number: str) -> bool:
    return phonenumbers.is_valid_number(phonenumbers.parse(number))


def test_the_vendors_own_example_is_only_possible() -> None:
    """`+380111111111` is as long as a number, but its range is not in use."""
    assert numbers_in("+380111111111", "UA", "possible") == (("+380111111111",), ())
    assert numbers_in("+380111111111", "UA", "valid") == ((), (Why.NOT_IN_USE,))


@pytest.mark.parametrize("region", ["XX", "", "001", "ua", None])
def test_an_unknown_region_leaves_international_numbers(region: str | None) -> None:
    """A wrong code in the CRM costs only the numbers that need one."""
    assert numbers_in(UKRAINIAN, region, "possible").numbers == (UKRAINIAN,)
    assert numbers_in("0671112233", region, "possible").numbers == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("067-XXX-XX-33", Why.HIDDEN),
        ("067lll2233", Why.HIDDEN),
        ("ІПН 3123456789", Why.IDENTIFIER),
        ("+38671112233", Why.AMBIGUOUS),
        ("111-22-33", Why.NO_NUMBER),
        ("мама", Why.NO_NUMBER),
        ("0671112233 " * 100, Why.NO_NUMBER),
    ],
)
def test_what_is_left_out_says_why(text: str, why: Why) -> None:
    """The reason helps whoever corrects the CRM, and holds no digit of the text."""
    assert numbers_in(text, "UA", "possible").left_out == (why,)


KINDS = [PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE]
FORMS = [PhoneNumberFormat.E164, PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.NATIONAL]


@settings(deadline=None)
@given(st.sampled_from(NEIGHBOURS), st.sampled_from("*?XxХх#_…•●█OОoоlIіЗзSБб"), st.data())
def test_a_digit_that_is_hidden_gives_no_number(region: str, sign: str, data: st.DataObject) -> None:
    """What is left of a number is no number, or somebody else's."""
    number = phonenumbers.example_number_for_type(region, data.draw(st.sampled_from(KINDS)))
    assert number is not None
    text = phonenumbers.format_number(number, data.draw(st.sampled_from(FORMS)))
    own = [at for at, character in enumerate(text) if character.isdecimal()]
    own = own[-len(phonenumbers.national_significant_number(number)) :]
    hidden = data.draw(st.sets(st.sampled_from(own), min_size=1))
    masked = "".join(sign if at in hidden else character for at, character in enumerate(text))

    assert numbers_in(masked, region, "possible").numbers == ()


PIECES = st.sampled_from(
    [*"0123456789+ ()-.,;#x*/~@:\n_?XОlЗ", "067", "380", "+38", "0049", "дод", "ext", "мама", "тел. ", "ІПН ", "&nbsp;"]
)
TEXTS = st.one_of(st.text(max_size=40), st.lists(PIECES, max_size=40).map("".join))


@settings(deadline=None)
@given(TEXTS, st.sampled_from([region for region in NEIGHBOURS if region != "US"]))
def test_a_number_is_written_in_the_text(text: str, region: str) -> None:
    """Its digits, all but the country code's, stand in it one after the other, with nothing but grouping between."""
    plain = re.sub(r"[ \n()\[\]./\\_~·-]", "", cleaned(text))
    numbers = [phonenumbers.parse(number) for number in numbers_in(text, region, "possible").numbers]

    assert [number for number in numbers if phonenumbers.national_significant_number(number) not in plain] == []


@settings(deadline=None)
@given(TEXTS, st.sampled_from(["UA", "DE", "US", "XX", None]), st.sampled_from(["possible", "valid"]))
def test_any_text_is_numbers_or_a_reason(text: str, region: str | None, check: str) -> None:
    """Nothing raises; what comes out has the API's form, and needs no second look."""
    found = numbers_in(text, region, check)

    assert found.numbers or found.left_out
    for number in found.numbers:
        assert re.fullmatch(r"\+[1-9][0-9]{6,14}", number)
        assert numbers_in(number, None, check) == ((number,), ())


REMARKS = st.tuples(
    st.sampled_from(
        [" {} {}", " ({} {})", "{} {}", ", {} {}", " - {}{}", "; {}, {}", ". {}. {}", "/{} {}", ' "{}" {}', "x{}{}"]
    ),
    st.sampled_from(sorted(words._KINDS)) | PIECES,
    st.sampled_from(["", "5", "12", "1234", "18:00", "067 111 22 34", "мама", "XX", "грн", "@"]),
).map(lambda made: made[0].format(made[1], made[2]))


@settings(deadline=None, max_examples=500)
@given(st.sampled_from(NEIGHBOURS), st.data(), REMARKS)
def test_a_number_with_a_remark_is_read_the_same_in_the_quick_way(
    region: str, data: st.DataObject, remark: str
) -> None:
    """What is taken for a plain number with a remark is one by the whole analysis too."""
    number = phonenumbers.example_number_for_type(region, data.draw(st.sampled_from(KINDS)))
    assert number is not None
    text = phonenumbers.format_number(number, data.draw(st.sampled_from(FORMS))) + remark
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "_plainly_written", lambda *_: None)
        analysed = reader._numbers_in.__wrapped__(text, region, "possible")

    assert numbers_in(text, region, "possible") == analysed


def some_digits(dice: random.Random, region: str) -> list[str]:
    """Numbers of a region without their country code, right and a little wrong."""
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
    kinds = (metadata.mobile, metadata.fixed_line, metadata.toll_free)
    examples = [kind.example_number for kind in kinds if kind and kind.example_number]
    return [
        example[: dice.randint(2, len(example))] + "".join(dice.choices("0123456789", k=dice.randint(0, 6)))
        for example in examples
        for _ in range(20)
    ]


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_a_regular_number_is_valid(region: str) -> None:
    """What the quick way takes for a mobile or fixed number, libphonenumber does too, in every region."""
    plan = plans.plan_of(region)
    assert plan is not None
    regular = [digits for digits in some_digits(random.Random(region), region) if plan.regular.fullmatch(digits)]
    parsed = {digits: phonenumbers.parse(f"+{plan.code}{digits}") for digits in regular}

    assert not [digits for digits, number in parsed.items() if not phonenumbers.is_valid_number(number)]
    assert not [
        digits for digits, number in parsed.items() if phonenumbers.national_significant_number(number) != digits
    ]
