"""From the CRM's values to the API's: numbers become strings, blanks become null or the default."""

from __future__ import annotations

import json
import re
import unicodedata
from datetime import date, time
from decimal import Decimal
from functools import lru_cache
from typing import Any, NoReturn, TypeVar
from uuid import UUID

from models.states import LONGEST_KEY
from worker.errors import SyncError

T = TypeVar("T", str, str | None)

# PostgreSQL's text and jsonb hold neither, no JSON reader has to accept the latter, and neither can be shown.
_UNSENDABLE = re.compile("[\0\ud800-\udfff]")
# Unicode's Default_Ignorable_Code_Point, and two more that are shown as nothing: the blank of Braille, the null notehead.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_FILLERS = "\u115f\u1160\u3164\uffa0"  # letters of Hangul that are not shown
# No id is longer; without a limit 1e131071 would be written out, and Python refuses integers of over 4,300.
_MOST_DIGITS = 1000
_TOO_LARGE = 10**_MOST_DIGITS


class InvalidFieldError(SyncError):
    """A field breaks the API's rules; the text names the field and the rule, never the value."""


class Unparsed:
    """Stands for JSON that Python does not read: nested too deeply, or with a number of more than 4,300 digits."""


def text(value: object, field: str) -> str | None:
    """A CRM value as the string that the API wants; None stays None.

    Whole numbers come without ".0", no number with an exponent. Raises `InvalidFieldError` for what is
    no single value (an object, an array, bytes) or no number (NaN, infinity).
    """
    if value is None or type(value) is str:
        return value
    if isinstance(value, (str, UUID)):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float, Decimal)):
        return _number(value, field)
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, Unparsed):
        raise _unreadable(field)
    raise InvalidFieldError(f"{field} must be text or a number, not {type(value).__name__}.")


def _unreadable(field: str) -> InvalidFieldError:
    return InvalidFieldError(f"{field} must be JSON that is nested less deeply, or has shorter numbers, to be read.")


def _number(value: int | float | Decimal, field: str) -> str:
    if isinstance(value, int):
        return str(value) if abs(value) < _TOO_LARGE else _too_long(field)
    # A float goes by its shortest spelling, which is what the CRM shows: 1e23 is a one and 23 zeros.
    number = Decimal(repr(value)) if isinstance(value, float) else value
    if not number.is_finite():
        raise InvalidFieldError(f"{field} must be a finite number.")
    if abs(number.adjusted()) >= _MOST_DIGITS:
        return _too_long(field)
    plain = f"{number:f}"
    whole, _, fraction = plain.partition(".")
    return plain if fraction.strip("0") else whole


def _too_long(field: str) -> NoReturn:
    raise InvalidFieldError(f"{field} must be a number of at most {_MOST_DIGITS} digits.")


def blank(value: str | None) -> bool:
    """Whether there is nothing to see: null, empty, or only blanks, control characters and others without a shape."""
    # Most texts begin with a letter; that is all that is asked of them.
    return not value or not ((value[0].isalnum() and value[0] not in _FILLERS) or any(map(_can_be_seen, value)))


@lru_cache(maxsize=4096)
def _can_be_seen(character: str) -> bool:
    category = unicodedata.category(character)
    # Marks alone have nothing to stand on. What Unicode has assigned since our tables were made may be seen.
    return category[0] not in "ZM" and category != "Cc" and not is_invisible(character)


@lru_cache(maxsize=4096)
def is_invisible(character: str) -> bool:
    """Whether it takes part in no word and is not shown: joiners, soft hyphens, marks of direction, fillers, selectors."""
    return _INVISIBLE.match(character) is not None or unicodedata.category(character) == "Cf"


def sendable(value: str) -> bool:
    """Whether the string can go into JSON that everybody can read: no NUL, no lone surrogate."""
    if value.isascii():
        return "\0" not in value
    return _UNSENDABLE.search(value) is None


def without_unsendable(value: str) -> str:
    """The string with U+FFFD for what `sendable` objects to."""
    return _UNSENDABLE.sub("\N{REPLACEMENT CHARACTER}", value)


def without_invisible(written: str) -> str:
    """The text without direction marks, soft hyphens, zero widths and the like."""
    if written.isascii():
        return written
    return "".join(character for character in written if not is_invisible(character))


def optional(value: object, field: str) -> str | None:
    """A nullable field: its text exactly as it is, or None if it is blank."""
    if value is None:
        return None
    written = value if type(value) is str else text(value, field)
    # Most texts: nothing in them is hidden, and the first character is one to be seen.
    if written and written.isprintable() and written[0].isalnum() and written[0] not in _FILLERS:
        return written
    if written is None or blank(written):
        return None
    if not sendable(written):
        raise InvalidFieldError(f"{field} must hold neither a NUL character nor a lone surrogate.")
    return written


def required(value: object, field: str, default: str | None = None) -> str:
    """A field that may not be null: its text, else the default, else `InvalidFieldError`."""
    written = optional(value, field) or optional(default, field)
    if written is None:
        raise InvalidFieldError(f"{field} must not be null or blank.")
    return written


def wire_id(value: T, field: str) -> T:
    """An id under which the API knows the document, as it is, or `InvalidFieldError` if it is too long to be held."""
    if value is not None and len(value) > LONGEST_KEY:
        raise InvalidFieldError(f"{field} must have at most {LONGEST_KEY} characters.")
    return value


def project_id(value: object, field: str, project: int) -> int:
    """The project's id, which a row may repeat but not contradict."""
    written = text(value, field)
    if written is not None and not blank(written) and written.strip() != str(project):
        raise InvalidFieldError(f"{field} must be the project of the source.")
    return project


def array(value: object, field: str) -> list[Any] | None:
    """A json column, parsed or still text; None if it is null or blank."""
    if isinstance(value, str):
        value = _parsed(value, field)
    if value is None:
        return None
    if isinstance(value, Unparsed):
        raise _unreadable(field)
    if not isinstance(value, (list, tuple)):
        raise InvalidFieldError(f"{field} must be an array.")
    return list(value)


def _parsed(value: str, field: str) -> object:
    if blank(value):
        return None
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise InvalidFieldError(f"{field} must be an array in JSON.") from error
