"""Any text in any field: what is built passes the API's own rules to the letter, what is not says why in a line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models import LONGEST_KEY
from worker.config.model import Defaults, Identity, Method, Source
from worker.document.build import Built, Invalid, build
from worker.document.values import Unparsed, blank
from worker.document.wire import envelope
from worker.local.sandbox.rules import decide

SOURCES = {method: Source("s", method, Identity.EXTERNAL_ID, 106, "") for method in Method}
DEFAULTS = Defaults(origin="CRM", region="UA", responsible="1")
HEADERS = {"auth-key": "key", "x-project-id": "106", "content-type": "application/json"}
SOUND = {"type": "phone", "name": "work", "value": "0671234567"}
FIELDS = {
    Method.ORGANIZATIONS: ["name", "externalId", "origin"],
    Method.CONTACTS: [
        "fullName",
        "origin",
        "externalId",
        "leadId",
        "responsible",
        "staffId",
        "contactLink",
        "leadLink",
        "dealLink",
        "googleClientId",
    ],
}
PLACES = [(method, field) for method, fields in FIELDS.items() for field in fields]
# Hypothesis leaves lone surrogates out of its plain text.
TEXTS = st.text(st.characters(codec=None)) | st.text(st.sampled_from("\0\ud800\u202e\ufeff\\\"'% \t\n😀"))


def row(method: Method, **columns: object) -> dict[str, object]:
    sound = {"name": "N"} if method is Method.ORGANIZATIONS else {"fullName": "N", "contactDirections": [SOUND]}
    return {**sound, **columns}


def made(method: Method, **columns: object) -> Built | Invalid:
    return build(row(method, **columns), key="1", source=SOURCES[method], defaults=DEFAULTS)


def accepted(method: Method, document: Built) -> dict[str, Any]:
    """The document as the API reads it, which must have nothing to say against it."""
    body = envelope(method, [document.body])
    verdict = decide(method, HEADERS, body)
    assert verdict.refusal is None, verdict.refusal
    return json.loads(body.decode("utf-8"))[method.value][0]  # type: ignore[no-any-return]


@settings(deadline=None)
@given(place=st.sampled_from(PLACES), text=TEXTS)
@example(place=(Method.CONTACTS, "fullName"), text="я" * 1_000_000)
@example(place=(Method.CONTACTS, "leadId"), text="7" * (LONGEST_KEY + 1))
def test_any_text_in_any_field(place: tuple[Method, str], text: str) -> None:
    """It arrives to the letter, a blank as the default; or one line names the field and quotes nothing."""
    method, field = place
    document = made(method, **{field: text})

    if isinstance(document, Built):
        sent = accepted(method, document)[field]
        assert sent == text or (blank(text) and sent in {"CRM", "1", None})
    else:
        assert document.reason == "invalid"
        assert document.detail in {
            f"{field} must not be null or blank.",
            f"{field} must hold neither a NUL character nor a lone surrogate.",
            f"{field} must have at most {LONGEST_KEY} characters.",
        }


@settings(deadline=None)
@given(
    kind=st.sampled_from(["phone", "email"]) | TEXTS,
    name=TEXTS,
    value=TEXTS | st.sampled_from(["+44 20 7946 0958", "ім'я@приклад.укр"]),
)
def test_any_text_in_a_direction(kind: str, name: str, value: str) -> None:
    """It is sent as the API wants it or dropped and counted, and never takes the sound one beside it along."""
    direction = {"type": kind, "name": name, "value": value}
    document = made(Method.CONTACTS, contactDirections=[direction, SOUND])
    assert isinstance(document, Built)
    sent = accepted(Method.CONTACTS, document)["contactDirections"]

    assert sent[-1]["value"] == "+380671234567"
    assert len(sent) + len(document.left_out) >= 2 or sent[0]["value"] == "+380671234567"


LEFT_OUT = "contactDirections must hold a valid number or address; left out:"
UNREADABLE = "no object with a type and a value"
NO_ARRAY = "contactDirections must be an array."
NONE_LEFT = "contactDirections must hold at least one number or address."


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("null", NONE_LEFT),
        ("[]", NONE_LEFT),
        ("", NONE_LEFT),
        ("{}", NO_ARRAY),
        ('{"type": "phone"}', NO_ARRAY),
        ('"0671234567"', NO_ARRAY),
        ("380671234567", NO_ARRAY),
        ("true", NO_ARRAY),
        ("0671234567", "contactDirections must be an array in JSON."),
        ("[" * 100_000, "contactDirections must be an array in JSON."),
        ("[[]]", f"{LEFT_OUT} 1 ({UNREADABLE}: 1)."),
        ("[null, 1, true, [], {}]", f"{LEFT_OUT} 5 ({UNREADABLE}: 5)."),
        (
            '[[{"type": "phone", "value": "0671234567"}]]',
            f"{LEFT_OUT} 1 ({UNREADABLE}: 1).",
        ),
        (
            '[{"type": "phone"}, {"value": "1"}]',
            f"{LEFT_OUT} 2 ({UNREADABLE}: 1, the type is neither phone nor email: 1).",
        ),
        ('[{"type": ["phone"], "value": {}}]', f"{LEFT_OUT} 1 ({UNREADABLE}: 1)."),
        ('[{"type": "phone", "value": 1e999}]', f"{LEFT_OUT} 1 ({UNREADABLE}: 1)."),
        (Unparsed(), "contactDirections must be JSON that is nested less deeply, or has shorter numbers, to be read."),
    ],
    ids=lambda value: str(value)[:20],
)
def test_directions_that_are_none(written: object, line: str) -> None:
    """What is no array, and what holds nobody's number, each has its line."""
    document = made(Method.CONTACTS, contactDirections=written)

    assert isinstance(document, Invalid)
    assert document.detail == line


def test_ten_thousand_directions_are_sent_in_order() -> None:
    """How many a contact may have, the API does not say."""
    numbers = [{"type": "phone", "value": f"+38067{number:07}"} for number in range(10_000)]
    document = made(Method.CONTACTS, contactDirections=numbers)

    assert isinstance(document, Built)
    assert [one["value"] for one in accepted(Method.CONTACTS, document)["contactDirections"]] == [
        one["value"] for one in numbers
    ]
