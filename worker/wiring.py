"""The one place where the parts are wired together."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial

from redis import Redis
from sqlalchemy import Engine

from worker.api.client import ApiClient
from worker.collect.collector import Collector
from worker.collect.messages import CONVOY
from worker.config.mapping import load_mapping
from worker.config.model import Mapping
from worker.config.settings import Settings
from worker.database.engines import crm_engine, outbox_engine
from worker.expand.expand import Expander
from worker.limiter.bucket import Limiter
from worker.limiter.recall import recall
from worker.listen.wake import Wake
from worker.push.depart import Departures
from worker.push.land import Landings
from worker.push.policy import Policy
from worker.push.push import Pusher
from worker.push.turn_back import TurnBack
from worker.reading.reader import Reader

REDIS_PATIENCE = 5.0
"""Seconds that one question to Redis may take."""


@dataclass
class Parts:
    """Everything that a process needs, made when it is first asked for: after the fork, and only what is used."""

    settings: Settings
    mapping: Mapping
    lasting: bool = True

    @classmethod
    def of(cls, settings: Settings, *, need_keys: bool = True, lasting: bool = True) -> Parts:
        """Parts by the settings and their mapping. Raises ConfigError.

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
    def limiter(self) -> Limiter:
        return Limiter(self.redis, self.settings.sync_name, partial(recall, self.engine), time.sleep)

    @cached_property
    def collector(self) -> Collector:
        return Collector(
            self.engine,
            self.limiter,
            self.mapping,
            max_attempts=self.policy.max_attempts,
            probe_lease=self.policy.lease,
            dice=random.Random(),  # noqa: S311 - it shuffles and spreads, and keeps no secret
        )

    @cached_property
    def expander(self) -> Expander:
        return Expander(self.engine, self.crm, self.mapping, self.policy)

    @cached_property
    def pusher(self) -> Pusher:
        turn_back = TurnBack(self.engine, self.policy)
        client = ApiClient(self.settings.ringostat_base_url, self.settings.ringostat_timeout)
        senders = ThreadPoolExecutor(CONVOY, "sender")
        departures = Departures(self.engine, self.limiter, client, self.policy, turn_back, senders)
        dice = random.Random()  # noqa: S311 - it spreads retries
        landings = Landings(self.engine, self.limiter, self.policy, dice)
        return Pusher(self.engine, Reader(self.crm), self.mapping, self.policy, departures, landings, turn_back)


def redis_client(settings: Settings) -> Redis:
    """A connection to Redis that gives up soon: where it is away, the job waits in PostgreSQL."""
    return Redis.from_url(
        settings.require_redis_url(),
        socket_timeout=REDIS_PATIENCE,
        socket_connect_timeout=REDIS_PATIENCE,
        socket_keepalive=True,
        health_check_interval=10,
    )
