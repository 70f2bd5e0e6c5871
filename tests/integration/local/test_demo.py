"""The demo CRM as it is installed, and as its mapping reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from random import Random

import psycopg
import pytest

from tests.support.demo_crm import counted, documents, installed, mapped, mapping, plan, read
from worker.document.build import Built, Invalid
from worker.document.wire import Contact, Organization
from worker.errors import RefusedError
from worker.local.demo import install
from worker.local.demo.crm import Crm
from worker.local.demo.population import WITH_A_FAX, tables

SOURCES = tuple(mapping.sources)


@pytest.fixture
def crm(empty_database_url: str) -> Iterator[Crm]:
    with installed(empty_database_url) as installed_crm:
        yield installed_crm


def test_it_knows_as_many_contacts_as_asked_for(crm: Crm):
    """200 contacts are 200, and no table is empty."""
    counts = counted(crm)

    assert counts["contacts"] == 200
    assert min(counts.values()) > 0


def test_a_second_install_changes_nothing(crm: Crm, empty_database_url: str):
    """Where the schema is ours already, `install` leaves it as it is, whatever size is asked for."""
    before = counted(crm)
    install(empty_database_url, contacts=500, dice=Random(3))

    assert counted(crm) == before


def test_an_address_may_name_sqlalchemys_driver(empty_database_url: str):
    """`postgresql+psycopg://` is as good as `postgresql://`."""
    install(empty_database_url.replace("postgresql://", "postgresql+psycopg://"), contacts=3, dice=Random(1))

    with installed(empty_database_url) as crm:
        assert crm.count("contacts") == 3


def test_two_installers_make_one_crm(empty_database_url: str):
    """Of two that start at once, the second finds the work done."""
    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(install, empty_database_url, contacts=60, dice=Random(n)) for n in (1, 2)]:
            done.result()

    with installed(empty_database_url) as crm:
        assert crm.count("contacts") == 60


@pytest.mark.parametrize("comment", [None, "Sales department"])
def test_a_foreign_schema_is_left_alone(empty_database_url: str, comment: str | None):
    """A schema `crm` without our comment is somebody else's: `install` refuses, and it stays as it was."""
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA crm; CREATE TABLE crm.contacts (id int)")
        connection.execute(f"COMMENT ON SCHEMA crm IS {'NULL' if comment is None else repr(comment)}")

        with pytest.raises(RefusedError, match="There is a schema crm"):
            install(connection, dice=Random(1))

        found = connection.execute("SELECT relname FROM pg_class WHERE relnamespace = 'crm'::regnamespace").fetchall()
    assert found == [("contacts",)]


def test_a_role_that_may_create_nothing_is_told_so(empty_database_url: str):
    """Without CREATE on the database the refusal names what is lacking."""
    with psycopg.connect(empty_database_url) as connection:
        connection.execute("CREATE ROLE demo_reader; SET LOCAL ROLE demo_reader")

        with pytest.raises(RefusedError, match="GRANT CREATE"):
            install(connection, dice=Random(1))

        connection.rollback()


def test_the_same_dice_make_the_same_people():
    """Nothing but the dice decides who is in the CRM."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    first, second = ([(table.name, list(table.rows)) for table in tables(100, Random(5), now)] for _ in range(2))

    assert first == second


@pytest.mark.parametrize("source", SOURCES)
def test_columns_bear_the_apis_names(crm: Crm, source: str):
    """Each query returns `key`, and else nothing that the API does not know."""
    fields = Organization.__struct_fields__ if source == "companies" else Contact.__struct_fields__
    columns = set(mapped(crm, source)[0])

    assert "key" in columns
    assert columns - {"key"} <= set(fields)


@pytest.mark.parametrize("source", SOURCES)
def test_one_row_per_key(crm: Crm, source: str):
    """No query returns a key twice."""
    keys = [row["key"] for row in mapped(crm, source)]

    assert len(keys) > 5
    assert len(keys) == len(set(keys))


def test_the_contacts_are_those_that_are_not_hidden(crm: Crm):
    """`contacts` leaves out the hidden ones, and nobody else."""
    assert len(mapped(crm, "contacts")) == crm.count("contacts", "NOT hidden")
    assert crm.count("contacts", "hidden") > 0


def test_the_leads_are_those_that_are_no_contact_yet(crm: Crm):
    """`leads` leaves out the converted ones; each of those is the "leadId" of its contact."""
    leads = {row["key"] for row in mapped(crm, "leads")}
    of_contacts = {row["leadId"] for row in mapped(crm, "contacts")} - {None}

    assert len(leads) == crm.count("leads", "status <> 'converted'")
    assert of_contacts
    assert not leads & of_contacts


def test_a_fax_is_not_shown(crm: Crm):
    """A number of the kind `fax` is in the CRM, and not among the directions."""
    assert crm.count("phones", f"contact_id = {WITH_A_FAX} AND kind = 'fax'") == 1

    row = read(crm, "contacts", WITH_A_FAX)

    assert row is not None
    assert "fax" not in {direction["name"] for direction in row["contactDirections"]}


def test_three_cannot_be_sent(crm: Crm):
    """One contact without a number, one with half an address alone and one without a name become dead letters."""
    reasons = Counter(made.reason for made in documents(crm).values() if isinstance(made, Invalid))

    assert reasons == {"no_directions": 2, "invalid": 1}


def test_every_spelling_is_a_number(empty_database_url: str):
    """However somebody has typed it, a number can be sent; in a thousand contacts one half number is dropped."""
    with installed(empty_database_url, size=1000) as crm:
        dropped = sum(len(made.left_out) for made in documents(crm).values() if isinstance(made, Built))

    assert dropped == 1


def test_a_few_keys_are_read_by_the_index(empty_database_url: str):
    """A condition on `key` reaches each source's primary key's index; only the staff, a handful, are read whole."""
    with installed(empty_database_url, size=10_000) as crm:
        plans = {source: plan(crm, source, [1, 2, 3]) for source in SOURCES}

    for source, explained in plans.items():
        assert f"Index Scan using {source}_pkey" in explained
        assert "Index Cond: (id = ANY ('{1,2,3}'::bigint[]))" in explained
        assert explained.count("Seq Scan") == explained.count("Seq Scan on staff")
