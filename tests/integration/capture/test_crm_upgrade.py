"""The CRM is upgraded under a running job: its project pauses and says why, nobody is buried or lost, and it heals by itself."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from tests.support.engine import Engine
from worker import capture
from worker.database import sessions

CONTACTS = 30


def under_way(engine: Engine) -> list[int]:
    """Contacts in a batch that is cut and not yet pushed; the query has run before."""
    engine.contacts(1, CONTACTS)
    engine.change(*range(1, CONTACTS + 1))
    engine.drain()
    engine.contacts(1, CONTACTS, "Upgraded")
    engine.change(*range(1, CONTACTS + 1))
    return engine.collect()


def standing(engine: Engine) -> tuple[str | None, int, int, int, int]:
    """The pause, and how many contacts wait, are in flight, are buried and were sent."""
    lane = engine.lane()
    return (lane.paused.reason if lane.paused else None, lane.pending, lane.in_flight, lane.dead, lane.sent)


@pytest.mark.parametrize(
    ("upgrade", "back"),
    [
        ("ALTER TABLE crm.contacts RENAME phone TO telephone", "ALTER TABLE crm.contacts RENAME telephone TO phone"),
        ("DROP TABLE crm.contacts", "CREATE TABLE crm.contacts AS SELECT * FROM kept"),
        (
            "ALTER TABLE crm.contacts ALTER hidden DROP DEFAULT, ALTER hidden TYPE text USING 'ні'",
            "ALTER TABLE crm.contacts ALTER hidden TYPE boolean USING false",
        ),
    ],
    ids=["a column gone", "the table gone", "a column of another type"],
)
def test_an_upgrade_under_a_batch(engine: Engine, upgrade: str, back: str) -> None:
    """What was cut goes back to waiting; while the column is gone probes change nothing; one of them finds it back."""
    batches = under_way(engine)
    engine.sql("CREATE TABLE kept AS SELECT * FROM crm.contacts")
    engine.sql(upgrade)
    for batch in batches:
        engine.wiring.pusher.push(batch)

    assert standing(engine) == ("mapping_broken", CONTACTS, 0, 0, CONTACTS)

    for _ in range(3):
        engine.probe_now()
        engine.push()

    assert standing(engine) == ("mapping_broken", CONTACTS, 0, 0, CONTACTS)
    assert {row.attempts for row in engine.waiting().values()} == {0}

    engine.sql(back)
    engine.drain()

    assert standing(engine) == (None, 0, 0, 0, 2 * CONTACTS)
    assert engine.history(1) == ["Name 1", "Upgraded 1"]


def test_a_key_of_another_type_under_a_batch(engine: Engine) -> None:
    """Numbers became uuids: a probe reads the new type; old keys name nobody any more, new ones are sent."""
    batches = under_way(engine)
    engine.sql("ALTER TABLE crm.contacts DROP CONSTRAINT contacts_pkey")
    engine.sql("ALTER TABLE crm.contacts ALTER id TYPE uuid USING lpad(id::text, 32, '0')::uuid")
    for batch in batches:
        engine.wiring.pusher.push(batch)

    assert standing(engine) == ("mapping_broken", CONTACTS, 0, 0, CONTACTS)

    new = "00000000-0000-0000-0000-000000000001"
    engine.change(new)
    engine.drain()

    assert standing(engine) == (None, 0, 0, 0, CONTACTS + 1)
    assert engine.lane().absent == CONTACTS
    assert engine.history(new) == ["Upgraded 1"]


def test_a_query_without_end(make_engine: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch) -> None:
    """A query that takes too long is a mapping to mend, not a contact to bury."""
    monkeypatch.setitem(sessions.CRM, "statement_timeout", "300ms")
    engine = make_engine()
    batches = under_way(engine)
    with psycopg.connect(engine.database_url) as upgrade:
        upgrade.execute("LOCK TABLE crm.contacts")
        for batch in batches:
            engine.wiring.pusher.push(batch)

        assert standing(engine) == ("mapping_broken", CONTACTS, 0, 0, CONTACTS)

    engine.drain()

    assert standing(engine) == (None, 0, 0, 0, 2 * CONTACTS)


def test_a_query_that_divides_by_zero_for_everybody(engine: Engine) -> None:
    """What fails whoever is asked for is the mapping's fault, and buries nobody."""
    engine.remap(
        '[[sources]]\nname = "broken"\nmethod = "contacts"\nquery = "broken.sql"\n',
        broken="""SELECT id AS key, name AS "fullName", 1 / 0 AS "staffId",
            '[{"type":"phone","value":"0671234567"}]'::json AS "contactDirections" FROM crm.contacts""",
    )
    engine.contacts(1, 3)
    engine.change(1, 2, 3, source="broken")
    engine.push()

    assert standing(engine) == ("mapping_broken", 3, 0, 0, 0)


def test_changes_made_during_the_upgrade_are_captured(engine: Engine) -> None:
    """The CRM works on while the watched column is gone; by the triggers nothing of it is lost."""
    engine.remap(
        '[[sources]]\nname = "watched"\nmethod = "contacts"\nquery = "contacts.sql"\n'
        'watch = [{ table = "crm.contacts", key = "id", columns = ["name", "phone"], where = "changed.hidden IS NOT NULL" }]\n'
    )
    with psycopg.connect(engine.database_url, autocommit=True) as connection:
        capture.install(connection, engine.wiring.mapping)
    engine.contacts(1, 3)
    engine.drain()
    engine.sql("ALTER TABLE crm.contacts RENAME phone TO telephone")
    engine.sql("UPDATE crm.contacts SET name = 'During ' || id")
    engine.push()

    assert standing(engine) == ("mapping_broken", 3, 0, 0, 3)

    engine.sql("ALTER TABLE crm.contacts RENAME telephone TO phone")
    engine.drain()

    assert engine.names() == {"1": "During 1", "2": "During 2", "3": "During 3"}


def test_rows_without_a_key_and_with_the_same_one(engine: Engine) -> None:
    """In a mapping a null names nobody, so the next source has it; a repeated key is buried alone, by changes and a backfill."""
    engine.remap(
        '[[sources]]\nname = "loose"\nmethod = "contacts"\nquery = "loose.sql"\n',
        loose="""SELECT nullif(id, 1) AS key, name AS "fullName",
            '[{"type":"phone","value":"0671234567"}]'::json AS "contactDirections" FROM crm.contacts
            UNION ALL SELECT 2, 'Again', '[]'""",
    )
    engine.contacts(1, 5)
    engine.change(1, 2, 3, source="loose")
    engine.drain()
    engine.backfill("loose")
    engine.drain()

    assert engine.dead_letters() == [("2", "duplicate_key")]
    assert engine.names() == {"1": "Name 1", "3": "Name 3", "4": "Name 4", "5": "Name 5"}
