"""Connecting: the address as it is given, in libpq's own reading of it, and our settings on top."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from worker.config.settings import libpq_url
from worker.database.pooling import refuse_transaction_pooling
from worker.database.sessions import CAPTURE, Settings, settle_in
from worker.errors import ConfigError, first_line

ALIVE = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
NO_SUCH_VALUE = re.compile(r"(?:is bad|failed): (?P<told>(?:invalid|definition of service|could not match) .*)")
"""What libpq says of an address itself, whoever is there."""
Session = psycopg.Connection[Any]


@dataclass(slots=True)
class Connector:
    """Makes sessions on the server at `url`, all alike; `variable` is the setting that holds the address.

    What the address says of itself (several hosts, `target_session_attrs`, `options`, `application_name`, timeouts, a service) is kept.
    """

    url: str
    variable: str
    settings: Settings
    application: str = "ringostat-sync"
    more: Mapping[str, Any] = field(default_factory=dict)
    _is_checked: bool = field(default=False, init=False)

    def __call__(self) -> Session:
        """A session in autocommit, with our settings. Raises psycopg.Error; ConfigError for an address that can't be used."""
        session = self._connect()
        try:
            if not self._is_checked:
                refuse_transaction_pooling(session, self._connect, self.variable)
                self._is_checked = True
            settle_in(session, self.settings)
        except BaseException:
            session.close()
            raise
        return session

    def _connect(self) -> Session:
        try:
            address = conninfo_to_dict(libpq_url(self.url))
            ours = {} if "service" in address else ALIVE
            named = {"fallback_application_name": self.application, "client_encoding": "UTF8"}
            return psycopg.connect(**{**ours, **named, **address, **self.more}, autocommit=True)
        except psycopg.ProgrammingError as error:
            raise self._unusable(first_line(error)) from None
        except psycopg.OperationalError as error:
            said = NO_SUCH_VALUE.search(first_line(error))
            if said is None:
                raise
            raise self._unusable(said["told"]) from None

    def _unusable(self, told: str) -> ConfigError:
        return ConfigError(f"{self.variable}: {told}: correct the address.")


def refuse_unusable(database_url: str, crm_database_url: str) -> None:
    """Raise ConfigError for an address that can't be used, now or later; a server that does not answer is waited for elsewhere."""
    for url, variable in ((database_url, "DATABASE_URL"), (crm_database_url, "CRM_DATABASE_URL")):
        with suppress(psycopg.Error):
            Connector(url, variable, {})().close()


def capture_session(database_url: str) -> closing[Session]:
    """A session for what works on the CRM's own tables, to be closed by `with`; its search_path is the role's own."""
    return closing(Connector(database_url, "DATABASE_URL", CAPTURE)())
