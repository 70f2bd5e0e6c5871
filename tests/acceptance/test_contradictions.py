"""Settings that contradict each other, or say nothing: exit code 2, one line with the setting and the way out, nothing begun."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from worker.__main__ import main
from worker.cli import session

SOURCE = '[[sources]]\nname = "contacts"\nmethod = "contacts"\nquery = "contacts.sql"\n'
PROJECT = "[[projects]]\nid = 106\n"
Refused = Callable[..., str]


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Refused:
    """The one line of `ringostat-sync worker` with a `sync.toml` and an environment, run within this process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session, "set_up_logs", lambda *_: None)  # this process has other tests to run
    (tmp_path / "contacts.sql").write_text("SELECT 1 AS key")
    (tmp_path / "key").write_text("one\n")

    def line(toml: str = SOURCE, **environment: str) -> str:
        (tmp_path / "sync.toml").write_text(toml, encoding="utf-8")
        sound = {
            "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nowhere",
            "REDIS_URL": "redis://127.0.0.1:1",
            "RINGOSTAT_PROJECT_ID": "106",
            "RINGOSTAT_AUTH_KEY": "key",
        }
        for name, value in {**sound, **environment}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["ringostat-sync", "worker"])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()

        assert ended.value.code == 2
        assert "Traceback" not in said.out + said.err
        assert said.err.count("\n") == 1
        return said.err.removeprefix("ringostat-sync: ").rstrip("\n")

    return line


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"SYNC_LEASE": "10"}, "set SYNC_LEASE to 15.1 or more"),
        ({"RINGOSTAT_TIMEOUT": "120"}, "SYNC_LEASE (120 s) must be longer than RINGOSTAT_TIMEOUT (120 s)"),
        ({"SYNC_RETRY_BASE": "60", "SYNC_RETRY_MAX": "5"}, "set SYNC_RETRY_MAX to 60 or more"),
        ({"RINGOSTAT_AUTH_KEY_FILE": "key"}, "RINGOSTAT_AUTH_KEY and RINGOSTAT_AUTH_KEY_FILE are both set and differ"),
        ({"RINGOSTAT_AUTH_KEY": "", "RINGOSTAT_AUTH_KEY_FILE": "."}, "RINGOSTAT_AUTH_KEY_FILE: . cannot be read"),
        ({"RINGOSTAT_AUTH_KEY": "", "RINGOSTAT_AUTH_KEY_FILE": "a\nb"}, "RINGOSTAT_AUTH_KEY_FILE: a b cannot be read"),
        ({"RINGOSTAT_AUTH_KEY": ""}, "set RINGOSTAT_AUTH_KEY (or RINGOSTAT_AUTH_KEY_FILE) to it"),
        ({"RINGOSTAT_PROJECT_ID": ""}, "RINGOSTAT_PROJECT_ID is not set"),
        ({"DATABASE_URL": ""}, "DATABASE_URL is not set"),
        ({"REDIS_URL": ""}, "REDIS_URL is not set"),
        ({"RINGOSTAT_BATCH_SIZE": "9" * 5_000}, "RINGOSTAT_BATCH_SIZE must be a whole number of contacts"),
        ({"RINGOSTAT_RATE_LIMIT": "5/week"}, "RINGOSTAT_RATE_LIMIT must be requests a period, such as 5/s"),
        ({"RINGOSTAT_TIMEOUT": "nan"}, "RINGOSTAT_TIMEOUT must be a number of seconds above 0"),
        ({"SYNC_LOG_LEVEL": "loud"}, "SYNC_LOG_LEVEL must be debug, info, warning, error or critical"),
        ({"SYNC_CONFIG": "."}, "SYNC_CONFIG: . cannot be read (Is a directory)"),
        ({"SYNC_CONFIG": "a\nb"}, "SYNC_CONFIG: there is no a b here"),
    ],
    ids=lambda value: "" if isinstance(value, str) else "-".join(value),
)
def test_an_environment_at_odds_with_itself(refused: Refused, environment: dict[str, str], said: str) -> None:
    """The line names the variable and what to set it to."""
    assert said in refused(**environment)


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        (
            PROJECT.replace("106", "107") + SOURCE,
            "RINGOSTAT_PROJECT_ID is not among the [[projects]] of sync.toml (107)",
        ),
        (PROJECT + "auth_key_env = 'OTHER_KEY'\n" + SOURCE, "different keys in OTHER_KEY and RINGOSTAT_AUTH_KEY"),
        (PROJECT + "auth_key_file = '.'\n" + SOURCE, "auth_key_file of project 106: . cannot be read"),
        (PROJECT + "batch_size = 0\n" + SOURCE, "[[projects]] 106: batch_size must be a whole number"),
        (PROJECT + "rate_limit = nan\n" + SOURCE, "[[projects]] 106: rate_limit must be requests a period"),
        (PROJECT + PROJECT + SOURCE, "two [[projects]] have the id 106"),
        (SOURCE + "project = 9\n", "[[sources]] 'contacts': unknown project 9: name one of 106"),
        (SOURCE + SOURCE, "[[sources]] 'contacts': another source has this name"),
        (SOURCE.replace("contacts.sql", "."), "query: . cannot be read (Is a directory)"),
        (SOURCE.replace("contacts.sql", "a\\nb"), "query: a b cannot be read"),
        ('origin = "\\u0000"\n' + SOURCE, "origin must be a string, the name of your CRM"),
        ('default_responsible = "1\\u0000"\n' + SOURCE, "default_responsible must be a string, the id of an employee"),
        (f"origin = {'9' * 5_000}\n" + SOURCE, "a number in it is too long or a list too deep"),
        (f"origin = {'[' * 3_000}\n" + SOURCE, "a number in it is too long or a list too deep"),
        ("origin = 'a'\norigin = 'b'\n" + SOURCE, "sync.toml: this is no TOML"),
        ("", "sources is missing"),
    ],
    ids=range(16),
)
def test_a_mapping_at_odds_with_itself(refused: Refused, toml: str, said: str) -> None:
    """The line names the entry and what to do about it."""
    assert said in refused(toml, OTHER_KEY="another")
