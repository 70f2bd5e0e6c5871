"""What the documents list is what there is."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from models import DeadLetterReason, PauseReason
from worker.api.failures import KINDS
from worker.document.wire import Contact, Direction, Organization
from worker.operate.dead_letters import OpenDeadLetter
from worker.operate.status import LaneStatus

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").rglob("*.md")])
COMMANDS = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("document", "reasons"),
    [("docs/commands.md", DeadLetterReason), ("README.md", PauseReason)],
    ids=["letters", "pauses"],
)
def test_every_reason_has_its_row(document: str, reasons: type[DeadLetterReason | PauseReason]) -> None:
    """What it means, and what to do."""
    rows = re.findall(r"^\| `(\w+)` \|.*\|.+\|$", (ROOT / document).read_text(encoding="utf-8"), re.MULTILINE)

    assert {str(reason) for reason in reasons} <= set(rows)


def test_every_cause_of_a_failure_has_its_row() -> None:
    """By its word, among the settings that lead to the API."""
    told = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8").split("| `kind` |")[1].split("\n## ")[0]

    assert {kind for kind in KINDS if f"`{kind}`" not in told} == set()


@pytest.mark.parametrize("shape", [Contact, Organization, Direction], ids=lambda shape: shape.__name__)
def test_every_column_is_told(shape: type[Contact | Organization | Direction]) -> None:
    """By the API's name, in quotes where SQL needs them."""
    told = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8").split("## Columns of a query")[1]

    for field in shape.__struct_fields__:
        assert f"`{field}`" in told or f'`"{field}"`' in told


def test_the_json_of_the_documents_has_the_fields_of_the_commands() -> None:
    """All of them, and no others."""
    lane, dead_letter = (json.loads(written) for written in re.findall(r"```json\n(.*?)```", COMMANDS, re.DOTALL))

    assert set(lane["projects"][0]) == set(LaneStatus(106, "contacts", 0, 0, None, 0, 0, 0, 0, None, 0).as_json())
    assert set(dead_letter) == set(OpenDeadLetter.__slots__)


def test_the_architecture_lists_every_room_and_file_of_the_job() -> None:
    """Those of `ls worker`, and no others."""
    rooms = (
        (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").split("\n## The rooms\n")[1].split("\n## ")[0]
    )
    there = {path.name for path in (ROOT / "worker").iterdir()} - {"__init__.py", "__pycache__", "py.typed"}

    assert {name.rstrip("/") for name in re.findall(r"^\| `([\w./]+)` \|", rooms, re.MULTILINE)} == there


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_that_a_document_names_is_there(document: Path) -> None:
    """Whole paths from the root, such as `tests/unit/test_docs.py`; `*` stands for any letters."""
    named = re.findall(
        r"`((?:tests|benchmarks|worker|models|migrations|docker|docs)/[\w./*]+)`", document.read_text(encoding="utf-8")
    )

    assert [name for name in named if not list(ROOT.glob(name))] == []
