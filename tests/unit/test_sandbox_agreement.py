"""The sandbox's quick look at a body and its long way over it come to the same."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.sandbox_bodies import HEADERS, PHONE, PROJECT, contact, organization
from worker.config.model import Method
from worker.local.sandbox.rules import decide
from worker.local.sandbox.violations import violations

TEXTS = ["", " ", "text", "+380501112233", "a@b", "a@b@c"]
VALUES = st.sampled_from([*TEXTS, None, 5, 106, 106.0, True, [], {}, [PHONE], [organization()], ["text"]])


def damage(draw: st.DrawFn, target: dict[str, Any]) -> None:
    """One key of an object holds something else, or is gone, or is new; or all is well."""
    what = draw(st.sampled_from(["well", "well", "other", "gone"]))
    key = draw(st.sampled_from([*target, "new"]))
    if what == "other":
        target[key] = draw(VALUES)
    if what == "gone":
        target.pop(key, None)


@st.composite
def contacts(draw: st.DrawFn) -> dict[str, Any]:
    """A contact that may be damaged: in a direction, in an organization, and in itself."""
    ids = st.sampled_from([None, "", "1", "2"])
    entry = deepcopy(contact(draw(ids), draw(ids), organizations=[organization()]))
    damage(draw, entry["contactDirections"][draw(st.integers(0, 1))])
    damage(draw, entry["organizations"][0])
    damage(draw, entry)
    return entry


@settings(max_examples=500, deadline=None)
@given(st.lists(contacts(), max_size=3))
def test_what_is_refused_has_a_violation_to_tell_of(entries: list[dict[str, Any]]) -> None:
    """A body is refused if the long way finds something, and only then."""
    body = json.dumps({"contacts": entries}).encode()

    refused = decide(Method.CONTACTS, HEADERS, body).refusal is not None

    assert bool(violations(Method.CONTACTS, PROJECT, msgspec.json.decode(body))) is refused
