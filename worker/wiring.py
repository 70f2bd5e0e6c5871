"""Connections: settings, mapping, databases and Redis, each made when it is first asked for. Parts are in `assembly.py`."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Self

from redis import Redis
from sqlalchemy import Engine

from worker.api.keys import Keys
from worker.broker.client import redis_client
from worker.broker.queues import Queues
from worker.config.mapping import load_mapping
from worker.config.model import Mapping
from worker.config.network import Network, read_network
from worker.config.policy import Policy
from worker.config.settings import Settings
from worker.database.engines import crm_engine, outbox_engine
from worker.database.place import Place, place_of_crm
from worker.limiter.bucket import Limiter
from worker.limiter.recall import recall
from worker.listen.wake import Wake
from worker.upkeep.posted import PostedMarks


@dataclass
class Wiring:
    """Everything that a process needs, made when it is first asked for: after the fork, and only what is used."""

    settings: Settings
    mapping: Mapping
    lasting: bool = True

    @classmethod
    def of(cls, settings: Settings, *, need_keys: bool = True, lasting: bool = True) -> Self:
        """Wiring by the settings and their mapping. Raises ConfigError.

        `lasting`: see `outbox_engine`. A worker's moves need not last: what is lost is done again, and what must not be lost
        (that a request is about to leave) asks for it itself.
        """
        wiring = cls(settings, load_mapping(settings, need_keys=need_keys), lasting)
        if need_keys:
            wiring.network  # noqa: B018 - what is wrong with it is told before anything is sent
        return wiring

    @cached_property
    def network(self) -> Network:
        """The way to the API. Raises ConfigError."""
        address = self.settings.ringostat_base_url
        network = read_network(self.settings.environment, address)
        if address.startswith("https://") and (network.cert_file or network.cert_dir):
            from worker.api.certificates import trusted  # noqa: PLC0415 - only if there is something to look at

            trusted(network)
        return network

    @cached_property
    def keys(self) -> Keys:
        return Keys()

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
        return crm_engine(self.settings.require_crm_database_url(), self.engine)

    def place_of_crm(self) -> Place:
        """Where the CRM is, asked of the servers. Raises psycopg.Error if one does not answer."""
        return place_of_crm(self.settings.require_database_url(), self.settings.require_crm_database_url())

    @cached_property
    def redis(self) -> Redis:
        return redis_client(self.settings.require_redis_url())

    @cached_property
    def queues(self) -> Queues:
        return Queues(self.redis)

    @cached_property
    def wake(self) -> Wake:
        return Wake(self.redis, self.settings.sync_name)

    @cached_property
    def fan_out_wake(self) -> Wake:
        return Wake(self.redis, self.settings.sync_name, "fan_out")

    @cached_property
    def marks(self) -> PostedMarks:
        """Which requests left last."""
        return PostedMarks(self.redis, self.settings.sync_name)

    @cached_property
    def limiter(self) -> Limiter:
        """The rate limit of all projects."""
        return Limiter(self.redis, self.settings.sync_name, partial(recall, self.engine), time.sleep)
