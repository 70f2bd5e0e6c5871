"""What the documents list is what there is."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import Row

from models import DeadLetterReason, IncidentKind, Method, PauseReason
from worker.api.failures import KINDS
from worker.cli.app import COMMANDS as LISTED
from worker.config.model import Source
from worker.document.wire import Contact, Direction, Organization
from worker.operate.contact import READY, Story
from worker.operate.dead_letters import OpenDeadLetter
from worker.operate.metrics import exposition
from worker.operate.report import Report
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
    lane, contact, dead_letter = (
        json.loads(written) for written in re.findall(r"```json\n(.*?)```", COMMANDS, re.DOTALL)
    )

    assert set(lane["projects"][0]) == set(LaneStatus(106, "contacts", 0, 0, None, 0, 0, 0, 0, None, 0).as_json())
    assert set(contact) == set(story().as_json())
    assert set(dead_letter) == set(OpenDeadLetter.__slots__)


def story() -> Story:
    """Of a contact that was never sent."""
    source = cast("Source", SimpleNamespace(name="contacts", project=106, method=Method.CONTACTS))
    nothing = ("dead_letter", "is_pending", "is_arriving", "is_in_flight", "accepted_at")
    return Story(
        source, "815", READY, None, {}, cast("Row[Any]", SimpleNamespace(**dict.fromkeys(nothing))), same=False
    )


def test_every_event_of_the_log_is_told() -> None:
    """But for those at `debug`, and those of the demo and the sandbox."""
    files = [path for path in (ROOT / "worker").rglob("*.py") if "local" not in path.parts]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    events = set(re.findall(r'(?:log\.(?:info|warning|error|critical)|Trouble)\(\s*"(\w+)"', text)) | {*IncidentKind}

    assert {event for event in events if f"`{event}`" not in COMMANDS} == set()


def test_every_metric_is_told() -> None:
    """By its name without the prefix."""
    families = re.findall(
        r"^# HELP ringostat_sync_(\w+)", exposition(Report([], [], [], []), []).decode(), re.MULTILINE
    )

    assert {name for name in families if f"`{name}`" not in COMMANDS} == set()


def test_every_command_is_told() -> None:
    """In the list at the top of its page, but for the demo's own."""
    told = COMMANDS.split("| command | does |")[1].split("\n## ")[0]

    assert {name for name, command in LISTED.items() if not command.is_hidden and f"`{name}" not in told} == set()


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
