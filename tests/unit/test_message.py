"""The API's words in an answer, without what they say of a person."""

from __future__ import annotations

import json

import pytest

from worker.operate.message import cause, message

DOCUMENT = json.dumps(
    {
        "projectId": 106,
        "fullName": "Оксана Іваненко",
        "externalId": "815",
        "contactDirections": [{"type": "phone", "name": "work", "value": "+380671112233"}],
    }
)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ('{"message": "contactDirections must not be empty"}', "contactDirections must not be empty"),
        ('{"error": {"message": "too many organizations"}}', "too many organizations"),
        ('{"errors": ["origin is unknown", "second"]}', "origin is unknown"),
        ('{"errors": [{"detail": "leadLink is too long"}]}', "leadLink is too long"),
        ('{"code": 7}', None),
        ("<html>no</html>", None),
        ("", None),
        (None, None),
        ('{"message": "phone +380 67 111 22 33 is not valid"}', None),
        ('{"message": "іваненко is no name"}', None),
        ('{"message": "mail of a@example.com"}', None),
        ('{"message": "   "}', None),
    ],
)
def test_words_without_personal_data(answer: str | None, words: str | None) -> None:
    """A number, an address or a word of the document in them, and none are shown."""
    assert message(answer, DOCUMENT) == words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("contact 17 is refused", "contact 4711 is refused"),
        ("value 'a' of field \"b\"", "value 'c' of field \"d\""),
        ("key «x» is unknown", "key «yy» is unknown"),
    ],
)
def test_causes_are_alike_but_for_ids_and_values(one: str, other: str) -> None:
    """So that hundreds of dead letters are a few lines."""
    assert cause(one) == cause(other)
