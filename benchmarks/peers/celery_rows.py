"""Celery the usual way: a task a changed row, which reads the row and posts it; tried again when that fails."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from typing import Any

import httpx
import psycopg
from celery import Celery

from benchmarks.contacts import PATH, document, read

app = Celery("peer", broker=os.environ["REDIS_URL"])
app.conf.update(task_ignore_result=True, task_acks_late=True, broker_connection_retry_on_startup=True)


@cache
def connection() -> psycopg.Connection[Any]:
    """One a process, made when it is first needed: after the fork."""
    return psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)


@cache
def client() -> httpx.Client:
    """Likewise; its connections are kept."""
    return httpx.Client(base_url=os.environ["API_URL"], trust_env=False)


@app.task(autoretry_for=(httpx.HTTPError,), retry_backoff=True, max_retries=12)
def sync_contact(key: str) -> None:
    """Post one contact as it is now."""
    for row in read(connection(), [key]):
        client().post(PATH, json={"contacts": [document(row)]}).raise_for_status()


def install() -> None:
    """The broker needs nothing."""


def enqueue(keys: Sequence[str]) -> None:
    """A message a row."""
    with app.producer_pool.acquire(block=True) as producer:
        for key in keys:
            sync_contact.apply_async((key,), producer=producer)
