"""Reading an answer: every status and body is one outcome."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.api.answer import excerpt, read_answer, reports_error, retry_after
from worker.api.outcome import Accepted, Failed, Refused, Throttled, Unauthorized, Unexpected, name

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
OUTCOMES = (Accepted, Failed, Refused, Throttled, Unauthorized, Unexpected)


def read(status: int, body: bytes = b"", **headers: str):
    return read_answer(status, headers, body, now=NOW)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 207, 299])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"OK",
        b"<html>error</html>",
        b"null",
        b"false",
        b"[]",
        b'["error"]',
        b'"error"',
        b"{}",
        b'{"success": true, "error": null, "errors": []}',
        b'{"error": "", "errors": {}, "status": "ok"}',
        b'{"success": 0}',
        b'{"success": null, "status": "Error"}',
        b'{"result": {"error": "inner"}}',
        b'{"broken": ',
        b'\xff\xfe{"error": 1}',
        b'{"note": "\xff"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
    ids=range(19),
)
def test_any_2xx_is_an_acceptance(status: int, body: bytes) -> None:
    """Unless its JSON object itself reports an error."""
    assert read(status, body) == Accepted(status)


@pytest.mark.parametrize("status", [200, 201, 204])
@pytest.mark.parametrize(
    "body",
    [
        b'{"error": "bad"}',
        b'{"error": {"code": 1}}',
        b'{"error": true}',
        b'{"errors": ["bad"]}',
        b'{"errors": {"0": "bad"}}',
        b'{"success": false}',
        b'{"status": "error"}',
        b' {"success": true, "errors": [1]} ',
    ],
)
def test_a_2xx_that_reports_an_error_is_a_refusal(status: int, body: bytes) -> None:
    """A truthy `error` or `errors`, `success: false`, `status: "error"`; the answer is kept for the dead letter."""
    assert read(status, body) == Refused(status, body.decode())


@pytest.mark.parametrize(
    "body",
    [
        b'\xef\xbb\xbf{"error": "with a BOM"}',
        rb'{"error": "cut inside an emoji \ud83d"}',
        '{"error": "Невірно"}'.encode("cp1251"),
        '{"error": "Невірно"}'.encode("utf-16"),
        b'{"error": 1e999}',
        b'{"error": NaN}',
    ],
    ids=range(6),
)
def test_json_that_is_loosely_written_reports_an_error_as_well(body: bytes) -> None:
    """What any reader would make out is no acceptance."""
    assert isinstance(read(200, body), Refused)


@pytest.mark.parametrize("status", [400, 413, 422])
def test_the_documents_are_at_fault(status: int) -> None:
    """400, 413 and 422 refuse; 413 says that it is a matter of size."""
    assert read(status, b"why") == Refused(status, "why", too_large=status == 413)


@pytest.mark.parametrize("status", [408, 425, 500, 501, 502, 503, 504, 520, 599])
def test_the_service_is_at_fault(status: int) -> None:
    """408, 425 and every 5xx are failures that pass; the API has answered, so it is known not to have accepted."""
    assert read(status, b'{"error": 1}') == Failed(f"http_{status}", unknown=False, status=status)


@pytest.mark.parametrize("status", [401, 403])
def test_the_key_is_wrong(status: int) -> None:
    """401 and 403 are about the project, not about its contacts."""
    assert read(status) == Unauthorized(status)


@pytest.mark.parametrize("status", [300, 301, 302, 304, 307, 308, 402, 404, 405, 409, 410, 415, 418, 426, 451, 499])
def test_any_other_3xx_or_4xx_is_unexpected(status: int) -> None:
    """The address or the API has changed; a redirect is not followed, as it would carry the key away."""
    assert read(status, b"", location="https://elsewhere.example/") == Unexpected(status)


def test_429_holds_the_project_back() -> None:
    """With or without a word on how long."""
    assert read(429) == Throttled(429, None)
    assert read(429, **{"retry-after": "7"}) == Throttled(429, 7.0)


def test_503_with_retry_after_holds_the_project_back() -> None:
    """It asks for time as a 429 does; without the header it is a failure like any other 5xx."""
    assert read(503, **{"retry-after": "7"}) == Throttled(503, 7.0)
    assert isinstance(read(503), Failed)


@pytest.mark.parametrize("status", [200, 400, 500, 502])
def test_retry_after_counts_on_429_and_503_only(status: int) -> None:
    """Elsewhere it is no request to hold back."""
    assert not isinstance(read(status, **{"retry-after": "7"}), Throttled)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("0", 0),
        ("0.2", 0.2),
        ("7", 7),
        (" 7 ", 7),
        ("2.5", 2.5),
        ("-3", None),
        ("1_0", None),
        ("86401", 86_400),
        ("999999999", 86_400),
        ("Tue, 24 Nov 2026 12:00:30 GMT", 30),
        ("Tue, 24 Nov 2026 12:00:30 -0000", 30),
        ("Tue, 24 Nov 2026 14:00:30 +0200", 30),
        ("Tuesday, 24-Nov-26 12:00:30 GMT", 30),
        ("Tue Nov 24 12:00:30 2026", 30),
        ("Tue, 24 Nov 2020 12:00:30 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("7s", None),
        ("9" * 5000, None),
        ("Tue, 24 Nov 2026 12:00:30 +99999999999999999999", None),
        ("Tue, 99 Nov 2026 12:00:30 GMT", None),
    ],
    ids=str,
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    """Both forms, from nothing to a day; what is neither is no wish to obey."""
    assert retry_after(value, now=NOW) == seconds


@given(st.integers(0, 86_400))
def test_a_date_says_as_much_as_seconds(seconds: int) -> None:
    """A date so far ahead is worth as many seconds."""
    moment = datetime.fromtimestamp(NOW.timestamp() + seconds, UTC)

    assert retry_after(format_datetime(moment, usegmt=True), now=NOW) == seconds


@given(st.text() | st.from_regex(r"\w{3}, \d+ Nov \d+ \d+:\d+:\d+ [+-]\d+", fullmatch=True))
def test_no_retry_after_is_too_strange(value: str) -> None:
    """Whatever stands there, what comes out is between 0 and a day, or nothing."""
    seconds = retry_after(value, now=NOW)

    assert seconds is None or 0 <= seconds <= 86_400


@given(st.integers(200, 599), st.binary() | st.recursive(st.none(), st.lists).map(repr).map(str.encode))
def test_every_answer_has_an_outcome(status: int, body: bytes) -> None:
    """No status and no body makes reading raise."""
    assert isinstance(read(status, body), OUTCOMES)


def test_an_excerpt_fits_into_postgresql() -> None:
    """Bounded text without NUL and without broken characters, whatever the body holds."""
    text = excerpt(b"a\x00b\xff" + "ї".encode() * 5000)

    assert text.startswith("a\ufffdb\ufffdї")
    assert len(text.encode()) <= 3 * 4096
    assert "\x00" not in text


def test_a_deep_body_reports_no_error() -> None:
    """A body nested beyond all measure is no JSON that anybody could read."""
    assert not reports_error(b'{"error":' * 50_000)


@pytest.mark.parametrize(
    ("outcome", "word"),
    [
        (Accepted(200), "accepted"),
        (Refused(422, ""), "refused"),
        (Failed("http_500", unknown=False, status=500), "failed"),
        (Failed("timeout", unknown=True), "unknown"),
        (Throttled(429, None), "throttled"),
        (Unauthorized(401), "unauthorized"),
        (Unexpected(404), "unexpected"),
    ],
)
def test_every_outcome_has_a_word(outcome, word: str) -> None:
    """A failure after which the API may have processed the request is called by what it is: unknown."""
    assert name(outcome) == word


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        ("Tue, 24 Nov 2026 12:00:30 GMT", "Tue, 24 Nov 2026 12:00:00 GMT", 30),
        ("Tue, 24 Nov 2026 09:00:30 GMT", "Tue, 24 Nov 2026 09:00:00 GMT", 30),
        ("Thu, 24 Nov 2033 12:02:00 GMT", "Thu, 24 Nov 2033 12:00:00 GMT", 120),
        ("Tue, 24 Nov 2026 15:00:10 +0300", "Tue, 24 Nov 2026 12:00:00 GMT", 10),
        ("Mon, 23 Nov 2026 12:00:00 GMT", "Mon, 23 Nov 2026 12:00:00 GMT", 0),
        ("Tue, 24 Nov 2026 11:59:00 GMT", "Tue, 24 Nov 2026 12:00:00 GMT", 0),
        ("Tue, 24 Nov 2026 15:00:00 GMT", "Tue, 24 Nov 2026 15:00:01 GMT", 0),
        ("Tue, 24 Nov 2026 12:00:30 GMT", None, 30),
        ("Tue, 24 Nov 2026 12:00:30 GMT", "", 30),
        ("Tue, 24 Nov 2026 12:00:30 GMT", "yesterday", 30),
        ("Tue, 24 Nov 2026 12:00:30 GMT", "Tue, 99 Nov 2026 12:00:00 GMT", 30),
        ("Tue, 24 Nov 2026 12:00:30 GMT", "Thu, 01 Jan 1970 00:00:07 GMT", 30),
        ("Tue, 24 Nov 2026 12:00:30 GMT", "Sat, 01 Jan 2050 00:00:00 GMT", 30),
        ("7", "Thu, 01 Jan 1970 00:00:07 GMT", 7),
    ],
)
def test_a_date_is_held_against_the_answers_own(value: str, date: str | None, seconds: float) -> None:
    """Our clock may be wrong by hours; it counts where the answer has no date, or one that makes no sense beside the other."""
    assert retry_after(value, now=NOW, date=date) == seconds


def test_the_answers_own_date_is_its_date_header() -> None:
    """Whose clock is three hours behind ours."""
    headers = {"retry-after": "Tue, 24 Nov 2026 09:00:30 GMT", "date": "Tue, 24 Nov 2026 09:00:00 GMT"}

    assert read(429, **headers) == Throttled(429, 30.0)


@given(st.integers(200, 999), st.dictionaries(st.sampled_from(["retry-after", "date", "x"]), st.text()), st.binary())
def test_no_header_is_too_strange(status: int, headers: dict[str, str], body: bytes) -> None:
    """Any status, headers and body are an outcome."""
    assert isinstance(read(status, body, **headers), OUTCOMES)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("dns", "DNS"),
        ("refused", "firewall"),
        ("certificate_expired", "clock"),
        ("certificate_untrusted", "SSL_CERT_FILE"),
        ("certificate_hostname", "RINGOSTAT_BASE_URL"),
        ("proxy_refused", "The proxy's host refuses the connection: check HTTPS_PROXY"),
        ("proxy_certificate_untrusted", "The proxy's certificate"),
        ("proxy_407", "password"),
        ("proxy_502", "502"),
        ("http_503", "503"),
        ("connect_timeout", "HTTPS_PROXY"),
        ("read_timeout", "RINGOSTAT_TIMEOUT"),
        ("anything_else", "RINGOSTAT_BASE_URL"),
    ],
)
def test_every_failure_has_a_sentence_that_says_what_to_do(kind: str, words: str) -> None:
    """One, with a full stop."""
    sentence = Failed(kind, unknown=False).sentence

    assert words in sentence
    assert sentence.endswith(".")
    assert ". " not in sentence
    assert "{" not in sentence
