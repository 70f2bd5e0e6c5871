"""Inventing people, companies, numbers and addresses, in the many ways in which people write them down."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from worker.local.demo import names

_LATIN = str.maketrans(
    dict(zip("абвгґдезиіїйклмнопрстуф", "abvhgdezyiiiklmnoprstuf", strict=True))
    | {"є": "ie", "ж": "zh", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ю": "iu", "я": "ia"}
    | {"'": None, "ь": None}
)
_MAIL_HOSTS = ("example.com", "example.net", "example.org")  # nobody's: RFC 2606


class Person(NamedTuple):
    """A name in its parts; not everybody tells all of them."""

    last_name: str | None
    first_name: str | None
    patronymic: str | None


def person(dice: Random) -> Person:
    """Somebody new. A patronymic is known of every third."""
    man = dice.random() < 0.5
    return Person(
        last_name=dice.choice(names.SURNAMES)[man],
        first_name=dice.choice(names.MALE_NAMES if man else names.FEMALE_NAMES),
        patronymic=dice.choice(names.PATRONYMICS)[man] if dice.random() < 0.3 else None,
    )


def surname_for(first_name: str | None, dice: Random) -> str:
    """A surname that goes with a first name."""
    return dice.choice(names.SURNAMES)[first_name in names.MALE_NAMES]


def company(dice: Random) -> str:
    """A company's name, with the quotes that people put there."""
    if dice.random() < 0.2:
        owner = person(dice)
        return f"ФОП {owner.last_name} {dice.choice(names.MALE_NAMES)[0]}. {dice.choice(names.MALE_NAMES)[0]}."
    name = f"{dice.choice(names.COMPANY_WORDS)}-{dice.choice(names.COMPANY_TRADES)}"
    return f"{dice.choice(('ТОВ', 'ТОВ', 'ПП'))} «{name}»"


def mobile(dice: Random) -> str:
    """A mobile number as somebody typed it, at times with a remark."""
    number = spelt(digits(names.MOBILE_CODES, dice), dice)
    return f"{number} ({dice.choice(names.REMARKS)})" if dice.random() < 0.06 else number


def landline(dice: Random) -> str:
    """An office's number, at times with an extension."""
    number = spelt(digits(names.CITY_CODES, dice), dice)
    if dice.random() < 0.6:
        return number
    return f"{number} {dice.choice(('дод.', 'доб.', 'ext.'))} {dice.randint(10, 99)}"


def digits(codes: tuple[str, ...], dice: Random) -> str:
    """Nine digits: a code and a number that begins with 00, by which one sees that it is made up."""
    return f"{dice.choice(codes)}00{dice.randrange(100_000):05}"


def spelt(nine: str, dice: Random) -> str:
    """A number of nine digits (without country code and 0) in one of the ways in which people write it."""
    spelling = dice.choice(names.SPELLINGS)
    return spelling.replace("#", "{}").format(*nine)


def email(last_name: str | None, first_name: str | None, dice: Random) -> str:
    """An address that goes with a name, at a host that belongs to nobody."""
    who = ".".join(latin(part) for part in (first_name, last_name) if part) or "office"
    return f"{who}{dice.choice(('', '', dice.randint(1, 99)))}@{dice.choice(_MAIL_HOSTS)}"


def latin(word: str) -> str:
    """A Ukrainian word in Latin letters."""
    return word.lower().translate(_LATIN)


def google_client_id(dice: Random) -> str:
    """What Google Analytics calls a visitor."""
    return f"{dice.randrange(10**8, 10**9)}.{dice.randrange(16 * 10**8, 17 * 10**8)}"
