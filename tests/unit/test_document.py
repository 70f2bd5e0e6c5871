"""From a row to a document: every rule of the API, and what happens where a row breaks one."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import blake2b
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.config.model import Defaults, Identity, Method, Source
from worker.document.build import Built, Invalid, build
from worker.document.left_out import LeftOut, Why
from worker.document.wire import envelope

CONTACTS = Source("contacts", Method.CONTACTS, Identity.EXTERNAL_ID, 106, "")
LEADS = Source("leads", Method.CONTACTS, Identity.LEAD_ID, 106, "")
COMPANIES = Source("companies", Method.ORGANIZATIONS, Identity.EXTERNAL_ID, 106, "")
DEFAULTS = Defaults(origin="My CRM", region="UA", responsible="1")

PHONE = {"type": "phone", "name": "mobile", "value": "067 111 22 33"}
EMAIL = {"type": "email", "name": "work", "value": "Ivan@Example.COM"}
ORGANIZATION = {"name": "Acme", "externalId": 5}

CONTACT_KEYS = [
    "projectId",
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
    "contactDirections",
    "organizations",
]
# Joiners, soft hyphens, marks of direction, fillers, selectors, controls, a mark without a letter.
NOTHING_TO_SEE = [
    "\u200b",
    "\u00ad",
    "\u200b\u200c\u200d\ufeff\u2060",
    "\u202e\u200f\u2066",
    "\u3164",
    "\u115f\u1160\uffa0",
    "\u2800\u2800",
    "\ufe0f\U000e0100",
    "\u180e",
    "\u034f",
    "\x01\x1f\x7f\x85",
    "\u0301",
    "\U000e0041",
    "\U0001d159",
    " \u3000 \u200b",
]
NULLABLE = ["staffId", "contactLink", "leadLink", "dealLink", "googleClientId"]


def row(**columns):
    return {"fullName": "Іван", "contactDirections": [PHONE]} | columns


def built(columns, *, key="42", source=CONTACTS, defaults=DEFAULTS) -> Built:
    made = build(columns, key=key, source=source, defaults=defaults)
    assert isinstance(made, Built), made
    return made


def document(columns, **how):
    return json.loads(built(columns, **how).body)


def invalid(columns, *, key="42", source=CONTACTS, defaults=DEFAULTS) -> Invalid:
    made = build(columns, key=key, source=source, defaults=defaults)
    assert isinstance(made, Invalid), made
    return made


class TestContact:
    def test_a_sparse_row_has_every_key_in_the_apis_order(self):
        """What the row leaves out is filled by the settings, the key, or null."""
        body = built(row()).body

        assert body.decode() == (
            '{"projectId":106,"fullName":"Іван","origin":"My CRM","externalId":"42","leadId":null,'
            '"responsible":"1","staffId":null,"contactLink":null,"leadLink":null,"dealLink":null,'
            '"googleClientId":null,"contactDirections":[{"type":"phone","name":"mobile",'
            '"value":"+380671112233"}],"organizations":null}'
        )

    def test_a_full_row_goes_out_as_it_is(self):
        """The CRM's own values win over the settings."""
        columns = {name: f"the {name}" for name in CONTACT_KEYS} | {
            "projectId": 106,
            "contactDirections": [PHONE],
            "organizations": [],
        }
        direction = {"type": "phone", "name": "mobile", "value": "+380671112233"}

        assert document(columns) == columns | {"contactDirections": [direction]}

    def test_columns_that_are_no_api_names_are_ignored(self):
        """`key`, `region` and whatever else the query returns stay at home."""

        assert built(row(key=7, region="UA", note=object())).body == built(row()).body

    def test_the_digest_is_of_the_body(self):
        """Equal documents have equal digests of 16 bytes."""
        made = built(row())

        assert made.digest == blake2b(made.body, digest_size=16).digest()

    @pytest.mark.parametrize("absent", [None, "", "  ", "\n\t\u00a0", *NOTHING_TO_SEE])
    def test_a_blank_is_a_null_or_the_default(self, absent):
        """What cannot be seen says nothing."""
        columns = row(**dict.fromkeys([*NULLABLE, "origin", "responsible", "externalId", "leadId"], absent))

        assert built(columns).body == built(row()).body

    @pytest.mark.parametrize("field", ["origin", "responsible"])
    def test_a_blank_without_a_default_is_invalid(self, field):
        """The API wants both."""
        answer = invalid(row(), defaults=Defaults(**{"origin": "x", "responsible": "y"} | {field: None}))

        assert (answer.reason, answer.detail) == ("invalid", f"{field} must not be null or blank.")

    @pytest.mark.parametrize("name", [None, "", " \t", *NOTHING_TO_SEE])
    def test_a_blank_name_is_invalid(self, name):
        """There is no default for a person's name, and a contact without a visible one is nobody."""

        assert invalid(row(fullName=name)).detail == "fullName must not be null or blank."

    @pytest.mark.parametrize("name", ["-", ".", "e\u0301", "\u200bІ", "\u3164김", "\U0001f600", "\u0378", "\ue000"])
    def test_a_name_with_something_to_see_is_none(self, name):
        """A mark on a letter, a sign, or a character younger than our tables can be read."""

        assert document(row(fullName=name))["fullName"] == name

    def test_a_name_is_not_touched(self):
        """Not trimmed, not normalised: names are never garbled."""
        name = "  Ольга  О'Коннор \u200d\t\U0001f600 e\u0301 "

        assert document(row(fullName=name))["fullName"] == name

    @pytest.mark.parametrize("project", [None, 106, "106", " 106 ", Decimal("106.0"), 106.0, ""])
    def test_the_project_may_be_repeated(self, project):
        """However it is written, the number goes out."""

        assert document(row(projectId=project))["projectId"] == 106

    @pytest.mark.parametrize("project", [107, "abc", True, [106]])
    def test_another_project_is_invalid(self, project):
        """The batch goes out under the source's project."""

        assert invalid(row(projectId=project)).detail.startswith("projectId must be")


class TestIds:
    def test_the_key_stands_in_for_the_id_that_it_is(self):
        """The other id stays null."""
        contact, lead = built(row()), built(row(), source=LEADS)

        assert (contact.external_id, contact.lead_id) == ("42", None)
        assert (lead.external_id, lead.lead_id) == (None, "42")

    def test_the_ids_of_the_query_win(self):
        """The key only fills a gap, and the document agrees with what is reported of it."""
        made = built(row(externalId=7, leadId="L1"))
        sent = json.loads(made.body)

        assert (made.external_id, made.lead_id) == (sent["externalId"], sent["leadId"]) == ("7", "L1")

    @pytest.mark.parametrize("field", ["externalId", "leadId"])
    def test_an_id_has_a_length_that_an_index_takes(self, field):
        """512 characters of any alphabet fit; ids on the way to the API stand in an index."""

        assert document(row(**{field: "ї" * 512}))[field] == "ї" * 512
        assert invalid(row(**{field: "7" * 513})).detail == f"{field} must have at most 512 characters."

    def test_the_key_fills_its_own_id_beside_the_other(self):
        """A leads query that also knows the contact's id sends both."""
        made = built(row(externalId="7"), source=LEADS)

        assert (made.external_id, made.lead_id) == ("7", "42")

    def test_a_blank_key_is_no_id(self):
        """At least one of the two has to be filled."""

        assert invalid(row(), key=" ").detail == "externalId must not be null or blank."


class TestValues:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (7, "7"),
            (-(2**70), "-1180591620717411303424"),
            (True, "true"),
            (False, "false"),
            (5.0, "5"),
            (1.5, "1.5"),
            (1e23, "100000000000000000000000"),
            (1e-7, "0.0000001"),
            (Decimal("5.00"), "5"),
            (Decimal("5.50"), "5.50"),
            (Decimal("1E+5"), "100000"),
            (Decimal("0E+5"), "0"),
            (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
            (date(2026, 2, 3), "2026-02-03"),
            (datetime(2026, 2, 3, 4, 5, tzinfo=UTC), "2026-02-03T04:05:00+00:00"),
        ],
    )
    def test_a_number_becomes_a_string(self, value, expected):
        """As a person would write it: no exponent, no `.0`."""

        assert document(row(staffId=value))["staffId"] == expected

    @pytest.mark.parametrize(
        "value",
        [
            {},
            [],
            ["x"],
            b"x",
            object(),
            float("nan"),
            float("inf"),
            Decimal("NaN"),
            Decimal("1e5000"),
            10**2000,
        ],
    )
    @pytest.mark.parametrize("field", ["staffId", "fullName", "externalId", "region"])
    def test_what_is_no_single_value_is_invalid(self, field, value):
        """An object where the API wants a string is a mistake in the mapping."""
        answer = invalid(row(**{field: value}))

        assert answer.reason == "invalid"
        assert answer.detail.startswith(f"{field} must be ")

    @pytest.mark.parametrize("bad", ["a\0b", "a\ud800b"])
    @pytest.mark.parametrize("field", ["fullName", "origin", "externalId", "contactLink", "googleClientId"])
    def test_a_string_that_json_cannot_carry_is_invalid(self, field, bad):
        """NUL and lone surrogates break readers on the other side; the field is named."""
        answer = invalid(row(**{field: bad}))

        assert answer.detail == f"{field} must hold neither a NUL character nor a lone surrogate."
        assert json.loads(answer.document or b"")[field] == "a\ufffdb"


class TestDirections:
    def test_they_are_normalised_in_order(self):
        """The order is the CRM's: the first number is the one to call."""
        sent = document(row(contactDirections=[EMAIL, PHONE]))["contactDirections"]

        assert sent == [
            {"type": "email", "name": "work", "value": "Ivan@example.com"},
            {"type": "phone", "name": "mobile", "value": "+380671112233"},
        ]

    @pytest.mark.parametrize(
        "broken",
        [
            None,
            "067 111 22 33",
            [],
            {},
            PHONE | {"type": "fax"},
            PHONE | {"type": None},
            PHONE | {"type": {}},
            PHONE | {"value": None},
            PHONE | {"value": " "},
            PHONE | {"value": "12"},
            PHONE | {"value": ["067 111 22 33"]},
            PHONE | {"value": "067 111 22 33\0"},
            PHONE | {"value": "067 111 22 33\udfff"},
            PHONE | {"name": "a\0"},
            PHONE | {"name": "a\ud800"},
            PHONE | {"name": {}},
            EMAIL | {"value": "ivan"},
            EMAIL | {"value": "067 111 22 33"},
            PHONE | {"value": "ivan@example.com"},
        ],
    )
    def test_a_broken_one_is_left_out_and_counted(self, broken):
        """One bad number does not take the contact with it."""
        made = built(row(contactDirections=[broken, PHONE, broken]))

        assert [one.element for one in made.left_out] == [0, 2]
        assert made.body == built(row()).body

    def test_equal_ones_are_sent_once(self):
        """The first keeps its name; repeats are not counted as left out."""
        again = {"type": " PHONE ", "name": "home", "value": "+38 (067) 111-22-33 дод. 5"}
        made = built(row(contactDirections=[PHONE, EMAIL, again, EMAIL | {"name": "home"}]))
        sent = json.loads(made.body)["contactDirections"]

        assert [direction["name"] for direction in sent] == ["mobile", "work"]
        assert made.left_out == ()

    @pytest.mark.parametrize(
        ("field", "values"),
        [
            (PHONE | {"value": "067 111 22 33, 050 111 22 33"}, ["+380671112233", "+380501112233"]),
            (PHONE | {"value": "0671112233 / 0671112233"}, ["+380671112233"]),
            (EMAIL | {"value": "a@example.com; b@example.com"}, ["a@example.com", "b@example.com"]),
        ],
    )
    def test_several_in_one_field_are_as_many(self, field, values):
        """In their order, each under the field's name, and each once."""
        sent = document(row(contactDirections=[field]))["contactDirections"]

        assert [one["value"] for one in sent] == values
        assert {(one["type"], one["name"]) for one in sent} == {(field["type"], field["name"])}

    def test_one_of_several_is_left_out_alone(self):
        """The element is named, so that it can be listed; its value is not."""
        field = PHONE | {"value": "067 111 22 33, 050-***-**-33"}
        made = built(row(contactDirections=[EMAIL, field]))

        assert len(json.loads(made.body)["contactDirections"]) == 2
        assert made.left_out == (LeftOut(1, Why.HIDDEN),)

    def test_none_left_says_why(self):
        """How many were left out for which reason, without a value."""
        masked = [PHONE | {"value": "067-XXX-XX-33"}, PHONE | {"value": "12"}, PHONE | {"value": "050*****33"}]

        assert invalid(row(contactDirections=masked)).detail == (
            "contactDirections must hold a valid number or address;"
            " left out: 3 (digits are hidden or are letters: 2, no complete number: 1)."
        )

    @pytest.mark.parametrize("name", [None, "", "  ", *NOTHING_TO_SEE])
    def test_a_missing_name_becomes_the_type(self, name):
        """The API wants a name; the type is in small letters whatever the CRM writes."""
        sent = document(row(contactDirections=[{"type": "Phone", "name": name, "value": PHONE["value"]}]))

        assert sent["contactDirections"][0]["name"] == "phone"

    @pytest.mark.parametrize("value", [380671112233, Decimal(671112233), 380671112233.0])
    def test_a_number_may_be_a_number(self, value):
        """CRMs keep telephone numbers in integer columns too."""
        sent = document(row(contactDirections=[{"type": "phone", "name": 1, "value": value}]))

        assert sent["contactDirections"] == [{"type": "phone", "name": "1", "value": "+380671112233"}]

    def test_the_rows_region_overrides_the_default(self):
        """In small letters or not; a blank one does not."""
        columns = row(contactDirections=[PHONE | {"value": "020 7946 0958"}])
        british = document(columns | {"region": " gb "})["contactDirections"][0]["value"]
        ukrainian = document(row(region=" "))["contactDirections"][0]["value"]

        assert (british, ukrainian) == ("+442079460958", "+380671112233")

    def test_the_check_is_the_settings(self):
        """The vendor's own example does not pass where only numbers in use do."""
        columns = row(contactDirections=[PHONE | {"value": "+380111111111"}])

        assert built(columns).left_out == ()
        assert invalid(columns, defaults=Defaults("x", "UA", "1", "valid")).reason == "no_directions"

    @pytest.mark.parametrize("directions", [None, [], "", "null", "[]", "[null]", [{"type": "phone"}]])
    def test_none_left_is_a_reason_of_its_own(self, directions):
        """The API wants at least one; the operator sees the row as it was."""
        answer = invalid(row(contactDirections=directions))

        assert answer.reason == "no_directions"
        assert json.loads(answer.document or b"") == row(contactDirections=directions)

    @pytest.mark.parametrize("field", ["contactDirections", "organizations"])
    @pytest.mark.parametrize("value", [{}, 5, "{}", "067 111 22 33", "[" * 100_000, '"[]"'])
    def test_what_is_no_array_is_invalid(self, field, value):
        """A mistake in the mapping, and not a contact without numbers."""
        answer = invalid(row(**{field: value}))

        assert answer.reason == "invalid"
        assert answer.detail.startswith(f"{field} must be an array")

    def test_json_may_come_as_text(self):
        """A text column holding JSON is as good as a json column."""
        columns = row(contactDirections=json.dumps([PHONE]), organizations="[]")

        assert built(columns).body == built(row(organizations=[])).body


class TestNestedOrganizations:
    def test_the_project_and_the_origin_fall_back(self):
        """As the contact's own do; the id becomes a string."""
        sent = document(row(organizations=[ORGANIZATION]))["organizations"]

        assert sent == [{"projectId": 106, "name": "Acme", "externalId": "5", "origin": "My CRM"}]

    @pytest.mark.parametrize("value", [None, "", "null"])
    def test_none_is_null(self, value):
        """The API takes null for a contact without organizations."""

        assert document(row(organizations=value))["organizations"] is None

    def test_an_empty_array_stays_one(self):
        """The CRM said that there are none."""

        assert document(row(organizations=[]))["organizations"] == []

    @pytest.mark.parametrize("leftover", [None, {}, {"name": None, "externalId": " ", "origin": "x"}])
    def test_what_a_left_join_leaves_behind_is_passed_over(self, leftover):
        """json_agg over no match gives one element of nulls."""

        assert document(row(organizations=[leftover]))["organizations"] == []

    @pytest.mark.parametrize(
        ("broken", "named"),
        [
            ("Acme", "organizations[1]"),
            ({"name": "Acme"}, "organizations[1].externalId"),
            ({"externalId": 5}, "organizations[1].name"),
            ({"name": "\u3164\u200b", "externalId": 5}, "organizations[1].name"),
            (ORGANIZATION | {"name": ["x"]}, "organizations[1].name"),
            (ORGANIZATION | {"projectId": 107}, "organizations[1].projectId"),
            (ORGANIZATION | {"origin": "a\0"}, "organizations[1].origin"),
        ],
    )
    def test_a_broken_one_makes_the_contact_invalid(self, broken, named):
        """The API allows no null in it, and leaving it out would change what the contact belongs to."""
        answer = invalid(row(organizations=[ORGANIZATION, broken]))

        assert answer.reason == "invalid"
        assert answer.detail.startswith(f"{named} must ")


class TestOrganization:
    def test_a_row_becomes_an_organization(self):
        """Four keys in the API's order; it has no lead."""
        made = built({"name": "Acme"}, source=COMPANIES)

        assert made.body == b'{"projectId":106,"name":"Acme","externalId":"42","origin":"My CRM"}'
        assert (made.external_id, made.lead_id, made.left_out) == ("42", None, ())

    @pytest.mark.parametrize(
        "columns", [{}, {"name": " "}, {"name": "\u200b"}, {"name": "x", "projectId": 1}, {"name": {}}]
    )
    def test_a_broken_one_is_invalid(self, columns):
        """The same rules as within a contact."""

        assert invalid(columns, source=COMPANIES).reason == "invalid"


class TestInvalid:
    def test_the_detail_never_holds_a_value(self):
        """It goes to the logs; the document is for the operator alone."""
        answer = invalid(row(fullName=["Тарас Шевченко"]))

        assert "Тарас" not in answer.detail
        assert "Тарас" in (answer.document or b"").decode()

    @pytest.mark.parametrize("payload", [None, 5, "x", [row()]])
    def test_a_payload_that_is_no_object_is_invalid(self, payload):
        """jsonb lets a producer write anything."""

        assert build(payload, key="42", source=CONTACTS, defaults=DEFAULTS) == Invalid(
            "invalid", "The payload must be an object.", None
        )

    def test_a_huge_row_is_cut_to_64_kb(self):
        """Every column is still named, and it still is JSON."""
        answer = invalid(row(fullName=["Ї" * 1_000_000], contactLink='"\\' * 100_000))

        assert len(answer.document or b"") <= 64 * 1024
        assert json.loads(answer.document or b"").keys() == row(contactLink=1).keys()

    def test_a_row_too_wide_to_be_cut_has_no_document(self):
        """Names alone may fill the room."""

        assert invalid({f"{number:01000}": 1 for number in range(100)}).document is None

    def test_a_bottomless_value_is_cut(self):
        """Depth costs stack, in the reader too."""
        deep: list[object] = []
        for _ in range(5000):
            deep = [deep]

        assert "…" in (invalid(row(fullName=deep)).document or b"").decode()


def test_an_envelope_joins_what_is_encoded():
    """Bodies are encoded once, and a request is only glue."""
    bodies = [built(row(), key="1").body, built(row(), key="2").body]

    assert json.loads(envelope(Method.CONTACTS, bodies)) == {"contacts": [json.loads(body) for body in bodies]}
    assert envelope(Method.ORGANIZATIONS, []) == b'{"organizations":[]}'


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.decimals(), st.text(st.characters()), st.dates()
)
JSON_LIKE = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)
DIRECTIONS = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["phone", "email", "Phone ", "fax"]) | JSON_LIKE,
        "name": JSON_LIKE,
        "value": st.sampled_from(["067 111 22 33", "+44 20 7946 0958", "a@b.test"]) | JSON_LIKE,
    },
)
ORGANIZATIONS = st.fixed_dictionaries({}, optional=dict.fromkeys(["name", "externalId", "origin"], JSON_LIKE))
ROWS = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys([*CONTACT_KEYS, "name", "region", "key"], JSON_LIKE)
    | {"fullName": SCALARS, "projectId": st.sampled_from([106, None, "106"])}
    | {"contactDirections": st.lists(DIRECTIONS | JSON_LIKE, max_size=4)}
    | {"organizations": st.none() | st.lists(ORGANIZATIONS | st.just(ORGANIZATION) | JSON_LIKE, max_size=2)},
)


@settings(deadline=None)
@given(ROWS | JSON_LIKE, st.text(), st.sampled_from([CONTACTS, LEADS, COMPANIES]))
def test_any_row_is_built_or_invalid(columns, key, source):
    """Nothing raises; what is built has the API's keys, no NUL, and the same bytes the next time."""
    answer = build(columns, key=key, source=source, defaults=DEFAULTS)

    assert answer == build(columns, key=key, source=source, defaults=DEFAULTS)
    if isinstance(answer, Invalid):
        stored = answer.document or b"{}"
        assert b"\\u0000" not in stored
        assert b"\0" not in stored
        assert isinstance(json.loads(stored), dict)
    else:
        assert_well_formed(json.loads(answer.body), source)
        assert b"\\u0000" not in answer.body.replace(rb"\\", b"")


def assert_well_formed(sent, source):
    if source is COMPANIES:
        assert list(sent) == ["projectId", "name", "externalId", "origin"]
        assert all(value is not None for value in sent.values())
        return
    assert list(sent) == CONTACT_KEYS
    assert all(sent[name] is None or isinstance(sent[name], str) for name in NULLABLE)
    assert all(isinstance(sent[name], str) for name in ("fullName", "origin", "responsible"))
    assert sent["externalId"] or sent["leadId"]
    assert sent["contactDirections"]
    assert all(list(one) == ["type", "name", "value"] for one in sent["contactDirections"])
