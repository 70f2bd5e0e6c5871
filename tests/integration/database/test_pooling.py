"""A PgBouncer in between: sessions by the connection work, sessions by the transaction are refused before anything is set in one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import psycopg
import pytest

from tests.support.engine import Engine
from tests.support.other_postgres import pgbouncer
from worker.database.engines import outbox_engine
from worker.errors import ConfigError

REFUSED = "DATABASE_URL leads to a pooler (such as PgBouncer) that gives sessions by the transaction: set its pool_mode to session"


@contextmanager
def others_at_work(url: str, clients: int = 4) -> Iterator[None]:
    """Other clients of the pooler, so that it does not give out the same session to us each time."""
    stop = Event()

    def work() -> None:
        with psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
            while not stop.wait(0.001):
                connection.execute("SELECT pg_sleep(0.001)")

    threads = [Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def driver(url: str) -> str:
    """The address as the settings hand it on."""
    return url.replace("postgresql://", "postgresql+psycopg://")


@pytest.mark.parametrize("mode", ["transaction", "statement"])
@pytest.mark.parametrize(
    "more", ["", "ignore_startup_parameters = options,extra_float_digits", "server_round_robin = 1"]
)
def test_sessions_by_the_transaction_are_refused(database_url: str, mode: str, more: str) -> None:
    """In one line that names the setting, also where the pooler hides that it ignores what is said at the start."""
    with pgbouncer(database_url, mode, more) as url, pytest.raises(ConfigError) as caught:
        outbox_engine(driver(url)).connect()

    assert str(caught.value).startswith(REFUSED)


def test_they_are_refused_among_other_clients(database_url: str) -> None:
    """Who has a session at the moment is another one each time."""
    with pgbouncer(database_url, "transaction", "server_round_robin = 1") as url, others_at_work(url):
        for _ in range(5):
            with pytest.raises(ConfigError):
                outbox_engine(driver(url)).connect()


def test_nothing_is_set_in_a_session_that_others_get(database_url: str) -> None:
    """A setting of ours would be the CRM's own from then on."""
    with pgbouncer(database_url, "transaction", "default_pool_size = 1") as url:
        with pytest.raises(ConfigError):
            outbox_engine(driver(url)).connect()
        with psycopg.connect(url, autocommit=True) as crm:
            shown = crm.execute("SELECT current_setting('search_path'), current_setting('enable_seqscan')").fetchone()

    assert shown == ('"$user", public', "on")


def test_a_pool_without_a_session_to_spare_is_no_reason_to_refuse(database_url: str) -> None:
    """What can't be asked in time is not held against it."""
    with pgbouncer(database_url, "session", "default_pool_size = 1") as url:
        engine = outbox_engine(driver(url))
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SHOW search_path").scalar_one() == "pg_catalog"
        engine.dispose()


def test_sessions_by_the_connection_work(engine: Engine) -> None:
    """From a change to the telephone, and a second time over the same pooled sessions."""
    with pgbouncer(engine.database_url, "session") as url:
        engine.wiring.engine.dispose()
        engine.wiring.crm.dispose()
        settings = {"DATABASE_URL": url, "CRM_DATABASE_URL": url}
        pooled = type(engine.wiring).of(engine.wiring.settings.model_copy(update=_secrets(settings)))
        engine.contacts(1, 3)
        engine.change(1, 2, 3)
        for batch in [
            batch for message in pooled.collector.round(106).messages for group in message for batch in group
        ]:
            pooled.pusher.push(batch)
        pooled.engine.dispose()
        pooled.crm.dispose()

    assert engine.lane().sent == 3


def _secrets(settings: dict[str, str]) -> dict[str, object]:
    from pydantic import SecretStr  # noqa: PLC0415 - only here

    return {name.lower(): SecretStr(driver(url)) for name, url in settings.items()}


@pytest.mark.parametrize("command", ["migrate", "worker", "listen", "status"])
def test_a_command_says_so_in_one_line(engine: Engine, command: str) -> None:
    """Exit code 2, before it does anything."""
    with pgbouncer(engine.database_url, "transaction") as url:
        done = subprocess.run(
            [sys.executable, "-m", "worker", command],
            env={**engine.environment, "DATABASE_URL": url, "PATH": ""},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1].startswith(f"ringostat-sync: {REFUSED}")
