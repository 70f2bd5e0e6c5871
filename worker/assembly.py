"""What a worker is made of, put together: loaded before it forks, and in no process that only watches."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial

from worker.api.client import ApiClient
from worker.collect.collector import Collector
from worker.collect.fan_out import FanOut
from worker.collect.groups import GROUP
from worker.projects.addresses import Address
from worker.projects.routes import Routes
from worker.push.push import Pusher
from worker.push.receive import Receiver
from worker.push.release import Releases
from worker.push.send import Sender
from worker.read.reader import Reader
from worker.reconcile.polled import Polled, is_polled
from worker.reconcile.reconcile import Reconciler
from worker.reconcile.turns import Turns
from worker.wiring import Wiring


class Assembly(Wiring):
    """The parts of a worker upon its connections; made after the fork, when they are first asked for."""

    @cached_property
    def collector(self) -> Collector:
        """What changed becomes batches."""
        return Collector(
            self.engine,
            self.limiter,
            self.mapping,
            self.routes,
            max_attempts=self.policy.max_attempts,
            probe_lease=self.policy.lease,
            dice=random.Random(),  # noqa: S311 - it shuffles and spreads, and keeps no secret
        )

    @cached_property
    def fan_out(self) -> FanOut:
        """Changed rows that stand for many contacts become those contacts."""
        return FanOut(self.engine, self.crm, self.mapping, self.policy, self.routes)

    @cached_property
    def routes(self) -> Routes:
        """Keys of routed sources find their projects."""
        return Routes(Reader(self.crm), self.mapping)

    @cached_property
    def address(self) -> Address:
        """Where documents go."""
        return Address(self.engine, self.settings.ringostat_base_url)

    @cached_property
    def reconciler(self) -> Reconciler:
        """What the API holds, beside what the CRM says."""
        return Reconciler(self.engine, self.crm, self.mapping, self.address, self.settings.sync_reconcile_hold)

    @cached_property
    def turns(self) -> Turns:
        """Sources are compared with what was accepted."""
        takes_no_triggers = partial(is_polled, self.engine, self.place_of_crm)
        return Turns(self.reconciler, Polled(self.mapping, takes_no_triggers), self.settings.sync_reconcile_at)

    @cached_property
    def pusher(self) -> Pusher:
        """Batches become requests, and their answers verdicts."""
        engine, policy = self.engine, self.policy
        releases = Releases(engine, policy)
        settings = self.settings
        client = ApiClient(settings.ringostat_base_url, settings.ringostat_timeout, self.network, self.keys)
        # A request whose lease was just checked waits for no thread, even if a group that broke off has left requests on the wire.
        threads = ThreadPoolExecutor(4 * GROUP, "sender")
        sender = Sender(engine, self.limiter, client, policy, releases, threads, self.marks)
        receiver = Receiver(engine, self.limiter, policy, random.Random())  # noqa: S311 - it spreads retries
        return Pusher(engine, Reader(self.crm), self.mapping, policy, sender, receiver, releases, self.address)
