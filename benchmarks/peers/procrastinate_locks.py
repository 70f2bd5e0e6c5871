"""Procrastinate: a job a changed row, and a lock a contact, so that its jobs run one after the other."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache

import httpx
from procrastinate import App, PsycopgConnector, RetryStrategy, SyncPsycopgConnector

from benchmarks.contacts import PATH, READ, document

CHUNK = 1_000
connector = PsycopgConnector(conninfo=os.environ["DATABASE_URL"], max_size=10)
app = App(connector=connector)


@cache
def client() -> httpx.AsyncClient:
    """One for all jobs; its connections are kept."""
    return httpx.AsyncClient(base_url=os.environ["API_URL"], trust_env=False)


@app.task(name="sync_contact", retry=RetryStrategy(max_attempts=12, exponential_wait=2))
async def sync_contact(key: str) -> None:
    """Post one contact as it is now."""
    for row in await connector.execute_query_all_async(READ.replace("%s", "%(keys)s"), keys=[key]):
        (await client().post(PATH, json={"contacts": [document(row)]})).raise_for_status()


def install() -> None:
    """Its tables."""
    with (
        app.replace_connector(SyncPsycopgConnector(conninfo=os.environ["DATABASE_URL"])) as synchronous,
        synchronous.open(),
    ):
        synchronous.schema_manager.apply_schema()


def enqueue(keys: Sequence[str]) -> None:
    """A job a row, each under its contact's lock."""
    with (
        app.replace_connector(SyncPsycopgConnector(conninfo=os.environ["DATABASE_URL"])) as synchronous,
        synchronous.open(),
    ):
        for key in keys:
            synchronous.tasks["sync_contact"].configure(lock=key).defer(key=key)
