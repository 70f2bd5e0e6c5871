"""The commands' exit codes and one-line errors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command in an empty folder, with nothing of ours in the environment but `environment`."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    command = [sys.executable, "-P", "-m", "worker", *arguments]
    return subprocess.run(command, cwd=folder, env=kept | environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (("migrate",), {}, "DATABASE_URL"),
        (("migrate",), {"DATABASE_URL": "mysql://x/y"}, "DATABASE_URL"),
        (("status",), {"DATABASE_URL": "postgresql://x/y", "RINGOSTAT_RATE_LIMIT": "fast"}, "RINGOSTAT_RATE_LIMIT"),
        (("status",), {"DATABASE_URL": "postgresql://x/y"}, "SYNC_CONFIG"),
        (
            ("worker",),
            {"DATABASE_URL": "postgresql://x/y", "RINGOSTAT_BASE_URL": "http://example.com"},
            "RINGOSTAT_BASE_URL",
        ),
    ],
)
def test_a_wrong_setting_is_one_line(
    tmp_path: Path, arguments: tuple[str, ...], environment: dict[str, str], said: str
) -> None:
    """Exit code 2, one line that names the setting, and never a traceback."""
    done = run(tmp_path, *arguments, **environment)

    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_wrong_usage_is_exit_code_2(tmp_path: Path) -> None:
    """An unknown option is wrong usage."""
    assert run(tmp_path, "status", "--nonsense").returncode == 2


def test_a_worker_py_in_the_folder_is_not_ours(tmp_path: Path, database_url: str) -> None:
    """A user's own `worker.py` gets in nobody's way."""
    (tmp_path / "worker.py").write_text("raise SystemExit(77)")

    assert run(tmp_path, "migrate", DATABASE_URL=database_url).returncode == 0
