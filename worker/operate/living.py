"""Living: a process of ours has a pulse, and with it looks after the job as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import structlog
from sqlalchemy import Connection

from worker.broker.client import redis_client
from worker.capture.catalog import watch
from worker.capture.states import WatchStatus
from worker.config.mapping import load_mapping
from worker.config.model import Mapping
from worker.config.network import read_network
from worker.config.settings import Settings
from worker.database.engines import outbox_engine
from worker.database.place import Place, last_place
from worker.operate.alert import send_alert
from worker.operate.outage import Outage
from worker.operate.pulse import Pulse, identify, introduce
from worker.operate.watch import Watcher
from worker.reconcile.request import after_gap

log = structlog.get_logger()


@contextmanager
def living(role: str, settings: Settings, mapping: Mapping | None = None) -> Iterator[Pulse]:
    """Around the work of a process: it is introduced, its pulse beats, and at the end it says that it has ended."""
    pulse = make_pulse(role, settings, mapping)
    pulse.start()
    try:
        yield pulse
    finally:
        pulse.stop()


def make_pulse(role: str, settings: Settings, mapping: Mapping | None = None) -> Pulse:
    """A pulse that has not begun; with it the process is introduced."""
    mapping = mapping or load_mapping(settings, need_keys=False)
    identity = identify(role, settings, mapping)
    introduce(identity, settings, mapping)
    # Every role looks at the same: else one would tell what the next takes back.
    redis, tell = redis_client(settings.require_redis_url()), alert_of(settings)
    watcher = Watcher(
        engine=outbox_engine(settings.require_database_url()),
        redis=redis,
        mapping=mapping,
        capture=partial(capture_of, settings, mapping),
        tell=tell,
        mend=after_gap,
    )
    outage = Outage(redis, settings.sync_name, tell)
    return Pulse(settings.require_database_url(), identity, watcher.look, outage)


def alert_of(settings: Settings) -> Callable[[str], bool] | None:
    """What sends an alert, if SYNC_ALERT_URL says to whom."""
    if settings.sync_alert_url is None:
        return None
    url = settings.sync_alert_url.get_secret_value()
    return partial(send_alert, url, read_network(settings.environment, url))


def capture_of(settings: Settings, mapping: Mapping, connection: Connection) -> list[WatchStatus]:
    """How the watches are; none if the CRM is another database, as it has no triggers of ours."""
    asked = last_place(settings.require_database_url(), settings.require_crm_database_url())
    if asked() in {None, Place.ELSEWHERE}:
        return []
    driver = connection.connection.driver_connection
    return watch(driver, mapping)  # type: ignore[arg-type] # psycopg's own
