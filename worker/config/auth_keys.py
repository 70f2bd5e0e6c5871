"""Finds the key of a project, which is in the environment or in a file, never in `sync.toml`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from worker.config.environment import read_secret, read_secret_file, read_variable
from worker.config.formats import parse_auth_key
from worker.config.settings import Settings
from worker.config.toml_schema import ProjectTable
from worker.errors import ConfigError


class NoKeyError(ConfigError):
    """A project has no key; its text says where to put one."""


@dataclass(frozen=True, slots=True)
class AuthKey:
    """A key, and the file that it was read from, if it is in one."""

    value: str = field(repr=False)
    file: Path | None = None


def find_auth_key(project: ProjectTable, settings: Settings, *, only: bool) -> AuthKey:
    """Return a project's key.

    It is looked for where the project's table says (`auth_key_env`, `auth_key_file`), and in
    RINGOSTAT_AUTH_KEY for the `only` project and for the one that RINGOSTAT_PROJECT_ID names. Where
    SANDBOX_AUTH_KEY is set, it is the key of those that have no other.
    Raises NoKeyError when there is none, ConfigError when two places differ, and when it cannot be a key.
    """
    uses_environment = only or settings.ringostat_project_id == project.id
    found = _named_keys(project, settings)
    if uses_environment and settings.ringostat_auth_key is not None:
        file = _file_of("RINGOSTAT_AUTH_KEY", settings)
        found["RINGOSTAT_AUTH_KEY"] = AuthKey(settings.ringostat_auth_key.get_secret_value(), file)
    if not found and settings.sandbox_auth_key is not None:
        return AuthKey(settings.sandbox_auth_key.get_secret_value())
    if not found:
        raise NoKeyError(f"Project {project.id} has no key: {_remedy(project, settings, uses_environment)}")
    if len({key.value for key in found.values()}) > 1:
        places = " and ".join(found)
        raise ConfigError(f"Project {project.id} has different keys in {places}: keep one of them")
    return max(found.values(), key=lambda key: key.file is not None)


def read_key_file(name: str, file: Path) -> str:
    """Return the key that is in a file; raises ConfigError, which says that `name` named it, if there is none."""
    return _checked(read_secret_file(name, file), name)


def _named_keys(project: ProjectTable, settings: Settings) -> dict[str, AuthKey]:
    """Return the keys that the project's table leads to, by the place where each was found."""
    found: dict[str, AuthKey] = {}
    if project.auth_key_env is not None:
        key = read_secret(settings.environment, project.auth_key_env)
        if key is not None:
            file = _file_of(project.auth_key_env, settings)
            found[project.auth_key_env] = AuthKey(_checked(key, project.auth_key_env), file)
    if project.auth_key_file is not None:
        place = f"auth_key_file of project {project.id}"
        file = (settings.sync_config.parent / project.auth_key_file).absolute()
        found[place] = AuthKey(read_key_file(place, settings.sync_config.parent / project.auth_key_file), file)
    return found


def _file_of(variable: str, settings: Settings) -> Path | None:
    file = read_variable(settings.environment, f"{variable}_FILE")
    return Path(file).absolute() if file else None


def _checked(key: str, place: str) -> str:
    try:
        return parse_auth_key(key)
    except ValueError as error:
        raise ConfigError(f"{place} {error}") from None


def _remedy(project: ProjectTable, settings: Settings, uses_environment: bool) -> str:
    if project.auth_key_env is not None:
        # A key written there by mistake is hardly in capitals, and must not be shown.
        name = f"{project.auth_key_env}, " if project.auth_key_env.isupper() else ""
        return f"set {name}the variable that its auth_key_env names"
    if uses_environment:
        return "set RINGOSTAT_AUTH_KEY (or RINGOSTAT_AUTH_KEY_FILE) to it"
    return f"add auth_key_env or auth_key_file to its [[projects]] table in {settings.sync_config}"
