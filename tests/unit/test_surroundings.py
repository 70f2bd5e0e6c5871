"""What `up` brings along where no project has a key; the servers are given."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.mapping_folder import SOURCE, TWO_PROJECTS, Folder
from worker.config.mapping import load_mapping
from worker.config.settings import load_settings
from worker.errors import ConfigError
from worker.local.up.servers import Surroundings, surround

GIVEN = {"DATABASE_URL": "postgresql://x/y", "REDIS_URL": "redis://x"}
ONE_OF_TWO = SOURCE + "project = 106\n"


def surrounded(folder: Path, toml: str | None = None, **environment: str) -> Surroundings:
    """What `up` finds and adds, with this `sync.toml`."""
    Folder(folder)
    if toml is not None:
        (folder / "sync.toml").write_text(toml)
    with ExitStack() as stack:
        own = {"SYNC_CONFIG": str(folder / "sync.toml"), "SYNC_HOME": str(folder / "home")}
        return surround(stack, GIVEN | own | environment)


def test_every_project_has_the_sandboxes_key_where_none_has_one(tmp_path: Path) -> None:
    """Whether the mapping names a place for it or not."""
    around = surrounded(tmp_path, TWO_PROJECTS + 'auth_key_env = "UNSET"\n' + ONE_OF_TWO)
    projects = load_mapping(around.settings, need_keys=True).projects

    assert around.has_sandbox
    assert not around.has_demo_crm
    assert {number: project.auth_key for number, project in projects.items()} == {106: "sandbox", 107: "sandbox"}


def test_where_one_project_has_a_key_none_has_the_sandboxes(tmp_path: Path) -> None:
    """What one project is to send to Ringostat, no mistake with another one sends elsewhere."""
    around = surrounded(tmp_path, TWO_PROJECTS + 'auth_key_env = "K107"\n' + ONE_OF_TWO, K107="k")

    assert not around.has_sandbox
    with pytest.raises(ConfigError, match="Project 106 has no key"):
        load_mapping(around.settings, need_keys=True)


def test_keys_that_differ_are_told_by_the_places_that_are_set(tmp_path: Path) -> None:
    """And by no other."""
    (tmp_path / "key").write_text("b")
    toml = '[[projects]]\nid = 106\nauth_key_env = "K106"\nauth_key_file = "key"\n' + SOURCE
    with pytest.raises(ConfigError) as caught:
        surrounded(tmp_path, toml, K106="a")

    assert str(caught.value).startswith("Project 106 has different keys in K106 and auth_key_file of project 106")


def test_the_home_is_made_for_flower_too(tmp_path: Path) -> None:
    """Also where both servers are given, and nobody else needs it."""
    surrounded(tmp_path)

    assert (tmp_path / "home").is_dir()


def test_without_key_and_mapping_there_is_a_demo(tmp_path: Path) -> None:
    """With a key there is none: the mapping is missing then."""
    assert surrounded(tmp_path).has_demo_crm
    assert not surrounded(tmp_path, RINGOSTAT_AUTH_KEY="k").has_demo_crm


@pytest.mark.parametrize("setting", ["sandbox_port", "flower_port"])
def test_a_page_whose_port_is_taken_has_the_next_free_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    """Where nobody has set it; what `up` starts is told of it."""
    usual = getattr(load_settings({}), setting)
    for room in ("worker.local.up.servers", "worker.local.up.embedded.ports"):
        monkeypatch.setattr(f"{room}.is_free", lambda port: port not in {usual, usual + 1})
    around = surrounded(tmp_path)

    assert getattr(around.settings, setting) == usual + 2
    assert around.environment[setting.upper()] == str(usual + 2)


@pytest.mark.parametrize("setting", ["SANDBOX_PORT", "FLOWER_PORT"])
def test_a_port_that_is_set_and_taken_is_told(tmp_path: Path, setting: str) -> None:
    """Whoever has set it relies on it: there is no other in its place."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"^{setting}: port {port} is taken; choose a free one.$"):
            surrounded(tmp_path, **{setting: str(port)})
