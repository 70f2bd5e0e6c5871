"""Guard: the check that a lease is still ours, which begins every transaction that settles."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from sqlalchemy import Connection

from worker.database.rows import rows
from worker.database.sql import sql
from worker.settle.verdicts import Lease

log = structlog.get_logger()


def guard(connection: Connection, leases: Sequence[Lease]) -> set[int]:
    """Lock the batches until this transaction ends; returns those that are still ours, by id."""
    kept = set(connection.execute(sql(__package__, "guard"), {"batches": tokens(leases)}).scalars())
    for lease in leases:
        if lease.batch not in kept:
            log.warning("lease_lost", batch=lease.batch, project=lease.project.id)
    return kept


def tokens(leases: Sequence[Lease]) -> str:
    """The batches with their fencing tokens, as the statements take them."""
    return rows(("batch", "token"), [(lease.batch, lease.token) for lease in leases])
