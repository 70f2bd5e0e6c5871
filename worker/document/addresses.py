"""E-mail addresses: checked by syntax alone, written in one way."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import NamedTuple

import email_validator
from email_validator import EmailNotValidError, validate_email

from worker.document.left_out import Why
from worker.document.values import without_invisible

# A contact book may hold addresses of an intranet or a test bench. Emptying this list is the library's own,
# documented way to accept special-use domains (.local, .test, .invalid); no argument does it.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()

_MOST_CHARACTERS = 254  # RFC 5321, 4.5.3.1.3; the library's limit too, but it looks last
_LONGEST_FIELD = 2000
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NUMBER = r"(?:[0-9]+|0x[0-9a-f]*)"
_PLAIN = re.compile(
    rf"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@(?!.*--){_LABEL}(?:\.{_LABEL})*\.(?!{_NUMBER}\Z){_LABEL}", re.ASCII
)
# What people write before an address, and between two of them.
_LABELS = re.compile(
    r"\b(?:mailto|e-?mail|mail|пошта|почта|ел\.? ?пошта|эл\.? ?почта|адреса|адрес)\s*[:=]\s*", re.IGNORECASE
)
_REMARK = re.compile(r"\([^()@]*\)|\[[^\[\]@]*\]")
_WITH_A_NAME = re.compile(r"(^|[;,|\n])(?:\s*\"[^\"@]*\"\s*|[^<>@;,|\n]*)<\s*([^<>\s]+)\s*>")
_SUBJECT = re.compile(r"(?<=\w)\?(?:subject|body|cc|bcc)=\S*", re.IGNORECASE)
_BETWEEN = re.compile(r"[\s;,|<>]+|/(?=[^/]*@)")
_JOINERS = frozenset(
    ["або", "чи", "та", "і", "й", "или", "и", "or", "and", "oder", "und", "lub", "i", "oraz", "&", "+"]
)
_AROUND = ".:;,'\"«»“”()[]{}"


class Found(NamedTuple):
    """The addresses of a field in their normal form, and why others were left out."""

    addresses: tuple[str, ...]
    left_out: tuple[Why, ...]


def addresses_in(written: str) -> Found:
    """The e-mail addresses that a field holds, parted by blanks, commas and the like.

    Words that are no address make what stands beside them doubtful: then there is none.
    A field without any address has a reason.
    """
    whole = normalized(written)
    if whole is not None:
        return Found((whole,), ())
    text = html.unescape(written) if "&" in written else written
    if len(text) > _LONGEST_FIELD or "@" not in text:
        return Found((), (Why.NO_ADDRESS,))
    return _several(_parts(text))


def _parts(text: str) -> list[str]:
    text = _LABELS.sub(" ", _WITH_A_NAME.sub(r"\1 \2 ", _REMARK.sub(" ", _SUBJECT.sub(" ", text))))
    parts = (part.strip(_AROUND) for part in _BETWEEN.split(text))
    return [part for part in parts if part and part.lower() not in _JOINERS]


def _several(parts: Sequence[str]) -> Found:
    if not parts or not all("@" in part for part in parts):
        return Found((), (Why.NO_ADDRESS,))
    found = [normalized(part) for part in parts]
    addresses = tuple(dict.fromkeys(address for address in found if address))
    return Found(addresses, (Why.NO_ADDRESS,) * found.count(None))


def normalized(written: str) -> str | None:
    """The address in its normal form (domain in lower case, NFC), or None if its syntax is wrong.

    Invisible format characters and outer whitespace are cut. A domain in Punycode comes back in letters. One of
    a single label, or an IP address instead of a domain, is no address.
    """
    address = without_invisible(written).strip()
    if len(address) > _MOST_CHARACTERS:
        return None
    return address if _is_plain(address) else _by_library(address)


def _is_plain(address: str) -> bool:
    # Most addresses; the library would return them as they are (a property test holds the two together),
    # but takes 50 microseconds to say so.
    return _PLAIN.fullmatch(address) is not None


def _by_library(address: str) -> str | None:
    try:
        found = validate_email(address, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        return None
    return found.normalized if _is_domain(found.ascii_domain) else None


def _is_domain(name: str) -> bool:
    # Where the last label is a number, browsers and mail servers read an IP address.
    labels = name.split(".")
    return len(labels) > 1 and not re.fullmatch(_NUMBER, labels[-1])
