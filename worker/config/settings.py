"""The environment's variables, read once into one frozen object."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from worker.config import formats
from worker.config.complaints import expected, reason
from worker.config.environment import WITH_FILE, Variables
from worker.config.model import LogLevel, Rate
from worker.errors import ConfigError

_YEAR = 365 * 24 * 3600
BIGINT = 2**63 - 1
LARGEST_BATCH = 10_000
LEASE_MARGIN = 0.1
"""Seconds; under a lease that ends with the time-out no request could ever begin."""


def _kept_secret(parse: Callable[[str], str]) -> AfterValidator:
    return AfterValidator(lambda secret: SecretStr(parse(secret.get_secret_value())))


def rate_from_text(value: object) -> object:
    """Let a Rate pass, and read one that is written `N/s`, `N/m` or `N/h`."""
    return value if isinstance(value, Rate) else formats.parse_rate(str(value))


def _in_lower_case(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


DatabaseUrl = Annotated[SecretStr, _kept_secret(formats.parse_postgres_url)]
RedisUrl = Annotated[SecretStr, _kept_secret(formats.parse_redis_url)]
AuthKey = Annotated[SecretStr, _kept_secret(formats.parse_auth_key)]
AlertUrl = Annotated[SecretStr, _kept_secret(formats.parse_alert_url)]
BasicAuth = Annotated[SecretStr, _kept_secret(formats.parse_basic_auth)]
Seconds = Annotated[
    float,
    Field(gt=0, le=_YEAR, allow_inf_nan=False, description="a number of seconds above 0, at most a year"),
]
Port = Annotated[int, Field(ge=1, le=65535, description="a port from 1 to 65535")]
ProjectId = Annotated[
    int, Field(ge=1, le=BIGINT, description="the project's number in Ringostat, a positive whole number")
]
BatchSize = Annotated[
    int, Field(ge=1, le=LARGEST_BATCH, description=f"a whole number of contacts from 1 to {LARGEST_BATCH}")
]
WrittenLogLevel = Annotated[
    LogLevel, BeforeValidator(_in_lower_case), Field(description="debug, info, warning, error or critical")
]
InstallationName = Annotated[
    str,
    Field(
        pattern=r"\A[A-Za-z0-9_.-]{1,64}\z",
        description="1 to 64 Latin letters, digits, dots, hyphens or underscores",
    ),
]


class Settings(BaseSettings):
    """Every variable, under its own name in lower case; `load_settings` makes one.

    Built directly, as a test may do, it takes fields alone and does not look at the environment.
    """

    model_config = SettingsConfigDict(frozen=True, hide_input_in_errors=True)

    database_url: DatabaseUrl | None = None
    crm_database_url: DatabaseUrl | None = Field(default_factory=lambda read: read.get("database_url"))
    redis_url: RedisUrl | None = None
    ringostat_project_id: ProjectId | None = None
    ringostat_auth_key: AuthKey | None = None
    ringostat_base_url: Annotated[str, AfterValidator(formats.parse_base_url)] = "https://api.ringostat.net"
    ringostat_rate_limit: Annotated[Rate, BeforeValidator(rate_from_text)] = Rate(5, 1.0)
    ringostat_batch_size: BatchSize = 100
    ringostat_timeout: Seconds = 15.0
    sync_max_attempts: Annotated[int, Field(ge=1, le=10_000, description="a whole number from 1 to 10000")] = 12
    sync_retry_base: Seconds = 1.0
    sync_retry_max: Seconds = 3600.0
    sync_collect_interval: Seconds = 5.0
    sync_lease: Seconds = 120.0
    sync_reconcile_at: Annotated[float | None, BeforeValidator(formats.parse_time_of_day)] = 3 * 3600.0
    sync_reconcile_hold: Annotated[float, Field(ge=0, le=1, description="a share from 0 to 1")] = 0.2
    sync_config: Path = Path("sync.toml")
    sync_name: InstallationName = "ringostat-sync"
    sync_home: Path = Path(".ringostat-sync")
    sync_log_level: WrittenLogLevel = "info"
    sandbox_port: Port = 8085
    sandbox_auth_key: AuthKey | None = None
    flower_port: Port = 5555
    flower_basic_auth: BasicAuth | None = None
    console_port: Port = 8090
    console_basic_auth: BasicAuth | None = None
    sync_alert_url: AlertUrl | None = None
    sync_log_format: Annotated[
        Literal["text", "json"] | None, BeforeValidator(_in_lower_case), Field(description="text or json")
    ] = None

    _environment: Mapping[str, str] = PrivateAttr(default_factory=dict)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # `load_settings` reads the environment that it is given, which need not be the process's own.
        return (init_settings,)

    @model_validator(mode="after")
    def _hold_times_against_each_other(self) -> Self:
        shortest = self.ringostat_timeout + LEASE_MARGIN
        if self.sync_lease < shortest:
            raise ValueError(
                f"SYNC_LEASE ({self.sync_lease:g} s) must be longer than RINGOSTAT_TIMEOUT "
                f"({self.ringostat_timeout:g} s): set SYNC_LEASE to {shortest:g} or more"
            )
        if self.sync_retry_max < self.sync_retry_base and "sync_retry_base" in self.model_fields_set:
            raise ValueError(
                f"SYNC_RETRY_MAX ({self.sync_retry_max:g} s) must not be below SYNC_RETRY_BASE "
                f"({self.sync_retry_base:g} s): set SYNC_RETRY_MAX to {self.sync_retry_base:g} or more"
            )
        return self

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables these settings were read from; `sync.toml` may name more of them."""
        return self._environment

    def require_database_url(self) -> str:
        """Return the outbox's address for SQLAlchemy (`postgresql+psycopg://…`), or raise ConfigError."""
        return _demanded(self.database_url, "DATABASE_URL", "the PostgreSQL that holds the outbox")

    def require_crm_database_url(self) -> str:
        """Return the CRM replica's address, by default the outbox's, likewise, or raise ConfigError."""
        return _demanded(self.crm_database_url, "DATABASE_URL", "the PostgreSQL that holds the outbox")

    def require_redis_url(self) -> str:
        """Return the address of Redis, or raise ConfigError."""
        return _demanded(self.redis_url, "REDIS_URL", "the Redis that serves as broker and rate limiter")


def load_settings(env: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from `env`, by default the process's environment.

    Nothing is demanded here: a command asks for what it needs by the `require_…` methods. Raises ConfigError
    with one line on the first variable that is wrong; no secret's value is in it.
    """
    environment = dict(os.environ if env is None else env)
    try:
        settings = Settings(**Variables(Settings, environment)())
    except ValidationError as error:
        raise ConfigError(_complaint(error.errors()[0])) from None
    settings._environment = environment
    return settings


def libpq_url(sqlalchemy_url: str) -> str:
    """Return an address as psycopg and libpq take it (`postgresql://…`)."""
    return "postgresql://" + sqlalchemy_url.partition("://")[2]


def _demanded(secret: SecretStr | None, name: str, purpose: str) -> str:
    if secret is None:
        raise ConfigError(f"{name} is not set: set it to the address of {purpose} (or use `ringostat-sync up`)")
    return secret.get_secret_value()


def _complaint(error: ErrorDetails) -> str:
    if not error["loc"]:
        return reason(error, None)
    field = str(error["loc"][0])
    name = field.upper()
    must_be = expected(Settings.model_fields[field])
    return f"{name} {reason(error, must_be, hidden=name in WITH_FILE)}"
