"""Reading an answer: status, headers and body become an outcome. Pure; the clock comes in."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from worker.api.outcome import Accepted, Failed, Outcome, Refused, Throttled, Unauthorized, Unexpected

REFUSALS = {400, 413, 422}
FAILURES = {408, 425}
LONGEST_RETRY_AFTER = 24 * 3600.0
JUST_OVER = 60.0
"""Seconds by which the end of a wait may lie before the answer's `Date`: it is over, and the two go together."""
_SECONDS = re.compile(r"\s*\d+(\.\d+)?\s*", re.ASCII)
KEPT_OF_AN_ANSWER = 4096


def read_answer(status: int, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Outcome:
    """The outcome of a whole answer, by the rules of the API's contract (2xx, and what its body says; 4xx; 5xx)."""
    if 200 <= status < 300:
        return Refused(status, excerpt(body)) if reports_error(body) else Accepted(status)
    if status in REFUSALS:
        return Refused(status, excerpt(body), too_large=status == 413)
    if status == 429 or (status == 503 and "retry-after" in headers):
        return Throttled(status, retry_after(headers.get("retry-after"), now=now, date=headers.get("date")))
    if status in FAILURES or status >= 500:
        return Failed(f"http_{status}", unknown=False, status=status)
    if status in {401, 403}:
        return Unauthorized(status)
    return Unexpected(status)


def reports_error(body: bytes) -> bool:
    """Whether a 2xx body itself reports an error. A body that is no JSON object reports none."""
    answer = _read_json(body)
    if not isinstance(answer, dict):
        return False
    return bool(
        answer.get("error") or answer.get("errors") or answer.get("success") is False or answer.get("status") == "error"
    )


def _read_json(body: bytes) -> Any:
    """The body, however loosely it is written: a BOM, a lone surrogate, another encoding. None for what is no JSON at all."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    for written in (body, body.decode("utf-8", "replace")):
        try:
            return json.loads(written)
        except (ValueError, RecursionError):
            continue
    return None


def retry_after(value: str | None, *, now: datetime, date: str | None = None) -> float | None:
    """Seconds of a `Retry-After` header (seconds or a date, RFC 9110 10.2.3), from 0 to a day; None if there is none to obey.

    `date`: the answer's `Date` header. A date is held against that, the clock of those who wrote it; against `now`, our own clock,
    only if there is none, or none that goes with it.
    """
    if value is None:
        return None
    seconds = float(value) if _SECONDS.fullmatch(value) else _until(value, now=now, date=date)
    if not math.isfinite(seconds):
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


def excerpt(body: bytes) -> str:
    """The answer as an operator reads it: text, bounded, without what PostgreSQL's text can't hold."""
    return body[:KEPT_OF_AN_ANSWER].decode("utf-8", "replace").replace("\x00", "\ufffd")


def _until(value: str, *, now: datetime, date: str | None) -> float:
    end, written = _moment(value), _moment(date or "")
    if end is None:
        return math.nan
    waits = [end - begin for begin in (written, now.timestamp()) if begin is not None]
    return next((wait for wait in waits if -JUST_OVER <= wait <= LONGEST_RETRY_AFTER), waits[0])


def _moment(value: str) -> float | None:
    try:
        moment = parsedate_to_datetime(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
