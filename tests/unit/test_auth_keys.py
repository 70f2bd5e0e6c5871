"""Where the key of each project is found, and what is said when it is not."""

from __future__ import annotations

import pytest

from tests.support.mapping_folder import SOURCE, TWO_PROJECTS, Folder
from worker.errors import ConfigError


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def test_keys_are_not_looked_for_unless_needed(folder):
    """A command that does not post runs where the keys are not."""
    mapping = folder.load('[[projects]]\nid = 106\nauth_key_file = "gone"\n' + SOURCE, RINGOSTAT_AUTH_KEY="k")

    assert mapping.projects[106].auth_key is None


@pytest.mark.parametrize(
    "toml",
    [
        SOURCE,
        "[[projects]]\nid = 106\n" + SOURCE,
        '[[projects]]\nid = 106\nauth_key_env = "UNSET"\n' + SOURCE,
        TWO_PROJECTS + 'auth_key_env = "OTHER"\n' + SOURCE + "project = 106\n",
    ],
)
def test_the_environments_key_is_its_projects(folder, toml):
    """RINGOSTAT_AUTH_KEY is the key of RINGOSTAT_PROJECT_ID's project, listed or not."""
    mapping = folder.load(toml, need_keys=True, RINGOSTAT_AUTH_KEY="k", OTHER="o")

    assert mapping.projects[106].auth_key == "k"


def test_the_environments_key_is_the_only_projects(folder):
    """RINGOSTAT_AUTH_KEY is the key of the only listed project, without RINGOSTAT_PROJECT_ID too."""
    mapping = folder.load("[[projects]]\nid = 5\n" + SOURCE, need_keys=True, project="", RINGOSTAT_AUTH_KEY="k")

    assert mapping.projects[5].auth_key == "k"


def test_each_project_has_its_own_key(folder):
    """Keys come from the variable and from the file that each project names."""
    folder.write("key-107", "seven\n")
    mapping = folder.load(
        '[[projects]]\nid = 106\nauth_key_env = "SIX"\n[[projects]]\nid = 107\nauth_key_file = "key-107"\n'
        + SOURCE
        + "project = 107\n",
        need_keys=True,
        SIX="six",
    )

    assert {number: project.auth_key for number, project in mapping.projects.items()} == {
        106: "six",
        107: "seven",
    }


def test_a_named_variable_may_stand_in_a_file(folder):
    """`auth_key_env = "X"` finds X_FILE too."""
    folder.write("key", "k\n")
    toml = '[[projects]]\nid = 106\nauth_key_env = "X"\n' + SOURCE

    assert folder.load(toml, need_keys=True, X_FILE=str(folder.path / "key")).projects[106].auth_key == "k"


def test_keys_that_agree_are_one(folder):
    """The same key in two places is no error."""
    folder.write("key", "k\n")
    toml = '[[projects]]\nid = 106\nauth_key_env = "X"\nauth_key_file = "key"\n' + SOURCE

    assert folder.load(toml, need_keys=True, X="k", RINGOSTAT_AUTH_KEY="k").projects[106].auth_key == "k"


@pytest.mark.parametrize(
    ("project", "env", "message"),
    [
        (
            "",
            {},
            "Project 106 has no key: set RINGOSTAT_AUTH_KEY (or RINGOSTAT_AUTH_KEY_FILE) to it",
        ),
        (
            'auth_key_env = "X"',
            {},
            "Project 106 has no key: set X, the variable that its auth_key_env names",
        ),
        (
            "[[projects]]\nid = 107",
            {"RINGOSTAT_AUTH_KEY": "k"},
            "Project 107 has no key: add auth_key_env or auth_key_file to its [[projects]] table in sync.toml",
        ),
        (
            'auth_key_env = "X"',
            {"X": "hunter1", "RINGOSTAT_AUTH_KEY": "hunter2"},
            "Project 106 has different keys in X and RINGOSTAT_AUTH_KEY: keep one of them",
        ),
        (
            'auth_key_env = "X"\nauth_key_file = "contacts.sql"',
            {"X": "hunter1"},
            "auth_key_file of project 106 has a blank, a newline or a letter outside ASCII: "
            "copy the key again, and nothing else",
        ),
        (
            'auth_key_file = "gone"',
            {},
            "auth_key_file of project 106: gone cannot be read (No such file or directory): "
            "put the value into that file, or name another",
        ),
        (
            'auth_key_env = "hunter2-the-key-itself"',
            {},
            "sync.toml: [[projects]] 106: "
            "auth_key_env must be the name of an environment variable; the key itself does not belong here",
        ),
        (
            'auth_key_env = "hunter2"',
            {},
            "Project 106 has no key: set the variable that its auth_key_env names",
        ),
    ],
)
def test_a_key_that_cannot_be_used_is_told_without_its_value(folder, project, env, message):
    """A missing, ambiguous or broken key is told by where it should be, and never shown."""
    toml = f"[[projects]]\nid = 106\n{project}\n" + SOURCE + "project = 106\n"

    assert message == folder.refusal_of(toml, need_keys=True, **env)


def test_a_mapping_printed_shows_no_key(folder):
    """The key is not in the mapping's repr."""

    assert "hunter2" not in repr(folder.load(SOURCE, need_keys=True, RINGOSTAT_AUTH_KEY="hunter2"))


def test_projects_without_a_key_are_known_before_one_is_needed(folder):
    """Each with what to do about it; those that have one are not among them."""
    toml = TWO_PROJECTS + 'auth_key_env = "OTHER"\n' + SOURCE + "project = 106\n"

    assert folder.keyless(toml, OTHER="o") == {
        106: "Project 106 has no key: set RINGOSTAT_AUTH_KEY (or RINGOSTAT_AUTH_KEY_FILE) to it"
    }
    assert folder.keyless(toml, OTHER="o", RINGOSTAT_AUTH_KEY="k") == {}


@pytest.mark.parametrize(
    ("project", "env"),
    [('auth_key_file = "gone"', {}), ('auth_key_env = "X"', {"X": "hunter1", "RINGOSTAT_AUTH_KEY": "hunter2"})],
)
def test_a_key_that_cannot_be_used_is_an_error_at_once(folder, project, env):
    """A file that is not there and two keys that differ are wrong settings, and no lack of a key."""
    with pytest.raises(ConfigError):
        folder.keyless(f"[[projects]]\nid = 106\n{project}\n" + SOURCE, **env)


@pytest.mark.parametrize(
    ("project", "env"),
    [
        ("", {"RINGOSTAT_AUTH_KEY_FILE": "key"}),
        ("", {"RINGOSTAT_AUTH_KEY_FILE": "key", "RINGOSTAT_AUTH_KEY": "k"}),
        ('auth_key_env = "X"', {"X_FILE": "key"}),
        ('auth_key_file = "key"', {}),
        ('auth_key_env = "X"\nauth_key_file = "key"', {"X": "k"}),
    ],
    ids=range(5),
)
def test_a_keys_file_is_known(folder, monkeypatch, project, env):
    """By its whole path, so that it can be looked at again."""
    folder.write("key", "k\n")
    monkeypatch.chdir(folder.path)
    toml = f"[[projects]]\nid = 106\n{project}\n" + SOURCE
    found = folder.load(toml, need_keys=True, **env).projects[106]

    assert (found.auth_key, found.auth_key_file) == ("k", folder.path / "key")


def test_a_key_in_a_variable_has_no_file(folder):
    """It stays as it is."""
    assert folder.load(SOURCE, need_keys=True, RINGOSTAT_AUTH_KEY="k").projects[106].auth_key_file is None
