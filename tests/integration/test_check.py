"""Check: what stops a source, and what only a contact."""

from __future__ import annotations

from tests.integration.engine import Engine
from worker.check.check import Finding, check
from worker.config.settings import load_settings
from worker.wiring import Parts

QUERY = """SELECT nullif(id, 9) AS key, name AS "fullName", {more} AS "staffId",
    '[{{"type":"phone","value":"0671234567"}}]'::json AS "contactDirections" FROM crm.contacts"""


def findings(engine: Engine, query: str) -> list[Finding]:
    """What check says of a source with this query."""
    engine.remap('[[sources]]\nname = "checked"\nmethod = "contacts"\nquery = "checked.sql"\n', checked=query)
    engine.contacts(1, 9)
    found = [one for one in check(engine.parts, 20) if isinstance(one, Finding)]
    return [one for one in found if one.text.startswith("checked")]


def test_a_project_without_a_key_is_a_warning(engine: Engine) -> None:
    """The worker will need one, the sources can be read without; told as `worker` would tell it."""
    assert Finding("Project 106: its key is set") in list(check(engine.parts, 0))

    parts = Parts.of(load_settings(engine.environment | {"RINGOSTAT_AUTH_KEY": ""}), need_keys=False)
    told = "Project 106 has no key: set RINGOSTAT_AUTH_KEY (or RINGOSTAT_AUTH_KEY_FILE) to it"

    assert Finding(told, warns=True) in list(check(parts, 0))


def test_rows_without_a_key_are_a_warning(engine: Engine) -> None:
    """They are counted, and are no contacts to build."""
    found = findings(engine, QUERY.format(more="NULL"))

    assert [one.text for one in found if one.warns] == ["checked: rows without a key: 1; nobody is sent for them"]
    assert "checked: of a sample of 8, 8 can be sent" in [one.text for one in found]


def test_a_row_that_can_not_be_computed_is_a_warning(engine: Engine) -> None:
    """It becomes a dead letter; its source goes on."""
    found = findings(engine, QUERY.format(more="1 / (id - 3)"))

    assert not any(one.stops for one in found)
    assert "can't be computed (division by zero)" in found[-1].text


def test_a_query_that_fails_for_everybody_stops_its_source(engine: Engine) -> None:
    """There is nobody whom it could be read for."""
    found = findings(engine, QUERY.format(more="1 / 0"))

    assert [(one.text, one.stops) for one in found] == [("checked: the query fails: division by zero", True)]
