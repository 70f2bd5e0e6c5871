"""Tenants: one source for ten thousand projects; the changed keys find their projects, and each waits in its own."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg

from benchmarks.ground import HERE, Ground, value
from benchmarks.table import Figure
from worker.assembly import Assembly
from worker.config.settings import load_settings

PROJECTS, QUICK_PROJECTS = 10_000, 500
CONTACTS, QUICK = 100_000, 10_000
QUERY = (HERE.parent / "worker" / "local" / "demo" / "mapping" / "contacts.sql").read_text(encoding="utf-8")
CHANGED = "INSERT INTO ringostat_sync.outbox (source, key) SELECT 'contacts', id FROM crm.contacts ORDER BY id"
WAIT = """
SELECT count(*) || ' contacts in ' || count(DISTINCT project)
FROM (SELECT project FROM ringostat_sync.pending UNION ALL SELECT project FROM ringostat_sync.in_flight) AS w
"""


def run(ground: Ground, *, quick: bool) -> Iterator[Figure]:
    """Changes that are routed in a second, the first time and once their projects are known."""
    projects, contacts = (QUICK_PROJECTS, QUICK) if quick else (PROJECTS, CONTACTS)
    with ground.database(contacts) as url, psycopg.connect(url, autocommit=True) as connection:
        wiring = Assembly.of(load_settings(environment(ground, url, projects)), need_keys=False, lasting=False)
        for turn in ("first", "second"):
            connection.execute(CHANGED)
            began = time.perf_counter()
            while value(connection, "SELECT EXISTS (SELECT FROM ringostat_sync.outbox)"):
                wiring.collector.round(1)
            spent = time.perf_counter() - began
            yield Figure(
                f"one source for {projects:,} projects: changes routed, {turn} time",
                f"{contacts / spent:,.0f} a second; {value(connection, WAIT)} projects wait",
            )
        wiring.engine.dispose()
        wiring.crm.dispose()


def environment(ground: Ground, url: str, projects: int) -> dict[str, str]:
    """The settings, with a mapping whose one source names the project of each row."""
    query = QUERY.replace("c.id AS key,", f'c.id AS key, c.id % {projects} + 1 AS "projectId",')
    (ground.home / "tenants.sql").write_text(query, encoding="utf-8")
    lines = [
        'origin = "CRM"',
        'default_responsible = "1"',
        *(f"[[projects]]\nid = {n}" for n in range(1, projects + 1)),
    ]
    lines.append('[[sources]]\nname = "contacts"\nmethod = "contacts"\nquery = "tenants.sql"')
    (ground.home / "tenants.toml").write_text("\n".join(lines), encoding="utf-8")
    settings = ground.environment(url, SYNC_CONFIG=str(ground.home / "tenants.toml"))
    del settings["RINGOSTAT_PROJECT_ID"]
    return settings
