"""The Celery application: its settings, its queues, beat's schedule."""

from __future__ import annotations

import gc
import os
import socket
import sys
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from signal import alarm
from typing import TYPE_CHECKING, Any

# Read when Celery is imported: at SIGTERM a worker finishes what it holds for a bounded time, and gives the rest back.
os.environ.setdefault("REMAP_SIGTERM", "SIGQUIT")

from celery import Celery, signals
from celery.platforms import SecurityWarning
from celery.worker import state
from kombu import Exchange, Queue
from kombu.exceptions import OperationalError

from worker.broker.beat import SparingScheduler, every
from worker.broker.client import problem, redis_client
from worker.broker.queues import Queues
from worker.broker.transport import OPTIONS, tls_options, transport_to, without_password
from worker.broker.watchdog import GRACE, Watchdog
from worker.config.extras import require_extra
from worker.config.settings import Settings
from worker.errors import BrokerUnavailableError, ConfigError
from worker.messages import KINDS, UPKEEP, Messages, queue_name

if TYPE_CHECKING:
    from worker.assembly import Assembly
    from worker.operate.pulse import Pulse
    from worker.wiring import Wiring

POLL_LOOK, RECONCILE_LOOK = 2.0, 5.0
"""Seconds between two looks whether a source is to be polled, or to be reconciled; each stretch then sends for the next."""
PURGE_EVERY = 60.0


def make_application(settings: Settings) -> Celery:
    """The application of this process. Messages are hints: PostgreSQL alone holds the truth."""
    url = settings.require_redis_url()
    application = Celery(settings.sync_name, broker=without_password(url), set_as_current=True)
    application.conf.update(broker_transport=transport_to(url))
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
        "task_acks_late": True,  # a process takes a message when it is free for it, and none to keep
        "worker_prefetch_multiplier": 1,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_max_tasks_per_child": 20_000,
        "worker_soft_shutdown_timeout": settings.ringostat_timeout,
        "worker_send_task_events": True,
        "worker_redirect_stdouts": False,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_transport_options": OPTIONS,
        "event_exchange": f"{settings.sync_name}.events",
        "control_exchange": f"{settings.sync_name}.control",
        "beat_schedule": _schedule(settings),
        "beat_max_loop_interval": 5,
        "timezone": "UTC",
    }


def _schedule(settings: Settings) -> dict[str, dict[str, Any]]:
    collect = settings.sync_collect_interval
    seconds = {
        "sweep": collect,
        "recover": min(collect, settings.sync_lease / 4),
        "poll": POLL_LOOK,
        "reconcile": RECONCILE_LOOK,
        "purge": PURGE_EVERY,
    }
    return {task: {"task": task, "schedule": every(interval)} for task, interval in seconds.items()}


def run_worker(settings: Settings, assembly: Assembly, concurrency: int, pulse: Pulse) -> None:
    """Collect and push with `concurrency` processes until SIGTERM or Ctrl-C. `pulse` beats once they are forked."""
    import encodings.idna  # noqa: F401, PLC0415 - by the first connection, perhaps in a thread while another process is forked

    from worker.broker.consumer import PatientConsumer  # noqa: PLC0415 - only if there is a worker
    from worker.tasks import register  # noqa: PLC0415 - with all that tasks need: before the fork, and not if none runs

    # Inside a container, and under `up` on a bare machine, root is who we are; our tasks run nobody's code.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    _hush_last_words()
    application = make_application(settings)
    register(application, settings, assembly, messages(application, settings, assembly))
    worker = application.Worker(
        concurrency=concurrency,
        hostname=f"{settings.sync_name}-{os.getpid()}@{socket.gethostname()}",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        task_events=True,
        consumer_cls=partial(PatientConsumer, look=_watchdog(settings, concurrency).look),
    )
    ended: list[str] = []
    signals.worker_shutting_down.connect(lambda how, **_: ended.append(how), weak=False)
    # Children share what stands in memory now; without this, their first collection would copy all of it.
    gc.collect()
    gc.freeze()
    signals.worker_ready.connect(lambda **_: pulse.start(), weak=False)
    signals.heartbeat_sent.connect(lambda **_: pulse.progress(), weak=False)
    worker.start()
    pulse.stop()
    # Celery calls a Ctrl-C a failure, also if everything ended in order.
    sys.exit(0 if ended == ["Warm"] else worker.exitcode or 0)


def _watchdog(settings: Settings, concurrency: int) -> Watchdog:
    """What has the worker end when it takes nothing any more."""
    taken: list[str] = []

    def take(request: Any, **_: Any) -> None:
        taken[:] = [request.id]

    def end(code: int) -> None:
        state.should_stop = code
        alarm(GRACE)  # ends what does not end in order

    signals.task_received.connect(take, weak=False)
    names = [queue_name(settings.sync_name, kind) for kind in KINDS]
    queues = Queues(redis_client(settings.require_redis_url(), patience=1.0))
    return Watchdog(queues, names, lambda: "".join(taken), lambda: len(state.active_requests) < concurrency, end)


def _hush_last_words() -> None:
    """Keep Celery's word at a shutdown, "Hitting Ctrl+C again will terminate all running tasks!", for those who have a Ctrl-C to hit.

    It goes past the logs to this stream, and in a log it is only frightening: nothing is lost.
    """
    if not sys.stdout.isatty():
        sys.__stdout__ = None  # type: ignore[misc] # Python itself leaves it None if there is no console


def run_beat(settings: Settings, progress: Callable[[], None]) -> None:
    """Send the periodic tasks until SIGTERM. Nothing is kept between runs: every interval is short, and a second beat does no harm.

    `progress` is called at each turn of the schedule.
    """
    application = make_application(settings)
    queues, upkeep = Queues(redis_client(settings.require_redis_url())), queue_name(settings.sync_name, UPKEEP)
    scheduler = partial(SparingScheduler, waits=partial(queues.holds, upkeep), progress=progress)
    application.Beat(scheduler_cls=scheduler, quiet=True).run()


def run_flower(
    settings: Settings, address: str, progress: Callable[[], None], *, writable: bool, database: Path | None
) -> None:
    """Show workers and tasks at FLOWER_PORT until SIGTERM; never without a password. `database` keeps what was seen.

    `progress` is called every few seconds.
    """
    if settings.flower_basic_auth is None:
        raise ConfigError("FLOWER_BASIC_AUTH is not set: set it to user:password, as the page shows the whole job.")
    require_extra("flower", "flower", "Flower")
    from worker.operate.flower import show  # noqa: PLC0415 - tornado's options are only defined where they are used

    application = make_application(settings)
    application.conf.update(broker_use_ssl=tls_options(settings.require_redis_url()))
    password = settings.flower_basic_auth.get_secret_value()
    show(application, address, settings.flower_port, password, progress, writable=writable, database=database)


def messages(application: Celery, settings: Settings, wiring: Wiring) -> Messages:
    """What is sent through the broker. Its methods raise BrokerUnavailableError, and RedisError if a queue's length can't be had."""

    def send(*arguments: Any, **options: Any) -> None:
        try:
            application.send_task(*arguments, **options)
        except OperationalError as error:
            raise BrokerUnavailableError(problem(error)) from error

    def queues() -> Queues:
        return wiring.queues  # connected to after the fork

    return Messages(send, settings.sync_name, queues, len(wiring.mapping.projects))


def send_collect(settings: Settings, wiring: Wiring) -> Callable[[int], None]:
    """How the listener wakes a project's collector."""
    return messages(make_application(settings), settings, wiring).collect
