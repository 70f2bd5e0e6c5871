"""The rules of the house, read off the imports."""

from __future__ import annotations

import ast
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


def test_celery_stands_in_the_application_and_the_tasks_only() -> None:
    """Whatever else the job is made of does not know of Celery."""
    assert importers("celery", "kombu", "billiard") == {"application.py", "tasks.py"}


def test_httpx_stands_in_the_api_client_only() -> None:
    """One file speaks HTTP to the API."""
    assert importers("httpx") == {"api/client.py"}


@pytest.mark.parametrize(
    "pure", ["collect/cut.py", "push/judge.py", "push/backoff.py", "api/answer.py", "api/outcome.py"]
)
def test_pure_parts_import_nothing_that_does_io(pure: str) -> None:
    """Decisions are made without servers."""
    libraries = {name.split(".")[0] for name in imports(ROOT / "worker" / pure)}

    assert not libraries & {"celery", "httpx", "sqlalchemy", "psycopg", "redis"}


def test_the_document_is_pure() -> None:
    """Building a document does no I/O."""
    assert not {path for path in importers("sqlalchemy", "psycopg", "redis", "httpx") if path.startswith("document/")}


@pytest.mark.parametrize("statement", sorted((ROOT / "worker").rglob("*.sql")), ids=lambda path: path.stem)
def test_every_statement_is_used(statement: Path) -> None:
    """A .sql file is named by somebody, or read as a part of the demo."""
    if "demo" in statement.parts:
        return
    assert any(f'"{statement.stem}"' in path.read_text(encoding="utf-8") for path in ROOMS)
