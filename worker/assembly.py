"""What a worker is made of, put together: loaded before it forks, and in no process that only watches."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from worker.api.client import ApiClient
from worker.collect.collector import Collector
from worker.collect.messages import CONVOY
from worker.expand.expand import Expander
from worker.limiter.bucket import Limiter
from worker.limiter.recall import recall
from worker.projects.addresses import Addresses
from worker.push.depart import Departures
from worker.push.land import Landings
from worker.push.push import Pusher
from worker.push.turn_back import TurnBack
from worker.reading.reader import Reader
from worker.wiring import Parts


def limiter(parts: Parts) -> Limiter:
    """The rate limit of all projects."""
    return Limiter(parts.redis, parts.settings.sync_name, partial(recall, parts.engine), time.sleep)


def collector(parts: Parts) -> Collector:
    """What changed becomes batches."""
    return Collector(
        parts.engine,
        parts.limiter,
        parts.mapping,
        max_attempts=parts.policy.max_attempts,
        probe_lease=parts.policy.lease,
        dice=random.Random(),  # noqa: S311 - it shuffles and spreads, and keeps no secret
    )


def expander(parts: Parts) -> Expander:
    """Changed rows that stand for many contacts become those contacts."""
    return Expander(parts.engine, parts.crm, parts.mapping, parts.policy)


def pusher(parts: Parts) -> Pusher:
    """Batches become requests, and their answers verdicts."""
    engine, policy = parts.engine, parts.policy
    turn_back = TurnBack(engine, policy)
    client = ApiClient(parts.settings.ringostat_base_url, parts.settings.ringostat_timeout)
    # Nobody whose lease was just checked waits for a thread, even where a convoy that broke off has left requests on the wire.
    senders = ThreadPoolExecutor(4 * CONVOY, "sender")
    departures = Departures(engine, parts.limiter, client, policy, turn_back, senders)
    landings = Landings(engine, parts.limiter, policy, random.Random())  # noqa: S311 - it spreads retries
    addresses = Addresses(engine, parts.settings.ringostat_base_url)
    return Pusher(engine, Reader(parts.crm), parts.mapping, policy, departures, landings, turn_back, addresses)
