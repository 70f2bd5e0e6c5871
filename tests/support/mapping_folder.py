"""A folder with a sync.toml, for the tests of the mapping."""

from __future__ import annotations

from pathlib import Path

import pytest

from worker.config.mapping import keyless_projects, load_mapping
from worker.config.model import Mapping
from worker.config.settings import Settings, load_settings
from worker.errors import ConfigError

SQL = 'SELECT c.id AS key, c.name AS "fullName" FROM crm.contacts c WHERE NOT c.hidden; -- all\r\n'
SOURCE = '[[sources]]\nname = "contacts"\nmethod = "contacts"\nquery = "contacts.sql"\n'
TWO_PROJECTS = "[[projects]]\nid = 106\n[[projects]]\nid = 107\n"


class Folder:
    """A folder with a sync.toml, and the environment beside it."""

    def __init__(self, path: Path):
        self.path = path
        self.write("contacts.sql", SQL)

    def write(self, name: str, text: str) -> None:
        (self.path / name).write_bytes(text.encode())

    def settings(self, toml: str, project: str = "106", **env: str) -> Settings:
        self.write("sync.toml", toml)
        env |= {"SYNC_CONFIG": str(self.path / "sync.toml"), "RINGOSTAT_PROJECT_ID": project}
        return load_settings(env)

    def load(self, toml: str, *, need_keys: bool = False, project: str = "106", **env: str) -> Mapping:
        return load_mapping(self.settings(toml, project, **env), need_keys=need_keys)

    def keyless(self, toml: str, **env: str) -> dict[int, str]:
        return keyless_projects(self.settings(toml, **env))

    def refusal_of(self, toml: str, *, need_keys: bool = False, project: str = "106", **env: str) -> str:
        """Return the error's one line, without the path of the folder."""
        with pytest.raises(ConfigError) as caught:
            self.load(toml, need_keys=need_keys, project=project, **env)
        assert "\n" not in str(caught.value)
        return str(caught.value).replace(f"{self.path}/", "")
