"""What is installed where there is no repository: built here, and unpacked in an empty folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
BUILD = "from setuptools.build_meta import build_wheel; build_wheel({folder!r})"
SHIPPED = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "worker", "models", "migrations", "examples")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree, unpacked."""
    folder = tmp_path_factory.mktemp("distribution")
    source, unpacked = folder / "source", folder / "unpacked"
    source.mkdir()
    for name in SHIPPED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source)
    subprocess.run(
        [sys.executable, "-c", BUILD.format(folder=str(folder))], cwd=source, check=True, capture_output=True
    )
    [wheel] = folder.glob("*.whl")
    ZipFile(wheel).extractall(unpacked)
    return unpacked


def test_init_of_an_installed_command_has_every_example(installed: Path, tmp_path: Path) -> None:
    """It writes the same files as those of the repository, and names a README that is there."""
    for example in ("odoo", "espocrm", "twenty", "chatwoot"):
        folder = tmp_path / example
        folder.mkdir()
        done = init(installed, folder, example)

        assert done.returncode == 0, done.stderr
        assert {path.name for path in folder.iterdir()} >= {"sync.toml", "contacts.sql"}
        assert all(
            path.read_bytes() == (ROOT / "examples" / example / path.name).read_bytes() for path in folder.iterdir()
        )
        assert (installed / "worker" / "examples" / example / "README.md").is_file()


def init(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "worker", "init", *arguments]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(installed)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_nothing_else_is_installed(installed: Path) -> None:
    """Three packages, and what describes them: no folder of the repository takes a name in the user's Python."""
    names = {path.name for path in installed.iterdir()}

    assert {name for name in names if not name.endswith(".dist-info")} == {"worker", "models", "migrations"}
