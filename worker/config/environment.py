"""Variables of the environment; a secret may be in a file instead (`<NAME>_FILE`, as Docker does it)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from worker.config.files import read_text
from worker.errors import ConfigError

WITH_FILE = frozenset(
    {
        "DATABASE_URL",
        "CRM_DATABASE_URL",
        "REDIS_URL",
        "RINGOSTAT_PROJECT_ID",
        "RINGOSTAT_AUTH_KEY",
        "FLOWER_BASIC_AUTH",
        "CONSOLE_BASIC_AUTH",
        "SYNC_ALERT_URL",
    }
)


class Variables(PydanticBaseSettingsSource):
    """The settings that an environment holds, by their fields; an empty variable counts as unset."""

    def __init__(self, settings_cls: type[BaseSettings], environment: Mapping[str, str]) -> None:
        super().__init__(settings_cls)
        self._environment = environment

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        name = field_name.upper()
        read = read_secret if name in WITH_FILE else read_variable
        return read(self._environment, name), field_name, False

    def __call__(self) -> dict[str, Any]:
        values = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in values.items() if value is not None}


def read_variable(environment: Mapping[str, str], name: str) -> str | None:
    """Return a variable's value; None if it is unset or empty."""
    return environment.get(name) or None


def read_secret(environment: Mapping[str, str], name: str) -> str | None:
    """Return the value of `name`, or of the file that `<name>_FILE` names; None if neither is set.

    Raises ConfigError when the file cannot be read or is empty, and when both are set and differ.
    """
    plain = read_variable(environment, name)
    file = read_variable(environment, f"{name}_FILE")
    if file is None:
        return plain
    kept = read_secret_file(f"{name}_FILE", Path(file))
    if plain is not None and plain != kept:
        raise ConfigError(f"{name} and {name}_FILE are both set and differ: keep one of them")
    return kept


def read_secret_file(name: str, path: Path) -> str:
    """Return a secret from its file, without the newline at its end; errors say that `name` named it."""
    try:
        kept = read_text(path).rstrip("\r\n")
    except ConfigError as error:
        raise ConfigError(f"{name}: {error}: put the value into that file, or name another") from None
    if not kept:
        raise ConfigError(f"{name}: {path} is empty: put the value into that file, or name another")
    return kept
