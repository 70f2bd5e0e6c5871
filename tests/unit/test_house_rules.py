"""The rules of the house, read off the imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = sorted((ROOT / "worker").rglob("*.py"))


def imports(path: Path) -> set[str]:
    """Every module that a file imports, also inside its functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def importers(*libraries: str) -> set[str]:
    """The files of `worker/` that import one of these libraries."""
    return {
        str(path.relative_to(ROOT / "worker"))
        for path in ROOMS
        if any(name.split(".")[0] in libraries for name in imports(path))
    }


@pytest.mark.parametrize(
    ("parts", "unused"),
    [
        ("cli.worker, worker.tasks", {"alembic", "aiohttp", "flower"}),
        ("cli.listen", {"alembic", "aiohttp", "flower", "email_validator"}),
        ("cli.beat", {"alembic", "aiohttp", "flower", "email_validator"}),
        ("cli.flower, worker.operate.flower", {"alembic", "aiohttp", "email_validator"}),
    ],
)
def test_long_running_parts_load_what_they_use(parts: str, unused: set[str]) -> None:
    """Each is a process of its own, and a library costs it 5 to 20 MB; tasks and Flower are loaded when they are to run."""
    program = f"import sys, worker.__main__, worker.{parts}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)

    assert unused.isdisjoint(loaded.stdout.split())


CELERY = {
    "application.py",
    "tasks.py",
    "broker/beat.py",  # its scheduler, by a clock of ours
    "broker/consumer.py",  # its consumer, which waits for Redis
    "broker/transport.py",  # kombu's way through Redis
}


def test_celery_stands_in_the_application_the_tasks_and_three_parts_of_the_broker_only() -> None:
    """Whatever else the job is made of does not know of Celery."""
    assert importers("celery", "kombu", "billiard") == CELERY


def test_flower_stands_in_its_own_file_only() -> None:
    """Its options are defined where it is imported, and it is slow to load."""
    assert importers("flower") == {"operate/flower.py"}


def test_httpx_stands_in_the_api_client_only() -> None:
    """One file speaks HTTP, to the API and to those who get alerts."""
    assert importers("httpx") == {"api/poster.py"}


def rooms_used(path: Path) -> set[str]:
    """The rooms of `worker/`, and its files beside them, that a file imports, also inside functions and for types alone."""
    nodes = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.ImportFrom)]
    names = [f"{node.module}.{alias.name}" for node in nodes for alias in node.names]
    return {name.split(".")[1] for name in names if name.startswith("worker.")}


def test_rooms_lie_in_one_direction() -> None:
    """No two rooms need each other, not even by way of a third: a reader of one has read what it rests on."""
    needs: dict[str, set[str]] = {}
    for path in ROOMS:
        room = path.relative_to(ROOT / "worker").parts[0].removesuffix(".py")
        needs.setdefault(room, set()).update(rooms_used(path) - {room})

    assert list(TopologicalSorter(needs).static_order())


PURE = [
    "api.answer",
    "api.body",
    "api.failures",
    "api.outcome",
    "settle.verdicts",
    "collect.cut",
    "collect.groups",
    "collect.watermark",
    "config.hosts",
    "config.model",
    "config.network",
    "document.build",
    "config.policy",
    "config.backoff",
    "push.decide",
]


@pytest.mark.parametrize("pure", PURE)
def test_pure_parts_load_nothing_that_does_io(pure: str) -> None:
    """Neither themselves, nor by what they import: decisions are made without servers."""
    program = f"import sys, worker.{pure}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)

    assert not {"celery", "httpx", "sqlalchemy", "psycopg", "redis"} & set(loaded.stdout.split())


@pytest.mark.parametrize(
    "statement", sorted((ROOT / "worker").rglob("*.sql")), ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_every_statement_is_used(statement: Path) -> None:
    """A .sql file is named by its own room, or by another one together with that room; the demo's are data."""
    if "demo" in statement.parts:
        return
    room = ".".join(statement.parent.relative_to(ROOT).parts)
    own = any(f'"{statement.stem}"' in path.read_text(encoding="utf-8") for path in statement.parent.glob("*.py"))
    others = any(f'"{room}", "{statement.stem}"' in path.read_text(encoding="utf-8") for path in ROOMS)

    # Some are read as text, by their whole names.
    whole = any(f'"{statement.name}"' in path.read_text(encoding="utf-8") for path in statement.parent.glob("*.py"))
    assert own or others or whole


@pytest.mark.parametrize("path", ROOMS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_statement_that_is_named_is_there(path: Path) -> None:
    """What `sql(package, name)` asks for, where both are written down, is a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "sql"):
            continue
        package, name = node.args[:2]
        if isinstance(name, ast.Constant):
            written = isinstance(package, ast.Constant)
            room = ROOT.joinpath(*str(package.value).split(".")) if written else path.parent
            assert (room / f"{name.value}.sql").is_file()


SPOKEN = {
    "SyncError",
    "ConfigError",
    "RefusedError",
    "MappingBrokenError",
    "ReplicaUnavailableError",
    "LimiterUnavailableError",
}


@pytest.mark.parametrize("path", ROOMS, ids=lambda path: str(path.relative_to(ROOT)))
def test_an_error_is_a_sentence(path: Path) -> None:
    """It begins with a capital or a name, and ends with a full stop; those of `config/` get theirs where they are shown."""
    if path.parent.name == "config":
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SPOKEN and node.args
        ):
            continue
        pieces = node.args[0].values if isinstance(node.args[0], ast.JoinedStr) else node.args[:1]
        first, *_, last = (*pieces, pieces[-1])
        assert not isinstance(first, ast.Constant) or not first.value[0].islower()
        assert not isinstance(last, ast.Constant) or last.value.endswith(".")


def test_models_know_nothing_of_the_worker() -> None:
    """The tables are underneath: `models` imports nothing of ours but itself."""
    found = {name.split(".")[0] for path in (ROOT / "models").glob("*.py") for name in imports(path)}

    assert not found & {"worker", "migrations", "tests"}
