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
from worker.wiring import Wiring


def limiter(wiring: Wiring) -> Limiter:
    """The rate limit of all projects."""
    return Limiter(wiring.redis, wiring.settings.sync_name, partial(recall, wiring.engine), time.sleep)


def collector(wiring: Wiring) -> Collector:
    """What changed becomes batches."""
    return Collector(
        wiring.engine,
        wiring.limiter,
        wiring.mapping,
        max_attempts=wiring.policy.max_attempts,
        probe_lease=wiring.policy.lease,
        dice=random.Random(),  # noqa: S311 - it shuffles and spreads, and keeps no secret
    )


def expander(wiring: Wiring) -> Expander:
    """Changed rows that stand for many contacts become those contacts."""
    return Expander(wiring.engine, wiring.crm, wiring.mapping, wiring.policy)


def pusher(wiring: Wiring) -> Pusher:
    """Batches become requests, and their answers verdicts."""
    engine, policy = wiring.engine, wiring.policy
    turn_back = TurnBack(engine, policy)
    client = ApiClient(wiring.settings.ringostat_base_url, wiring.settings.ringostat_timeout)
    # Nobody whose lease was just checked waits for a thread, even where a convoy that broke off has left requests on the wire.
    senders = ThreadPoolExecutor(4 * CONVOY, "sender")
    departures = Departures(engine, wiring.limiter, client, policy, turn_back, senders)
    landings = Landings(engine, wiring.limiter, policy, random.Random())  # noqa: S311 - it spreads retries
    addresses = Addresses(engine, wiring.settings.ringostat_base_url)
    return Pusher(engine, Reader(wiring.crm), wiring.mapping, policy, departures, landings, turn_back, addresses)
