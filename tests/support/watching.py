"""A CRM of one's own making, watched by a few watches, and what its outbox then holds."""

from __future__ import annotations

from typing import Any

import psycopg

from worker import capture
from worker.config.model import Defaults, Identity, Mapping, Method, Rate, Source, Watch
from worker.config.model import Project as RingostatProject

PEOPLE = """
CREATE SCHEMA crm;
CREATE TABLE crm.people (
    id int PRIMARY KEY, name text, notes json, place point, company int, hidden boolean NOT NULL DEFAULT false
);
"""


def mapping(*watches: Watch, **more: tuple[Watch, ...]) -> Mapping:
    """A mapping whose source `people` has these watches; other sources by name."""
    listed = {"people": watches, **more}
    sources = {
        name: Source(name, Method.CONTACTS, Identity.EXTERNAL_ID, 106, "SELECT 1 AS key", of)
        for name, of in listed.items()
    }
    return Mapping(Defaults(), {106: RingostatProject(106, Rate(5, 1), 100)}, sources)


def watch(connection: psycopg.Connection[Any], *watches: Watch, **more: tuple[Watch, ...]) -> list[str]:
    """Install these watches, and take others away; returns what was done."""
    return capture.install(connection, mapping(*watches, **more))


def keys(connection: psycopg.Connection[Any]) -> list[str]:
    """The keys in the outbox, sorted; the outbox is empty afterwards."""
    return sorted(key for (key,) in connection.execute("DELETE FROM ringostat_sync.outbox RETURNING key").fetchall())


def rows(connection: psycopg.Connection[Any]) -> list[dict[str, Any]]:
    """The changed rows in the outbox, in their order; the outbox is empty afterwards."""
    taken = connection.execute("DELETE FROM ringostat_sync.outbox RETURNING id, changed").fetchall()
    return [changed for _, changed in sorted(taken)]


def triggers(connection: psycopg.Connection[Any]) -> set[str]:
    """The names of all triggers of ours."""
    found = connection.execute("SELECT tgname FROM pg_trigger WHERE tgname LIKE 'ringostat%'").fetchall()
    return {name for (name,) in found}


def functions(connection: psycopg.Connection[Any]) -> set[str]:
    """The names of all functions of our triggers."""
    found = connection.execute("SELECT proname FROM pg_proc WHERE proname LIKE 'capture%'")
    return {name for (name,) in found.fetchall()}
