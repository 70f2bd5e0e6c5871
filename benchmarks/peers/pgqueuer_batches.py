"""PgQueuer with batches: a job is a hundred changed rows, read and posted together; the worker runs its jobs concurrently."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from functools import cache

import asyncpg
import httpx
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries

from benchmarks.contacts import PATH, QUERY, document

BATCH = 100
IN_FLIGHT = 8
READ = f"SELECT q.* FROM (\n{QUERY}\n) AS q WHERE q.key = ANY($1::bigint[])"
PARSED = ("contactDirections", "organizations")


async def work() -> None:
    """What its command `pgq run` does; that command does not start with the Typer that we need."""
    pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=1, max_size=IN_FLIGHT)
    queue = PgQueuer.from_asyncpg_connection(await asyncpg.connect(os.environ["DATABASE_URL"]))
    async with httpx.AsyncClient(base_url=os.environ["API_URL"], trust_env=False) as client:

        @queue.entrypoint("sync_contacts", concurrency_limit=IN_FLIGHT)
        async def sync_contacts(job: Job) -> None:
            rows = await pool.fetch(READ, [int(key) for key in json.loads(job.payload or b"[]")])
            contacts = [document({**row, **{name: json.loads(row[name] or "null") for name in PARSED}}) for row in rows]
            (await client.post(PATH, json={"contacts": contacts})).raise_for_status()

        await queue.run(batch_size=IN_FLIGHT)


@cache
def loop() -> asyncio.Runner:
    """The producer is no coroutine; its loop and connection are kept."""
    return asyncio.Runner()


@cache
def queries() -> Queries:
    """The producer's end of the queue."""
    return Queries(AsyncpgDriver(loop().run(asyncpg.connect(os.environ["DATABASE_URL"]))))


def install() -> None:
    """Its tables."""
    loop().run(queries().install())


def enqueue(keys: Sequence[str]) -> None:
    """A job a hundred rows, all in one statement."""
    payloads = [json.dumps(keys[start : start + BATCH]).encode() for start in range(0, len(keys), BATCH)]
    names, priorities = ["sync_contacts"] * len(payloads), [0] * len(payloads)
    loop().run(queries().enqueue(names, payloads, priorities))


if __name__ == "__main__":
    asyncio.run(work())
