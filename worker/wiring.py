"""The one place where all is wired together; what a worker is made of stands in `assembly.py`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from redis import Redis
from sqlalchemy import Engine

from worker.config.mapping import load_mapping
from worker.config.model import Mapping
from worker.config.settings import Settings
from worker.database.engines import crm_engine, outbox_engine
from worker.listen.wake import Wake
from worker.policy import Policy

if TYPE_CHECKING:
    from worker.collect.collector import Collector
    from worker.expand.expand import Expander
    from worker.limiter.bucket import Limiter
    from worker.push.push import Pusher

REDIS_PATIENCE = 5.0
"""Seconds that one question to Redis may take."""


@dataclass
class Wiring:
    """Everything that a process needs, made when it is first asked for: after the fork, and only what is used."""

    settings: Settings
    mapping: Mapping
    lasting: bool = True

    @classmethod
    def of(cls, settings: Settings, *, need_keys: bool = True, lasting: bool = True) -> Wiring:
        """Wiring by the settings and their mapping. Raises ConfigError.

        `lasting`: see `outbox_engine`. A worker's moves need not last: what is lost is done again, and what must not be lost
        (that a request is about to leave) asks for it itself.
        """
        return cls(settings, load_mapping(settings, need_keys=need_keys), lasting)

    @cached_property
    def policy(self) -> Policy:
        s = self.settings
        return Policy(
            max_attempts=s.sync_max_attempts,
            retry_base=min(s.sync_retry_base, s.sync_retry_max),
            retry_max=s.sync_retry_max,
            lease=s.sync_lease,
            timeout=s.ringostat_timeout,
        )

    @cached_property
    def engine(self) -> Engine:
        return outbox_engine(self.settings.require_database_url(), lasting=self.lasting)

    @cached_property
    def crm(self) -> Engine:
        return crm_engine(self.settings.require_crm_database_url())

    @cached_property
    def redis(self) -> Redis:
        return redis_client(self.settings)

    @cached_property
    def wake(self) -> Wake:
        return Wake(self.redis, self.settings.sync_name)

    @cached_property
    def expanding(self) -> Wake:
        return Wake(self.redis, self.settings.sync_name, "expand")

    # What a worker is made of is loaded where it is first asked for: beat, the listener and Flower do without.

    @cached_property
    def limiter(self) -> Limiter:
        from worker.assembly import limiter  # noqa: PLC0415 - see above

        return limiter(self)

    @cached_property
    def collector(self) -> Collector:
        from worker.assembly import collector  # noqa: PLC0415 - see above

        return collector(self)

    @cached_property
    def expander(self) -> Expander:
        from worker.assembly import expander  # noqa: PLC0415 - see above

        return expander(self)

    @cached_property
    def pusher(self) -> Pusher:
        from worker.assembly import pusher  # noqa: PLC0415 - see above

        return pusher(self)


def redis_client(settings: Settings) -> Redis:
    """A connection to Redis that gives up soon: where it is away, the job waits in PostgreSQL."""
    return Redis.from_url(
        settings.require_redis_url(),
        socket_timeout=REDIS_PATIENCE,
        socket_connect_timeout=REDIS_PATIENCE,
        socket_keepalive=True,
        health_check_interval=10,
    )
