"""Where the CRM is, seen from the outbox: asked of the servers, whatever the addresses look like."""

from __future__ import annotations

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.support.other_postgres import standby_of
from worker.database.place import Place, place_of_crm
from worker.local.up.embedded import EmbeddedPostgres


def spelt(url: str, form: str) -> str:
    """The same address in another form."""
    address = conninfo_to_dict(url)
    return form.format(**address)


@pytest.mark.parametrize(
    "form",
    [
        "postgresql+psycopg://{user}:{password}@localhost:{port}/{dbname}",
        "postgresql+psycopg://{user}:{password}@127.0.0.1:1,127.0.0.1:{port}/{dbname}?target_session_attrs=read-write",
        "postgresql+psycopg:///{dbname}?host={host}&port={port}&user={user}&password={password}",
    ],
    ids=["another name", "several hosts", "in the query"],
)
def test_one_database_is_one_however_its_address_is_written(database_url: str, form: str) -> None:
    """Names, hosts and forms tell nothing."""
    assert place_of_crm(database_url, spelt(database_url, form)) is Place.SAME


def test_another_database_of_the_server_is_another_one(database_url: str, empty_database_url: str) -> None:
    """Although the server is the same."""
    assert place_of_crm(database_url, empty_database_url) is Place.ELSEWHERE


def test_a_standby_is_known_by_its_origin(postgres_server: EmbeddedPostgres, database_url: str) -> None:
    """The same database on a standby, though not another one there; and none any more once it was promoted."""
    name = str(conninfo_to_dict(database_url)["dbname"])
    with standby_of(postgres_server) as standby:
        assert place_of_crm(database_url, standby.url(name)) is Place.STANDBY
        assert place_of_crm(database_url, standby.url("postgres")) is Place.ELSEWHERE

        with psycopg.connect(standby.url("postgres"), autocommit=True) as connection:
            connection.execute("SELECT pg_promote()")
        assert place_of_crm(database_url, standby.url(name)) is Place.ELSEWHERE
