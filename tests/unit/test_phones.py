"""Telephone numbers: any spelling comes out in E.164, and the quick way says what the library says."""

import random

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.document.phones import e164
from worker.document.plain_phones import possible_e164

UKRAINIAN = "+380671112233"

SPELLINGS = [
    # grouping and prefixes
    "+380671112233",
    "380671112233",
    "0671112233",
    "671112233",
    "00380671112233",
    "++380671112233",
    "+38 067 111 22 33",
    "+38 (067) 111-22-33",
    "+38(067)1112233",
    "+380 (0)67 111 22 33",
    "(+380) 67 111 22 33",
    "38 067 111 22 33",
    "(067) 111-22-33",
    "067.111.22.33",
    "067/111/22/33",
    "067-111–22—33",
    "[067] 111 22 33",
    "0 67 111 22 33",
    "  067 111 22 33  ",
    "067\t111\n22 33",
    "067\u00a0111\u202f22\u200933",
    "тел. 067 111 22 33",
    "моб.: 067-111-22-33",
    "☎ 067 111 22 33",
    "tel:+380671112233",
    "tel:067-111-22-33;phone-context=+38",
    "+38-067-111-22-33",
    "+38(0)671112233",
    "+ 380 67 111 22 33",
    "00 380 67 111 22 33",
    "(+38) 067 111 22 33",
    "067−111‑22‑33",
    "067_111_22_33",
    "067·111•22•33",
    "067\\111\\22\\33",
    "067 111 22 33;",
    "'0671112233",
    '="0671112233"',
    "380671112233.0",
    "+380671112233.0",
    # as one dialled until 2009
    "8-067-111-22-33",
    "8 (067) 111 22 33",
    "80671112233",
    "моб. 8 067 111 22 33 дод. 12",
    # what stands before it
    "т. 067-111-22-33",
    "т.067-111-22-33",
    "Тел./факс: 067 111 22 33",
    "tel. +38 067 111 22 33",
    "№ 067 111 22 33",
    "Іван: 067 111 22 33",
    "TEL:0671112233",
    "tel://+380671112233",
    "callto:+380671112233",
    "whatsapp:+380671112233",
    "https://wa.me/380671112233",
    # other scripts, invisible characters
    "０６７１１１２２３３",
    "٠٦٧١١١٢٢٣٣",
    "＋380671112233",
    "\u202d+380671112233\u202c",
    "\ufeff0671112233",
    "۰۶۷۱۱۱۲۲۳۳",
    "०६७१११२२३३",
    "𝟎𝟔𝟕𝟏𝟏𝟏𝟐𝟐𝟑𝟑",
    "（０６７）１１１－２２－３３",
    "\u2066067\u3000111\u2000\u206022\u200d33\u2069",
    "067\u2028111 22 33",
    "☎\ufe0f 067 111 22 33",
    "067\u00ad111\u200b22\u200e33",
    # extensions
    "0671112233 ext. 12",
    "0671112233 ext 12",
    "0671112233 extension 1234567",
    "0671112233x12",
    "0671112233 х12",
    "0671112233 #12",
    "+380671112233;ext=12",
    "0671112233,12",
    "067 111 22 33 дод. 12",
    "0671112233дод12",
    "067 111 22 33, Дод.: 12",
    "067 111 22 33 (дод. 12)",
    "067 111 22 33 доб. 12",
    "067 111 22 33 вн. 12",
    "067 111 22 33 внутрішній 12",
    # remarks
    "067 111 22 33 (мама)",
    "067 111 22 33 [робочий]",
    "(мама) 067 111 22 33",
    "067 111 22 33 (мама",
    "067 111 22 33 мама",
    "0671112233мама",
    "067 111 22 33 – дзвонити ввечері!",
    "067 111 22 33, Олена",
    "067 111 22 33 mama",
    "067 111 22 33 дод. 12 (секретар)",
    "067 111 22 33 ext. 12 секретар",
    "067 111 22 33 (або 050 111 22 33)",
    "067 111 22 33 доп. 12",
    "067 111 22 33 додатковий 12",
    "067 111 22 33 (ext. 12)",
    "067 111 22 33 Ext: 12 (секретар)",
    "067 111 22 33 | мама",
    "067 111-22-33 (роб.), Іван",
    "067 111 22 33 після 18:00",
    "067 111 22 33 з 9:00 до 18:00",
    "067 111 22 33, кв. 125",
    "067 111 22 33 ✅",
]


@pytest.mark.parametrize("spelt", SPELLINGS)
def test_a_spelling_of_the_number_comes_out_in_e164(spelt):
    """However a person writes it, the API gets one spelling."""

    assert e164(spelt, "UA", "possible") == UKRAINIAN
    assert e164(spelt, "UA", "valid") == UKRAINIAN


@pytest.mark.parametrize(
    ("spelt", "region", "expected"),
    [
        ("+44 (0)20 7946 0958", "UA", "+442079460958"),
        ("020 7946 0958", "GB", "+442079460958"),
        ("+49 30 123456 mob", "UA", "+4930123456"),
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("06 1234 5678", "IT", "+390612345678"),
        ("(650) 253-0000 x302", "US", "+16502530000"),
        ("1-800-FLOWERS", "US", "+18003569377"),
        ("1 800 FLOWERS", "US", "+18003569377"),
        ("+800 1234 5678", "UA", "+80012345678"),
        ("+48 22 123 45 67 вн. 3", "UA", "+48221234567"),
        ("8 (495) 123-45-67", "KZ", "+74951234567"),
        ("8 029 491 19 11", "BY", "+375294911911"),
        ("0048 601 234 567", "UA", "+48601234567"),
        ("+1 (650) 253-0000 ext. 12", "UA", "+16502530000"),
        ("+٤٤ ٢٠ ٧٩٤٦ ٠٩٥٨", "UA", "+442079460958"),
    ],
)
def test_a_foreign_number_follows_its_own_plan(spelt, region, expected):
    """The region matters only where no country code is written."""

    assert e164(spelt, region, "possible") == expected


@pytest.mark.parametrize(
    "spelt",
    [
        "",
        "+",
        "none",
        "немає",
        "12",
        "067 1",
        "+380 67 111 22 3",
        "067 111 22 33 44 55 66",
        "0671112233 0501112233",
        "0671112233/0501112233",
        "0671112233, 0501112233",
        "0671112233; 0501112233",
        "0671112233 дод. 0501112233",
        "+999 123 456 789",
        "ivan@example.test",
        "9" * 300,
        "+80671112233",
        "067 111 22 33/34",
        "067 111 22 33 *12",
        "067 111 22 33 або 067 111 22 44",
        "067 111 22 33 мама 1112244",
        "+38 O67 111 22 33",
        "3.80671112233E+11",
    ],
)
def test_what_is_no_one_number_is_none(spelt):
    """Too short, too long, two numbers in one field, or no number at all."""

    assert e164(spelt, "UA", "possible") is None


def test_the_vendors_own_example_is_only_possible():
    """`+380111111111` passes by its length, but nobody can have it."""

    assert e164("+380111111111", "UA", "possible") == "+380111111111"
    assert e164("+380111111111", "UA", "valid") is None


def test_a_number_without_its_area_code_is_only_possible():
    """libphonenumber's lenient notion takes local numbers; "valid" is for whoever does not want them."""

    assert e164("111-22-33", "UA", "possible") == "+3801112233"
    assert e164("111-22-33", "UA", "valid") is None


@pytest.mark.parametrize("region", ["XX", "", "001", "ua", None])
def test_an_unknown_region_leaves_international_numbers(region):
    """A wrong code in the CRM costs only the numbers that need one."""

    assert e164("+380671112233", region, "possible") == UKRAINIAN
    assert e164("0671112233", region, "possible") is None


def plainly_written(dice: random.Random, region: str) -> str:
    """A number of this region, right or a little wrong, in one of the usual spellings."""
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
    code, trunk = metadata.country_code, metadata.national_prefix or "0"
    example = (metadata.mobile and metadata.mobile.example_number) or "123456789"
    digits = dice.choice([example, "".join(dice.choices("0123456789", k=dice.randint(2, 15)))])
    prefix = dice.choice(
        ["", "+", "0", "8", "00", trunk, f"+{code}", f"{code}", f"+{code}{trunk}", f"(+{code})", f"{code}0"]
    )
    spelt = list(prefix + digits)
    for _ in range(dice.choice([0, 0, 1, 4])):
        spelt.insert(dice.randint(1, len(spelt)), dice.choice(" -()."))
    return "".join(spelt)


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_the_quick_way_agrees_with_the_library(region):
    """Where the quick way answers at all, libphonenumber answers the same, in every region."""
    dice = random.Random(region)
    spellings = [plainly_written(dice, region) for _ in range(60)]
    quick = {spelt: possible_e164(spelt, region) for spelt in spellings}
    answered = {spelt: number for spelt, number in quick.items() if number}

    assert answered == {spelt: by_library(spelt, region) for spelt in answered}


def by_library(spelt: str, region: str) -> str | None:
    try:
        number = phonenumbers.parse(spelt, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@pytest.mark.parametrize("spelt", ["+380671112233", "067 111 22 33", "380671112233", "+38 (067) 111-22-33"])
def test_the_quick_way_knows_the_usual_spellings(spelt):
    """It would be of no use if it left them to the library."""

    assert possible_e164(spelt, "UA") == UKRAINIAN


PIECES = st.sampled_from([*"0123456789+ ()-.,;#x*/~", "067", "380", "дод", "ext", "мама", ";phone-context="])


@pytest.mark.parametrize("written", ["0000000000", "00000000000", "+380000000000", "000-00-00"])
def test_nothing_but_zeros_is_no_number(written):
    """Somebody had to fill in a form."""
    assert e164(written, "UA", "possible") is None


@settings(deadline=None)
@given(st.one_of(st.text(), st.lists(PIECES).map("".join)), st.sampled_from(["UA", "US", "XX", None]))
def test_any_text_is_a_number_or_none(written, region):
    """Nothing raises, and what comes out needs no second look."""
    for check in ("possible", "valid"):
        number = e164(written, region, check)

        assert number is None or e164(number, None, check) == number
