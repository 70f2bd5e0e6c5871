"""The Celery application: its settings, its queues, beat's schedule."""

from __future__ import annotations

import gc
import os
import socket
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Read when Celery is imported: at SIGTERM a worker finishes what it holds for a bounded time, and gives the rest back.
os.environ.setdefault("REMAP_SIGTERM", "SIGQUIT")

from celery import Celery, signals
from celery.platforms import SecurityWarning
from kombu import Exchange, Queue

from worker.config.extras import require_extra
from worker.config.settings import Settings
from worker.errors import ConfigError
from worker.messages import KINDS, UPKEEP, Messages, queue_name

if TYPE_CHECKING:
    from worker.assembly import Assembly

BROKER = {
    "visibility_timeout": 300,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "health_check_interval": 5,
    "socket_timeout": 6,  # a connection cut silently is noticed after so long
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
}


POLL_LOOK, RECONCILE_LOOK = 2.0, 5.0
"""Seconds between two looks whether a source is to be polled, or to be reconciled; each stretch then sends for the next."""


def make_application(settings: Settings) -> Celery:
    """The application of this process. Messages are hints: PostgreSQL alone holds the truth."""
    application = Celery(settings.sync_name, broker=settings.require_redis_url(), set_as_current=True)
    application.conf.update(_configuration(settings))
    signals.setup_logging.connect(_leave_logs_alone)
    return application


def _leave_logs_alone(**_: Any) -> None:
    """Somebody who listens is all that Celery asks for to leave the logs as `set_up_logs` has made them."""


def _queue(name: str) -> Queue:
    return Queue(name, Exchange(name), routing_key=name)


def _configuration(settings: Settings) -> dict[str, Any]:
    return {
        "task_queues": [_queue(queue_name(settings.sync_name, kind)) for kind in KINDS],
        "task_default_queue": queue_name(settings.sync_name, UPKEEP),
        "task_create_missing_queues": False,
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_ignore_result": True,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "worker_prefetch_multiplier": 1,
        "worker_cancel_long_running_tasks_on_connection_loss": True,
        "worker_max_tasks_per_child": 20_000,
        "worker_soft_shutdown_timeout": settings.ringostat_timeout,
        "worker_send_task_events": True,
        "worker_redirect_stdouts": False,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_transport_options": BROKER,
        "event_exchange": f"{settings.sync_name}.events",
        "control_exchange": f"{settings.sync_name}.control",
        "beat_schedule": _schedule(settings),
        "beat_max_loop_interval": 5,
        "timezone": "UTC",
    }


def _schedule(settings: Settings) -> dict[str, dict[str, Any]]:
    every = settings.sync_collect_interval
    return {
        "sweep": {"task": "sweep", "schedule": every, "options": {"expires": max(every, 5)}},
        "recover": {
            "task": "recover",
            "schedule": min(every, settings.sync_lease / 4),
            "options": {"expires": max(every, 5)},
        },
        "poll": {"task": "poll", "schedule": POLL_LOOK, "options": {"expires": 2 * POLL_LOOK}},
        "reconcile": {"task": "reconcile", "schedule": RECONCILE_LOOK, "options": {"expires": 2 * RECONCILE_LOOK}},
        "purge": {"task": "purge", "schedule": 60, "options": {"expires": 60}},
    }


def run_worker(settings: Settings, assembly: Assembly, concurrency: int) -> None:
    """Collect and push with `concurrency` processes until SIGTERM or Ctrl-C."""
    from worker.tasks import register  # noqa: PLC0415 - with all that tasks need: before the fork, and not where none runs

    # Inside a container, and under `up` on a bare machine, root is who we are; our tasks run nobody's code.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    _hush_last_words()
    application = make_application(settings)
    register(application, settings, assembly)
    worker = application.Worker(
        concurrency=concurrency,
        hostname=f"{settings.sync_name}-{os.getpid()}@{socket.gethostname()}",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        task_events=True,
    )
    ended: list[str] = []
    signals.worker_shutting_down.connect(lambda how, **_: ended.append(how), weak=False)
    # Children share what stands in memory now; without this, their first collection would copy all of it.
    gc.collect()
    gc.freeze()
    worker.start()
    # Celery calls a Ctrl-C a failure, also where everything ended in order.
    sys.exit(0 if ended == ["Warm"] else worker.exitcode or 0)


def _hush_last_words() -> None:
    """Keep Celery's word at a shutdown, "Hitting Ctrl+C again will terminate all running tasks!", for those who have a Ctrl-C to hit.

    It goes past the logs to this stream, and in a log it is only frightening: nothing is lost.
    """
    if not sys.stdout.isatty():
        sys.__stdout__ = None  # type: ignore[misc] # Python itself leaves it None where there is no console


def run_beat(settings: Settings) -> None:
    """Send the periodic tasks until SIGTERM. Nothing is kept between runs: every interval is short, and a second beat does no harm."""
    application = make_application(settings)
    application.Beat(scheduler_cls="celery.beat:Scheduler", quiet=True).run()


def run_flower(settings: Settings, address: str, *, writable: bool, database: Path | None) -> None:
    """Show workers and tasks at FLOWER_PORT until SIGTERM; never without a password. `database` keeps what was seen."""
    if settings.flower_basic_auth is None:
        raise ConfigError("FLOWER_BASIC_AUTH is not set: set it to user:password, as the page shows the whole job.")
    require_extra("flower", "flower", "Flower")
    from worker.operate.flower import show  # noqa: PLC0415 - tornado's options are only defined where they are used

    application = make_application(settings)
    password = settings.flower_basic_auth.get_secret_value()
    show(application, address, settings.flower_port, password, writable=writable, database=database)


def send_collect(settings: Settings) -> Callable[[int], None]:
    """How the listener wakes a project's collector."""
    return Messages(make_application(settings).send_task, settings.sync_name).collect
