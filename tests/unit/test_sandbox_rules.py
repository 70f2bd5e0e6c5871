"""The sandbox holds a request against every line of the API's tables."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.sandbox_bodies import EMAIL, HEADERS, PHONE, PROJECT, contact, organization
from worker.config.model import Method
from worker.local.sandbox.rules import Limits, Verdict, decide, project_of
from worker.local.sandbox.violations import MOST
from worker.local.sandbox.wire import document

SECRET = "Секретна Персона"
NULLABLE = ["staffId", "contactLink", "leadLink", "dealLink", "googleClientId"]


def decided(body: object, method: Method = Method.CONTACTS, **headers: str) -> Verdict:
    """The verdict over a JSON body."""
    return decide(method, HEADERS | headers, json.dumps(body).encode())


def found(body: object, method: Method = Method.CONTACTS) -> list[tuple[int | None, str, str]]:
    """What is wrong with a JSON body, which is refused with 422 in any case."""
    refusal = decided(body, method).refusal
    assert refusal is not None
    assert refusal.status == 422
    return [(one.index, one.field, one.message) for one in refusal.violations]


def fields(entry: dict[str, Any]) -> list[str]:
    """The fields that are wrong with one contact."""
    return [field for _, field, _ in found({"contacts": [entry]})]


def test_a_contact_by_the_tables_is_accepted() -> None:
    """A document with every key, as `api.md` has it, passes as it was posted."""
    posted = contact("1", "2", organizations=[organization()])

    verdict = decided({"contacts": [posted]})

    assert verdict.refusal is None
    assert verdict.posted is not None
    assert [document(entry) for entry in verdict.posted.entries] == [posted]
    assert verdict.ids == (("1", "2"),)


def test_an_organization_by_the_tables_is_accepted() -> None:
    """The second method takes exactly its four keys."""
    verdict = decided({"organizations": [organization("1"), organization("2")]}, Method.ORGANIZATIONS)

    assert verdict.refusal is None
    assert verdict.ids == (("1", None), ("2", None))


@pytest.mark.parametrize("key", contact())
def test_every_key_of_a_contact_must_be_there(key: str) -> None:
    """Null is a value; a key left out is not."""
    entry = contact()
    del entry[key]

    assert (0, key, "is missing") in found({"contacts": [entry]})


def test_no_other_key_may_be_there() -> None:
    """A key that the table does not know is refused."""
    assert fields(contact(email="x@example.com")) == ["email"]


@pytest.mark.parametrize("key", sorted(contact().keys() - {*NULLABLE, "externalId", "leadId", "organizations"}))
def test_what_may_not_be_null(key: str) -> None:
    """Null passes only where the table says so."""
    assert fields(contact(**{key: None})) == [key]


@pytest.mark.parametrize("key", NULLABLE)
def test_what_may_be_null_may_be_a_string_but_nothing_else(key: str) -> None:
    """Ids are strings on the wire, links are strings."""
    assert decided({"contacts": [contact(**{key: "text"})]}).refusal is None
    assert fields(contact(**{key: 5})) == [key]


@pytest.mark.parametrize("value", ["106", 106.0, True, 107, None])
def test_the_project_is_the_integer_of_the_header(value: object) -> None:
    """`projectId` equals `x-project-id`, and is no string, no float and no boolean."""
    assert fields(contact(projectId=value)) == ["projectId"]


@pytest.mark.parametrize("value", ["", "  ", "\u00a0"])
def test_a_name_is_not_blank(value: str) -> None:
    """A contact without a name helps nobody at the telephone."""
    assert fields(contact(fullName=value)) == ["fullName"]


@pytest.mark.parametrize(("external_id", "lead_id"), [(None, None), ("", None), (" ", ""), (None, " ")])
def test_one_of_the_two_ids_is_filled(external_id: object, lead_id: object) -> None:
    """A blank id is none."""
    assert fields(contact(external_id, lead_id)) == ["externalId"]


@pytest.mark.parametrize(("external_id", "lead_id"), [("1", None), (None, "2"), ("1", "2")])
def test_either_id_will_do(external_id: object, lead_id: object) -> None:
    """Each may be null where the other is filled."""
    assert decided({"contacts": [contact(external_id, lead_id)]}).refusal is None


def test_ids_are_strings() -> None:
    """Even where the CRM's are numbers."""
    assert fields(contact(1, "2")) == ["externalId"]


@pytest.mark.parametrize("value", [[], None, {}, "+380501112233"])
def test_there_is_at_least_one_direction(value: object) -> None:
    """`contactDirections` is an array that is not empty."""
    assert fields(contact(contactDirections=value)) == ["contactDirections"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"type": "fax"}, "type"),
        ({"type": None}, "type"),
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"value": " "}, "value"),
        ({"value": 380501112233}, "value"),
        ({"value": "0501112233"}, "value"),
        ({"value": "+0501112233"}, "value"),
        ({"value": "+380 50 111 22 33"}, "value"),
        ({"value": "+38050111223344556"}, "value"),
        ({"value": "+12345"}, "value"),
        ({"value": "+380501112233\n"}, "value"),
        ({"value": "+38050111223٣"}, "value"),
        ({"kind": "mobile"}, "kind"),
    ],
)
def test_what_a_phone_may_not_be(change: dict[str, object], field: str) -> None:
    """A phone is {type, name, value}, and its value E.164."""
    assert fields(contact(contactDirections=[EMAIL, PHONE | change])) == [f"contactDirections[1].{field}"]


@pytest.mark.parametrize("value", ["ivan", "a@b@c", "@example.com", "ivan@", "ivan @example.com", "ivan@x\n"])
def test_an_address_has_one_at_sign_with_something_around_it(value: str) -> None:
    """More about addresses only the mail server knows."""
    assert fields(contact(contactDirections=[EMAIL | {"value": value}])) == ["contactDirections[0].value"]


@pytest.mark.parametrize("key", organization())
def test_every_key_of_an_organization_must_be_there_and_filled(key: str) -> None:
    """None of the four may be missing or null, inside a contact either."""
    absent = organization()
    del absent[key]

    assert fields(contact(organizations=[absent])) == [f"organizations[0].{key}"]
    assert fields(contact(organizations=[organization(), organization(**{key: None})])) == [f"organizations[1].{key}"]
    assert found({"organizations": [absent]}, Method.ORGANIZATIONS) == [(0, key, "is missing")]


@pytest.mark.parametrize("value", [{}, "Ромашка", [None], [[]]])
def test_organizations_are_an_array_of_objects_or_null(value: object) -> None:
    """Nothing else can be read as organizations."""
    assert fields(contact(organizations=value))[0].startswith("organizations")


@pytest.mark.parametrize(
    ("first", "second", "field"),
    [
        (contact("1"), contact("1", "2"), "externalId"),
        (contact(None, "9"), contact("1", "9"), "leadId"),
    ],
)
def test_no_id_stands_twice_in_a_request(first: object, second: object, field: str) -> None:
    """Which of the two states would be the newer one?"""
    assert found({"contacts": [first, second]}) == [(1, field, "stands twice in this request")]


def test_the_two_ids_are_two_spaces() -> None:
    """An externalId and a leadId that read the same are two people's."""
    assert decided({"contacts": [contact("1", None), contact(None, "1")]}).refusal is None


@pytest.mark.parametrize("body", [[], None, "text", {}, {"contacts": {}}, {"contacts": []}, {"organizations": []}])
def test_a_body_lists_something_under_the_methods_name(body: object) -> None:
    """A request that sends nothing is a mistake."""
    assert found(body)


def test_a_body_holds_nothing_else() -> None:
    """One key is all that it has."""
    assert found({"contacts": [contact()], "dryRun": True}) == [(None, "dryRun", "is not a key of the API")]


@pytest.mark.parametrize("body", [b"", b"{", b'{"contacts": ["\xff"]}', b"[" * 100_000, b"\xef\xbb\xbf{}"])
def test_a_body_is_json(body: bytes) -> None:
    """Anything else is refused, however deep it is nested."""
    refusal = decide(Method.CONTACTS, HEADERS, body).refusal

    assert refusal is not None
    assert refusal.status == 422


@pytest.mark.parametrize("value", ["", "abc", "10.5", "-1", "٣"])
def test_x_project_id_is_an_integer(value: str) -> None:
    """Without it nobody knows whose contacts they are."""
    assert project_of({"x-project-id": value}) is None
    refusal = decided({"contacts": [contact()]}, **{"x-project-id": value}).refusal
    assert refusal is not None
    assert refusal.violations[0].field == "x-project-id"


@pytest.mark.parametrize(
    ("value", "fine"), [("text/plain", False), ("", False), ("application/json; charset=utf-8", True)]
)
def test_the_content_type_is_json(value: str, fine: bool) -> None:
    """With or without a charset."""
    assert (decided({"contacts": [contact()]}, **{"content-type": value}).refusal is None) is fine


@pytest.mark.parametrize(("key", "status"), [("", 401), (" ", 401), ("other", 401), ("right", None)])
def test_a_key_is_the_projects(key: str, status: int | None) -> None:
    """Where keys are known, no other will do."""
    body = json.dumps({"contacts": [contact()]}).encode()

    refusal = decide(Method.CONTACTS, HEADERS | {"auth-key": key}, body, {PROJECT: "right"}).refusal

    assert status == (None if refusal is None else refusal.status)


def test_without_keys_any_key_will_do_but_none_will_not() -> None:
    """The sandbox that `up` brings along knows no keys."""
    refusal = decided({"contacts": [contact()]}, **{"auth-key": ""}).refusal

    assert refusal is not None
    assert refusal.status == 401


@pytest.mark.parametrize(
    ("limits", "status"), [(Limits(bytes=10), 413), (Limits(entries=1), 413), (Limits(entries=2), None)]
)
def test_what_is_too_large_is_413(limits: Limits, status: int | None) -> None:
    """Bytes and entries may be limited."""
    body = json.dumps({"contacts": [contact("1"), contact("2")]}).encode()

    refusal = decide(Method.CONTACTS, HEADERS, body, limits=limits).refusal

    assert status == (None if refusal is None else refusal.status)


def test_a_refusal_names_no_value() -> None:
    """What is refused may be a real person."""
    entry = contact(
        SECRET,
        SECRET,
        projectId=SECRET,
        staffId=[SECRET],
        organizations=SECRET,
        contactDirections=[PHONE | {"value": SECRET}],
    )

    told = repr(decided({"contacts": [entry, entry]}).refusal)

    assert "Секретна" not in told


def test_a_refusal_tells_no_more_than_somebody_reads() -> None:
    """A thousand wrong contacts make no answer of a megabyte."""
    assert len(found({"contacts": [{} for _ in range(1000)]})) == MOST


def test_ids_are_read_from_what_is_refused_too() -> None:
    """The log says whose request it was."""
    assert decided({"contacts": [contact("1", "2", fullName=None), {"leadId": 5}, 7]}).ids == (("1", "2"), (None, None))
