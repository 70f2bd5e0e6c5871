"""Sources of one kind are one, and a mapping that lacks a source decides nothing of its contacts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.engine import PROJECT, Engine

PEOPLE = """
[[sources]]
name = "suppliers"
method = "contacts"
query = "suppliers.sql"
"""
SUPPLIERS = """
SELECT c.id AS key, 'Supplier ' || c.name AS "fullName",
    json_build_array(json_build_object('type', 'phone', 'name', 'work', 'value', c.phone)) AS "contactDirections"
FROM crm.contacts c WHERE c.hidden
"""


@pytest.fixture
def both(engine: Engine) -> Engine:
    """Customers are not hidden, suppliers are: two queries over one table."""
    engine.remap(PEOPLE, suppliers=SUPPLIERS)
    engine.contacts(1, 4)
    engine.sql("UPDATE crm.contacts SET hidden = id > 2")
    return engine


@pytest.mark.parametrize("last", ["contacts", "suppliers"])
def test_a_key_is_absent_only_if_no_source_returns_it(both: Engine, last: str) -> None:
    """Each change is captured for both, in either order; the one that has the contact gives its document."""
    first = "suppliers" if last == "contacts" else "contacts"
    both.change(1, 2, 3, 4, source=first)
    both.change(1, 2, 3, 4, source=last)
    both.drain()

    assert (both.lane().sent, both.lane().absent) == (4, 0)
    assert both.names() == {"1": "Name 1", "2": "Name 2", "3": "Supplier Name 3", "4": "Supplier Name 4"}


def test_a_key_that_no_source_returns_is_absent(both: Engine) -> None:
    """Deleted, it is gone from both."""
    both.sql("DELETE FROM crm.contacts WHERE id = 3")
    both.change(3)
    both.drain()

    assert both.lane().absent == 1


def test_the_first_source_that_returns_a_key_has_its_document(both: Engine) -> None:
    """Whichever of them has changed, the telephone shows the same."""
    (both.folder / "suppliers.sql").write_text(SUPPLIERS.replace("WHERE c.hidden", ""))
    both.remap("")
    both.change(1, source="contacts")
    both.drain()

    assert both.names() == {"1": "Supplier Name 1"}


def test_a_process_that_lacks_a_source_lets_its_contacts_wait(engine: Engine, tmp_path: Path) -> None:
    """It is older or newer than the process that put them in; with the source they arrive."""
    engine.contacts(1, 3)
    engine.sql("UPDATE crm.contacts SET hidden = true")
    engine.sql(
        "INSERT INTO ringostat_sync.pending (project, method, identity, key, source, outbox_id, captured_at)"
        " SELECT %s, 'contacts', 'externalId', g::text, 'suppliers', g, now() FROM generate_series(1, 3) g",
        PROJECT,
    )
    engine.push()
    assert (engine.lane().absent, len(engine.waiting())) == (0, 3)

    engine.remap(PEOPLE, suppliers=SUPPLIERS)
    engine.wiring.pusher.mapping = engine.wiring.mapping
    engine.due_now()
    engine.drain()
    assert engine.lane().sent == 3


def test_a_batch_of_an_unknown_project_goes_to_a_process_that_knows_it(engine: Engine) -> None:
    """Its message is sent again, and nobody waits for the end of a lease."""
    engine.contacts(1, 1)
    engine.change(1)
    [batch] = engine.collect()
    projects = engine.wiring.mapping.projects
    known = projects.pop(PROJECT)  # type: ignore[attr-defined]
    engine.wiring.pusher.push(batch)
    assert engine.sql("SELECT state::text FROM ringostat_sync.batches") == [("cut",)]

    projects[PROJECT] = known  # type: ignore[index]
    engine.wiring.pusher.push(batch)
    assert engine.lane().sent == 1
