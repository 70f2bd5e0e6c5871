"""What `up` starts if the environment names no server: PostgreSQL, Redis, the stand-in API."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from worker.config.extras import require_extra
from worker.config.mapping import keyless_projects, load_mapping
from worker.config.settings import Settings, load_settings
from worker.errors import ConfigError
from worker.local.demo import MAPPING
from worker.local.up.embedded import EmbeddedPostgres, EmbeddedValkey
from worker.local.up.embedded.ports import is_free, next_free

DEMO_PROJECT = "106"


@dataclass(slots=True)
class Surroundings:
    """Where the parts find each other. `environment` is what their processes get on top of ours."""

    settings: Settings
    environment: dict[str, str]
    has_sandbox: bool
    has_demo_crm: bool
    postgres: EmbeddedPostgres | None = None
    valkey: EmbeddedValkey | None = None


def surround(stack: ExitStack, given: Mapping[str, str]) -> Surroundings:
    """Start the servers that are missing; `stack` stops them, last started first. Raises ConfigError."""
    settings = load_settings(given)
    require_extra("flower", "up", "Flower")
    has_mapping = os.path.exists(settings.sync_config)
    has_sandbox = not _has_key(settings, has_mapping=has_mapping)
    _make_home(settings.sync_home)
    # The parts write to pipes: their lines are for whoever reads ours.
    added: dict[str, str] = {"SYNC_LOG_FORMAT": settings.sync_log_format or ("text" if sys.stderr.isatty() else "json")}
    postgres = valkey = None
    if settings.database_url is None:
        postgres = EmbeddedPostgres(settings.sync_home)
        stack.callback(postgres.stop)
        added["DATABASE_URL"] = postgres.start()
    if settings.redis_url is None:
        valkey = EmbeddedValkey(settings.sync_home)
        stack.callback(valkey.stop)
        added["REDIS_URL"] = valkey.start()
    has_demo_crm = has_sandbox and not has_mapping
    if has_sandbox:
        added |= _sandbox(settings)
    if has_demo_crm:
        added |= {"RINGOSTAT_PROJECT_ID": DEMO_PROJECT, "SYNC_CONFIG": str(MAPPING)}
    added |= _flower(settings) | _console(settings)
    complete = load_settings({**given, **added})
    return Surroundings(complete, added, has_sandbox, has_demo_crm, postgres, valkey)


def _make_home(home: Path) -> None:
    """The folder in which Flower, too, keeps what it has seen."""
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"SYNC_HOME: {home} cannot be made ({error.strerror}): set SYNC_HOME to a folder that this user may write to."
        ) from error


def _has_key(settings: Settings, *, has_mapping: bool) -> bool:
    """Whether any auth key is set: by the environment, or by the variables and files that `sync.toml` names.

    Raises ConfigError for a mapping or a key that can't be used: a mistake there must not send everything to the sandbox.
    """
    if settings.ringostat_auth_key is not None or not has_mapping:
        return settings.ringostat_auth_key is not None
    projects = load_mapping(settings, need_keys=False).projects
    return len(keyless_projects(settings)) < len(projects)


def _sandbox(settings: Settings) -> dict[str, str]:
    """The sandbox in the place of the vendor's API; any key is good for it."""
    port = _port(settings, "sandbox_port")
    return {
        "SANDBOX_PORT": str(port),
        "RINGOSTAT_BASE_URL": f"http://127.0.0.1:{port}",
        "SANDBOX_AUTH_KEY": "sandbox",
    }


def _flower(settings: Settings) -> dict[str, str]:
    added = {"FLOWER_PORT": str(_port(settings, "flower_port"))}
    if settings.flower_basic_auth is None:
        added["FLOWER_BASIC_AUTH"] = f"ringostat:{secrets.token_urlsafe(9)}"
    return added


def _console(settings: Settings) -> dict[str, str]:
    added = {"CONSOLE_PORT": str(_port(settings, "console_port"))}
    if settings.console_basic_auth is None:
        added["CONSOLE_BASIC_AUTH"] = f"ringostat:{secrets.token_urlsafe(9)}"
    return added


def _port(settings: Settings, field_name: str) -> int:
    wanted: int = getattr(settings, field_name)
    if is_free(wanted):
        return wanted
    if field_name in settings.model_fields_set:
        raise ConfigError(f"{field_name.upper()}: port {wanted} is taken; choose a free one.")
    free = next_free(wanted)
    if free is None:
        raise ConfigError(f"{field_name.upper()}: no port from {wanted} on is free; set one.")
    return free
