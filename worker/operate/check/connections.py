"""Do the servers answer, and are the projects' keys set?"""

from __future__ import annotations

from collections.abc import Iterator

from redis.exceptions import AuthenticationError, RedisError
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from worker.config.mapping import keyless_projects
from worker.database.place import Place
from worker.errors import ReplicaUnavailableError, first_line
from worker.operate.check.finding import Finding, warning
from worker.reconcile.polled import is_watched
from worker.wiring import Wiring

REFUSAL = "FATAL:"
"""Stands before PostgreSQL's own words; without it nobody has answered."""


def connections(wiring: Wiring) -> Iterator[Finding]:
    """A line for each server."""
    yield _postgres("DATABASE_URL", wiring.engine)
    yield _postgres("CRM_DATABASE_URL", wiring.crm)
    yield _redis(wiring)


def place_findings(wiring: Wiring, place: Place) -> Iterator[Finding]:
    """A line if the CRM is read elsewhere than its changes are captured."""
    if place is Place.STANDBY:
        yield Finding("CRM_DATABASE_URL is a standby of DATABASE_URL: it is read when it has what was captured")
    if place is Place.ELSEWHERE and is_watched(wiring.engine):
        told = "tables are watched in DATABASE_URL, but contacts are read in CRM_DATABASE_URL, which may lag behind"
        yield warning(f"{told}: run `ringostat-sync capture remove` without CRM_DATABASE_URL, or unset that")


def proxies(wiring: Wiring) -> Iterator[Finding]:
    """A line if there is a proxy on the way to the API. Raises ConfigError for one, or for certificates, that can't be used."""
    if (proxy := wiring.network.proxy) is not None:
        yield Finding(f"The API is reached through the proxy {proxy.host}:{proxy.port}")


def projects(wiring: Wiring) -> Iterator[Finding]:
    """A line for each project. Raises ConfigError for a key that can't be used."""
    keyless = keyless_projects(wiring.settings)
    for project in wiring.mapping.projects:
        problem = keyless.get(project)
        yield Finding(problem or f"Project {project}: its key is set", warns=problem is not None)


def _postgres(name: str, engine: Engine) -> Finding:
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except DBAPIError as error:
        told = first_line(error.orig or error)
        if REFUSAL in told:
            return Finding(f"{name}: PostgreSQL refuses: {told.partition(REFUSAL)[2].strip()}", stops=True)
        return Finding(f"{name}: PostgreSQL does not answer ({told})", stops=True)
    except ReplicaUnavailableError as error:
        return Finding(str(error), stops=True)
    return Finding(f"{name}: PostgreSQL answers")


def _redis(wiring: Wiring) -> Finding:
    if wiring.settings.redis_url is None:
        return warning("REDIS_URL is not set: the worker will need it")
    try:
        wiring.redis.ping()
    except AuthenticationError as error:
        return Finding(f"REDIS_URL: Redis refuses: {first_line(error)}", stops=True)
    except (RedisError, OSError) as error:
        return Finding(f"REDIS_URL: Redis does not answer ({first_line(error)})", stops=True)
    return Finding("REDIS_URL: Redis answers")
