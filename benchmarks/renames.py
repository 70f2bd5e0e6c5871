"""Renames: a company of 200,000 contacts is renamed twice, while single contacts change as well."""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import median

import msgspec
import psycopg

from benchmarks.drain import PARTS
from benchmarks.ground import HERE, Ground, value, wait_until_drained
from benchmarks.latency import WARM, changing, latency, told
from benchmarks.receiver import Receiver, Request, states
from benchmarks.table import Figure

CONTACTS, QUICK = 200_000, 20_000
MAPPING = HERE / "mapping" / "renames.toml"
GATHER = """
UPDATE crm.contacts SET company_id = 1;
INSERT INTO crm.companies (name, city) SELECT 'Alone ' || g, 'Київ' FROM generate_series(1, 21) g;
"""
ALONE = "SELECT array_agg(id ORDER BY id) FROM crm.companies WHERE starts_with(name, 'Alone')"
RENAME = "UPDATE crm.companies SET name = %s WHERE id = %s"
WAITS = """
SELECT EXISTS (SELECT FROM ringostat_sync.fan_outs) OR EXISTS (SELECT FROM ringostat_sync.outbox WHERE watch IS NOT NULL)
    OR EXISTS (SELECT FROM ringostat_sync.pending WHERE priority = 1)
"""
BETWEEN = 2.0
"""Seconds between the two renames: the first is being spread when the second comes."""


def run(ground: Ground, *, quick: bool) -> Iterator[Figure]:
    """What the CRM's transaction costs, how often a contact is sent, and the latency of live changes meanwhile."""
    contacts = QUICK if quick else CONTACTS
    with ground.database(contacts) as url, Receiver() as receiver, psycopg.connect(url, autocommit=True) as crm:
        crm.execute(GATHER)
        environment = ground.environment(url, receiver.url, SYNC_CONFIG=str(MAPPING))
        ground.run(environment, "capture", "install")
        with ground.parts(environment, *PARTS):
            # One that has no contact costs what a single row costs, its own capture included.
            alone = [renamed(crm, company, "Other") for company in value(crm, ALONE)]
            wait_until_drained(crm)
            receiver.take()
            with changing(url, contacts) as commits:
                time.sleep(WARM)
                begin = time.monotonic()
                wide = [renamed(crm, 1, "Once")]
                time.sleep(BETWEEN)
                wide.append(renamed(crm, 1, "Twice"))
                while value(crm, WAITS):
                    time.sleep(0.1)
                end = time.monotonic()
            wait_until_drained(crm)
            requests = receiver.take()
    arrivals = states(requests)
    sent, last = spread(requests, {commit.key for commit in commits})
    latencies = [latency(commit, arrivals[commit.key]) for commit in commits if begin <= commit.at <= end]
    work = f"a company of {contacts:,} contacts, renamed twice"
    yield Figure(
        f"{work}: the CRM's statement",
        f"{max(wide) * 1000:.1f} ms; {median(alone) * 1000:.1f} ms with no contact",
        "as cheap as one row",
    )
    yield Figure(f"{work}: until the last is sent", f"{end - begin:.0f} s, {contacts / (end - begin):,.0f} contacts/s")
    yield Figure(
        f"{work}: each contact is sent",
        f"{min(sent)} to {max(sent)} times; the last with the last name: {last:,}",
        "at most twice",
    )
    yield Figure(f"{work}: live changes meanwhile", told(latencies), "p99 at most 250 ms")


def renamed(connection: psycopg.Connection, company: int, name: str) -> float:  # type: ignore[type-arg]
    """Seconds of the transaction that renames a company."""
    began = time.perf_counter()
    connection.execute(RENAME, [name, company])
    return time.perf_counter() - began


def spread(requests: list[Request], changed: set[str]) -> tuple[list[int], int]:
    """How often each contact was sent that changed in nothing else, and how many of all were last sent with the last name."""
    times: dict[str, int] = {}
    names: dict[str, str] = {}
    for request in requests:
        for contact in msgspec.json.decode(request.body)["contacts"] if request.status == 200 else ():
            key = contact["externalId"]
            names[key] = contact["organizations"][0]["name"]
            if key not in changed:
                times[key] = times.get(key, 0) + 1
    return list(times.values()), sum(name == "Twice" for name in names.values())
