"""`sync.toml` and its SQL files, held against the environment and turned into plain values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from worker.config.auth_keys import NoKeyError, find_auth_key
from worker.config.complaints import shown
from worker.config.files import read_text
from worker.config.model import Defaults, Identity, Mapping, Method, Project, Source, Watch
from worker.config.query import clean_condition, clean_query, names_column
from worker.config.settings import Settings
from worker.config.sync_toml import read_sync_toml, source_label, watch_label
from worker.config.toml_schema import ProjectTable, SourceTable, SyncToml, WatchTable
from worker.errors import ConfigError


def load_mapping(settings: Settings, *, need_keys: bool) -> Mapping:
    """Read the file that SYNC_CONFIG names, and the SQL files beside it.

    With `need_keys` every project has its key; without, keys are not even looked for, and are None.
    Raises ConfigError with one line on the first thing that is wrong: where it is and what to do.
    """
    path = settings.sync_config
    written = read_sync_toml(path)
    projects = _projects(written, settings, need_keys=need_keys)
    own = settings.ringostat_project_id if len(projects) > 1 else None
    sources = _sources(written, path, projects, own)
    return Mapping(defaults=_defaults(written, own), projects=projects, sources=sources)


def keyless_projects(settings: Settings) -> dict[int, str]:
    """Return what to do about each project that has no key, by its id.

    Raises ConfigError as `load_mapping` does of the file and its projects, and of a key that cannot be used.
    """
    tables = _project_tables(read_sync_toml(settings.sync_config), settings)
    keyless: dict[int, str] = {}
    for table in tables:
        try:
            find_auth_key(table, settings, only=len(tables) == 1)
        except NoKeyError as error:
            keyless[table.id] = str(error)
    return keyless


def _defaults(written: SyncToml, project: int | None) -> Defaults:
    return Defaults(
        origin=_filled(written.origin),
        region=written.default_region,
        responsible=_filled(written.default_responsible),
        phone_check=written.phone_check,
        project=project,
    )


def _filled(text: str | None) -> str | None:
    """Return None for a blank text: a default that says nothing is none."""
    return text if text and text.strip() else None


def _projects(written: SyncToml, settings: Settings, *, need_keys: bool) -> dict[int, Project]:
    tables = _project_tables(written, settings)
    only = len(tables) == 1
    projects: dict[int, Project] = {}
    for table in tables:
        if table.id in projects:
            raise ConfigError(f"{settings.sync_config}: two [[projects]] have the id {table.id}: keep one of them")
        key = find_auth_key(table, settings, only=only) if need_keys else None
        projects[table.id] = Project(
            id=table.id,
            rate=table.rate_limit or settings.ringostat_rate_limit,
            batch_size=table.batch_size or settings.ringostat_batch_size,
            auth_key=key.value if key else None,
            auth_key_file=key.file if key else None,
        )
    return projects


def _project_tables(written: SyncToml, settings: Settings) -> list[ProjectTable]:
    """Return the projects of the file; where it lists none, the one of the environment."""
    own = settings.ringostat_project_id
    if not written.projects:
        if own is None:
            raise ConfigError(
                "RINGOSTAT_PROJECT_ID is not set: set it to your project's number in Ringostat, "
                f"or list your [[projects]] in {settings.sync_config}"
            )
        return [ProjectTable(id=own)]
    listed = [table.id for table in written.projects]
    if own is not None and own not in listed:
        raise ConfigError(
            f"RINGOSTAT_PROJECT_ID is not among the [[projects]] of {settings.sync_config} "
            f"({_enumerated(listed)}): unset it, or add the project"
        )
    return written.projects


def _sources(written: SyncToml, path: Path, projects: dict[int, Project], own: int | None) -> dict[str, Source]:
    sources: dict[str, Source] = {}
    for index, table in enumerate(written.sources):
        where = f"{path}: {source_label(table.name, index)}"
        if table.name in sources:
            raise ConfigError(f"{where}: another source has this name: give each a name of its own")
        query = _read_query(path.parent / table.query, where)
        routed = table.project is None and len(projects) > 1
        if routed and not names_column(query, "projectId"):
            raise ConfigError(
                f'{where}: project is missing: name one of {_enumerated(projects)}, or have the query return "projectId"'
            )
        sources[table.name] = Source(
            name=table.name,
            method=Method(table.method),
            identity=Identity(table.identity),
            project=_project_of(table, projects, own, where),
            query=query,
            routed=routed,
            watches=_watches(table, where),
            row_security=table.row_security,
            capture=table.capture,
            poll_interval=table.poll_interval,
            poll_margin=table.poll_margin,
        )
    return sources


def _watches(table: SourceTable, where: str) -> tuple[Watch, ...]:
    return tuple(_watch(watch, f"{where}, {watch_label(place)}") for place, watch in enumerate(table.watch))


def _project_of(table: SourceTable, projects: dict[int, Project], own: int | None, where: str) -> int:
    if table.project is None:
        return next(iter(projects)) if own is None else own
    if table.project not in projects:
        raise ConfigError(f"{where}: unknown project {table.project}: name one of {_enumerated(projects)}")
    return table.project


def _read_query(file: Path, where: str) -> str:
    """Return a SQL file as it is written, having checked that it is one SELECT."""
    try:
        sql = read_text(file)
    except ConfigError as error:
        raise ConfigError(f"{where}: query: {error}: put the SELECT into that file in UTF-8, or name another") from None
    _check_sql(clean_query, sql, f"{where}: query {shown(file.name)}")
    return sql


def _watch(table: WatchTable, where: str) -> Watch:
    if table.keys is not None:
        _check_sql(clean_query, table.keys, f"{where}: keys")
    if table.where is not None:
        _check_sql(clean_condition, table.where, f"{where}: where")
    return Watch(
        table=table.table,
        key=table.key,
        keys=table.keys,
        columns=tuple(table.columns),
        where=table.where,
    )


def _check_sql(clean: Callable[[str], str], sql: str, where: str) -> None:
    try:
        clean(sql)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None


def _enumerated(numbers: list[int] | dict[int, Project]) -> str:
    return ", ".join(str(number) for number in numbers)
