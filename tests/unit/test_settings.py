"""`load_settings`: the environment, read into one frozen object."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from worker.config.environment import WITH_FILE
from worker.config.model import Rate
from worker.config.settings import Settings, load_settings
from worker.errors import ConfigError

MANUAL = Path(__file__).parents[2] / "docs" / "settings.md"
POSTGRES = "postgresql://crm:s3cret@db:5432/crm"


def refusal_of(**env: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_settings(env)
    return str(caught.value)


def test_an_empty_environment_has_the_defaults():
    """Without any variable the settings are those of the manual, and nothing is demanded."""
    settings = load_settings({})

    assert dict(settings) == {
        "database_url": None,
        "crm_database_url": None,
        "redis_url": None,
        "ringostat_project_id": None,
        "ringostat_auth_key": None,
        "ringostat_base_url": "https://api.ringostat.net",
        "ringostat_rate_limit": Rate(5, 1.0),
        "ringostat_batch_size": 100,
        "ringostat_timeout": 15.0,
        "sync_max_attempts": 12,
        "sync_retry_base": 1.0,
        "sync_retry_max": 3600.0,
        "sync_collect_interval": 5.0,
        "sync_lease": 120.0,
        "sync_reconcile_at": 10_800.0,
        "sync_reconcile_hold": 0.2,
        "sync_config": Path("sync.toml"),
        "sync_name": "ringostat-sync",
        "sync_home": Path(".ringostat-sync"),
        "sync_log_level": "info",
        "sandbox_port": 8085,
        "sandbox_auth_key": None,
        "flower_port": 5555,
        "flower_basic_auth": None,
        "console_port": 8090,
        "console_basic_auth": None,
        "sync_alert_url": None,
        "sync_log_format": None,
    }


def test_every_empty_variable_counts_as_unset():
    """`NAME=` is as good as no NAME, for its `_FILE` too."""
    names = [name.upper() for name in Settings.model_fields]
    empty = dict.fromkeys([*names, *(f"{name}_FILE" for name in names)], "")

    assert load_settings({}).model_dump() == load_settings(empty).model_dump()


def test_the_process_environment_is_the_default(monkeypatch):
    """Without an argument the process's own environment is read."""
    monkeypatch.setenv("RINGOSTAT_BATCH_SIZE", "7")

    assert load_settings().ringostat_batch_size == 7


def test_an_environment_handed_over_is_the_only_one(monkeypatch):
    """With an argument the process's own environment plays no part."""
    monkeypatch.setenv("RINGOSTAT_BATCH_SIZE", "7")

    assert load_settings({}).ringostat_batch_size == 100


def test_settings_are_frozen():
    """Nobody changes a setting after it was read."""
    settings = load_settings({})

    with pytest.raises(ValidationError):
        settings.sync_lease = 1.0


def test_settings_printed_show_no_secret():
    """Keys and passwords are not in the settings' repr."""
    settings = load_settings(
        {
            "DATABASE_URL": POSTGRES,
            "REDIS_URL": "redis://:s3cret@r/0",
            "RINGOSTAT_AUTH_KEY": "s3cret",
            "FLOWER_BASIC_AUTH": "u:s3cret",
        }
    )

    assert "s3cret" not in repr(settings) + str(settings)


@pytest.mark.parametrize(
    ("demand", "name"),
    [
        (Settings.require_database_url, "DATABASE_URL"),
        (Settings.require_crm_database_url, "DATABASE_URL"),
        (Settings.require_redis_url, "REDIS_URL"),
    ],
)
def test_what_a_command_needs_is_demanded_by_name(demand, name):
    """A command that needs an address says which variable is missing."""
    settings = load_settings({})

    with pytest.raises(ConfigError, match=f"^{name} is not set: "):
        demand(settings)


def test_the_crm_is_the_outbox_database_by_default():
    """Without CRM_DATABASE_URL the CRM is looked for in DATABASE_URL."""
    settings = load_settings({"DATABASE_URL": POSTGRES})

    assert settings.require_crm_database_url() == settings.require_database_url()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql+psycopg://db/crm"),
        ("CRM_DATABASE_URL", "postgresql+psycopg://db/crm"),
        ("REDIS_URL", "redis://r"),
        ("RINGOSTAT_AUTH_KEY", "k"),
        ("FLOWER_BASIC_AUTH", "u:p"),
    ],
)
@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_secret_may_stand_in_a_file(tmp_path, name, value, ending):
    """`<NAME>_FILE` names a file; the newline at its end does not count."""
    file = tmp_path / "secret"
    file.write_bytes((value + ending).encode())
    settings = load_settings({f"{name}_FILE": str(file)})

    assert value == getattr(settings, name.lower()).get_secret_value()


def test_the_project_may_stand_in_a_file(tmp_path):
    """RINGOSTAT_PROJECT_ID_FILE names a file with the number."""
    (tmp_path / "id").write_text("106\n")

    assert load_settings({"RINGOSTAT_PROJECT_ID_FILE": str(tmp_path / "id")}).ringostat_project_id == 106


def test_a_variable_and_its_file_may_agree(tmp_path):
    """Saying the same twice is no error."""
    (tmp_path / "key").write_text("k\n")
    settings = load_settings({"RINGOSTAT_AUTH_KEY": "k", "RINGOSTAT_AUTH_KEY_FILE": str(tmp_path / "key")})

    assert settings.ringostat_auth_key.get_secret_value() == "k"


def test_a_variable_and_its_file_may_not_differ(tmp_path):
    """Two different keys are refused, and neither is shown."""
    (tmp_path / "key").write_text("hunter2\n")

    assert (
        refusal_of(RINGOSTAT_AUTH_KEY="hunter1", RINGOSTAT_AUTH_KEY_FILE=str(tmp_path / "key"))
        == "RINGOSTAT_AUTH_KEY and RINGOSTAT_AUTH_KEY_FILE are both set and differ: keep one of them"
    )


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff\xfe\x00"])
def test_a_file_that_says_nothing_is_refused_by_name(tmp_path, content):
    """A missing, empty or unreadable file is named, with its variable."""
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    refusal = refusal_of(RINGOSTAT_AUTH_KEY_FILE=str(file))

    assert refusal.startswith(f"RINGOSTAT_AUTH_KEY_FILE: {file}")
    assert "\n" not in refusal


def test_a_folder_is_no_secret_file(tmp_path):
    """Docker mounts a folder where the secret's file is missing; that is said."""

    assert "Is a directory" in refusal_of(DATABASE_URL_FILE=str(tmp_path))


def test_the_first_problem_is_the_one_told():
    """Of several problems one is told, in the order of the manual."""

    assert refusal_of(REDIS_URL="x", DATABASE_URL="y", FLOWER_PORT="z").startswith("DATABASE_URL ")


def test_every_field_is_a_variable_of_the_manual():
    """docs/settings.md lists the variables that Settings reads, no more and no fewer."""
    section = MANUAL.read_text("utf-8").split("## `sync.toml`")[0]
    listed = re.findall(r"^\| `([A-Z_]+)`", section, re.MULTILINE)

    assert listed == [name.upper() for name in Settings.model_fields]


def test_the_manual_says_which_variables_may_stand_in_a_file():
    """docs/settings.md marks with "or file" the variables that have a `_FILE`."""
    rows = re.findall(r"^\| `([A-Z_]+)` \(or file\)", MANUAL.read_text("utf-8"), re.MULTILINE)

    assert set(rows) == WITH_FILE
