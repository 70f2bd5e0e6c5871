"""Keys that stand in files, and change while we run."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from worker.api import keys as room
from worker.api.keys import READ_AGAIN, Keys
from worker.config.model import Project, Rate


class Clock:
    """Stands until it is moved."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "key").write_text("0ld\n")
    return tmp_path / "key"


@pytest.fixture
def project(file: Path) -> Project:
    return Project(106, Rate(5, 1.0), 100, auth_key="0ld", auth_key_file=file)


@pytest.fixture
def keys(clock: Clock) -> Keys:
    return Keys(clock)


def overwrite(file: Path) -> None:
    file.write_text("new\n")


def replace(file: Path) -> None:
    """As a careful editor does it."""
    file.with_name("other").write_text("new\n")
    os.replace(file.with_name("other"), file)


def swap_link(file: Path) -> None:
    """As Kubernetes does it: the file leads through a folder's link, which is swapped."""
    folder = file.parent
    (folder / "second").mkdir()
    (folder / "second" / "key").write_text("new\n")
    (folder / "link").symlink_to("second")
    os.replace(folder / "link", folder / "..data")


@pytest.mark.parametrize("change", [overwrite, replace])
def test_a_key_that_was_written_anew_counts_at_once(
    keys: Keys, project: Project, file: Path, change: Callable[[Path], None]
) -> None:
    """However it was written."""
    assert keys.key_of(project) == "0ld"
    change(file)

    assert keys.key_of(project) == "new"


def test_a_key_behind_a_link_that_is_swapped_counts_at_once(keys: Keys, tmp_path: Path) -> None:
    """The file's own name still leads to the same link."""
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "key").write_text("0ld\n")
    (tmp_path / "..data").symlink_to("first")
    (tmp_path / "key").symlink_to("..data/key")
    project = Project(106, Rate(5, 1.0), 100, auth_key="0ld", auth_key_file=tmp_path / "key")
    assert keys.key_of(project) == "0ld"
    swap_link(tmp_path / "key")

    assert keys.key_of(project) == "new"


def test_a_key_that_changed_between_the_start_and_the_first_request_counts(
    keys: Keys, project: Project, file: Path
) -> None:
    """A worker's children begin long after it."""
    file.write_text("new")

    assert keys.key_of(project) == "new"


def disguise(file: Path) -> None:
    """Write another key in a way that shows nowhere: of the same length, within the same tick of the clock."""
    before = file.stat()
    file.write_text("new\n")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_change_that_does_not_show_counts_within_seconds(
    keys: Keys, project: Project, file: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some clocks of files tick slowly."""
    monkeypatch.setattr(room, "mark_of", lambda _: (1,))
    assert keys.key_of(project) == "0ld"
    disguise(file)
    assert keys.key_of(project) == "0ld"
    clock.now += READ_AGAIN

    assert READ_AGAIN <= 10
    assert keys.key_of(project) == "new"


def test_a_key_that_the_api_does_not_know_is_read_again_at_once(
    keys: Keys, project: Project, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However unchanged its file looks."""
    monkeypatch.setattr(room, "mark_of", lambda _: (1,))
    keys.key_of(project)
    disguise(file)
    keys.doubt(project)

    assert keys.key_of(project) == "new"


@pytest.mark.parametrize("content", [None, "", "\n", "two words", "ключ", "a\nb"])
def test_a_key_that_cannot_be_read_leaves_the_old_one(
    keys: Keys, project: Project, file: Path, content: str | None
) -> None:
    """Gone, empty for a moment, or no key at all: it is told once, without the key, and the next good one counts."""
    keys.key_of(project)
    if content is None:
        file.unlink()
    else:
        file.write_text(content)
    with capture_logs() as logs:
        assert [keys.key_of(project) for _ in range(3)] == ["0ld"] * 3
    file.write_text("new")

    assert [(line["event"], line["project"]) for line in logs] == [("auth_key_kept", 106)]
    assert "0ld" not in str(logs)
    assert keys.key_of(project) == "new"


def test_a_changed_key_is_told_without_it(keys: Keys, project: Project, file: Path) -> None:
    """Once, by its project."""
    with capture_logs() as logs:
        keys.key_of(project)
        file.write_text("hunter2")
        for _ in range(3):
            keys.key_of(project)

    assert [line["event"] for line in logs] == ["auth_key_changed"]
    assert "hunter2" not in str(logs)


def test_a_file_is_not_read_for_each_request(keys: Keys, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """To look at its date is enough."""
    read = []
    monkeypatch.setattr(room, "read_key_file", lambda *_: read.append(1) or "0ld")
    for _ in range(100):
        keys.key_of(project)

    assert len(read) == 1


def test_a_key_without_a_file_stays(keys: Keys) -> None:
    """A variable of the environment does not change."""
    project = Project(107, Rate(5, 1.0), 100, auth_key="plain")

    assert keys.key_of(project) == "plain"
    assert keys.changed([project]) == []


def test_a_change_is_noticed_once(keys: Keys, project: Project, file: Path) -> None:
    """Against the key of the start, and then against the one noticed last."""
    assert keys.changed([project]) == []
    file.write_text("new")
    assert keys.changed([project]) == [project]
    assert keys.changed([project]) == []
