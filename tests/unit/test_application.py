"""The Celery application: what beat sends and when, and which queues there are."""

from __future__ import annotations

import pytest
from celery import Celery
from kombu.utils.json import dumps

from worker.application import make_application
from worker.config.settings import load_settings

SERVERS = {"DATABASE_URL": "postgresql://x/outbox", "REDIS_URL": "redis://x"}


def application(**environment: str) -> Celery:
    """The application of a process with these settings."""
    return make_application(load_settings({**SERVERS, **environment}))


@pytest.mark.parametrize("interval", ["0.5", "5", "60"])
def test_beat_collects_as_often_as_set(interval: str) -> None:
    """SYNC_COLLECT_INTERVAL is the time between two sweeps."""
    assert application(SYNC_COLLECT_INTERVAL=interval).conf.beat_schedule["sweep"]["schedule"].seconds == float(
        interval
    )


@pytest.mark.parametrize(("lease", "interval"), [("120", "5"), ("8", "60")])
def test_lost_batches_are_found_soon_after_their_lease(lease: str, interval: str) -> None:
    """Within a quarter of it, however seldom beat collects."""
    schedule = application(SYNC_LEASE=lease, RINGOSTAT_TIMEOUT="1", SYNC_COLLECT_INTERVAL=interval).conf.beat_schedule

    assert schedule["recover"]["schedule"].seconds <= float(lease) / 4


def test_beat_has_sources_polled_and_reconciled() -> None:
    """Whose turn it is, and when, is PostgreSQL's to say: beat knows neither the mapping nor the time of the night."""
    assert {"poll", "reconcile"} <= application().conf.beat_schedule.keys()


def test_no_message_expires() -> None:
    """It would be the sender's clock against the receiver's, and nothing would ever run where they differ."""
    assert all("options" not in entry for entry in application().conf.beat_schedule.values())


@pytest.mark.parametrize(
    "url",
    [
        "redis://:hunter2@redis",
        "rediss://sync:hunter2@redis:6380/1?ssl_ca_certs=/ca.pem&ssl_password=hunter2&db=3",
        "unix://sync:hunter2@/run/redis.sock?db=3",
    ],
)
def test_no_setting_that_workers_show_has_a_secret(url: str) -> None:
    """Flower asks a worker for its configuration and for its connection to Redis, through which both travel."""
    made = application(REDIS_URL=url)
    shown = made.conf.table(with_defaults=True, censored=True)

    told = dumps(made.connection().info())

    assert "hunter2" not in repr(shown) + made.connection().as_uri() + told


def test_queues_bear_the_installations_name() -> None:
    """And so does what workers say to each other: two installations may share a Redis."""
    conf = application(SYNC_NAME="second").conf
    spoken = [conf.task_default_queue, conf.event_exchange, conf.control_exchange]

    assert [queue.name for queue in conf.task_queues] == ["second.collect", "second.push", "second.upkeep"]
    assert all(name.startswith("second.") for name in spoken)
