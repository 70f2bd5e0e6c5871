"""E-mail addresses: checked by syntax alone, written in one way."""

from __future__ import annotations

import re

import email_validator
from email_validator import EmailNotValidError, validate_email

from worker.document.values import without_format_characters

# A contact book may hold addresses of an intranet or a test bench. Emptying this list is the library's own,
# documented way to accept special-use domains (.local, .test, .invalid); no argument does it.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()

_MOST_CHARACTERS = 254  # RFC 5321, 4.5.3.1.3; the library's limit too, but it looks last
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_PLAIN = re.compile(rf"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@(?!.*--){_LABEL}(?:\.{_LABEL})*", re.ASCII)


def normalized(written: str) -> str | None:
    """The address in its normal form (domain in lower case, NFC), or None where its syntax is wrong.

    Invisible format characters and outer whitespace are cut. A domain in Punycode comes back in letters.
    """
    address = without_format_characters(written).strip()
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
    return found.normalized
