"""What `docs/merges.md` says: of contacts that are gone, that come back, and of merged ones whose entries shall say the same."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import psycopg
import pytest

from tests.support.engine import PROJECT, Engine
from tests.support.waiting import nothing_waits, wait_until
from worker import capture

TEXT = (Path(__file__).parents[3] / "docs" / "merges.md").read_text(encoding="utf-8")
[QUERY] = re.findall(r"^```sql\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
[WATCH] = re.findall(r"^```toml\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
SOURCE = 'origin = "CRM"\ndefault_responsible = "1"\n[[sources]]\nname = "contacts"\nmethod = "contacts"\nquery = "contacts.sql"\n'


@pytest.fixture
def watched(engine: Engine) -> Engine:
    """The engine with the mapping of the document, and two contacts on the telephone."""
    engine.sql("ALTER TABLE crm.contacts ADD merged_into bigint")
    (engine.folder / "sync.toml").write_text(SOURCE, encoding="utf-8")
    engine.remap(WATCH, contacts=QUERY)
    with psycopg.connect(engine.database_url, autocommit=True) as connection:
        capture.install(connection, engine.wiring.mapping)
    engine.contacts(1, 2)
    settle(engine)
    return engine


def settle(engine: Engine) -> None:
    def is_quiet() -> bool:
        engine.wiring.fan_out.run(PROJECT)
        engine.push()
        return nothing_waits(engine.sql)

    wait_until(is_quiet, what="all changes to be sent")


def test_the_document_is_about_these_columns() -> None:
    """Its TOML is a list of watches as `sync.toml` has it."""
    assert [set(watch) - {"table", "columns"} for watch in tomllib.loads(WATCH)["watch"]] == [{"key"}, {"keys"}]


def test_both_entries_say_the_same(watched: Engine) -> None:
    """The merged contact has the survivor's name and link from then on, also after the survivor changes once more."""
    watched.sql("UPDATE crm.contacts SET merged_into = 2 WHERE id = 1")
    settle(watched)
    merged = watched.history(1)[-1]
    watched.sql("UPDATE crm.contacts SET name = 'Новенко' WHERE id = 2")
    settle(watched)
    entries = [watched.sandbox.book.contact(PROJECT, external_id=key) or {} for key in ("1", "2")]

    assert merged == "Name 2"
    assert [entry["fullName"] for entry in entries] == ["Новенко", "Новенко"]
    assert {entry["contactLink"] for entry in entries} == {"https://crm.example.com/contacts/2"}


def test_who_is_gone_stays_as_last_sent_and_comes_back_in_the_same_entry(watched: Engine) -> None:
    """A deleted contact is absent and no letter; restored under the same id, it is one entry still."""
    watched.sql("CREATE TABLE crm.bin AS TABLE crm.contacts; DELETE FROM crm.contacts WHERE id = 1")
    settle(watched)
    gone = watched.sandbox.book.contact(PROJECT, external_id="1")
    absent, letters = watched.lane().absent, watched.dead_letters()
    watched.sql(
        "INSERT INTO crm.contacts SELECT * FROM crm.bin WHERE id = 1; UPDATE crm.contacts SET name = 'Знову тут' WHERE id = 1"
    )
    settle(watched)

    assert gone is not None
    assert (gone["fullName"], absent, letters) == ("Name 1", 1, [])
    assert watched.history(1) == ["Name 1", "Знову тут"]
    assert watched.sandbox.book.counts() == (2, 0)
