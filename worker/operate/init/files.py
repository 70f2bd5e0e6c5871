"""The files that `init` writes: those of an example, or of a start."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from worker.errors import ConfigError, RefusedError

EXAMPLES: Traversable = files("worker") / "examples"
"""Beside the code in the distribution; in the repository a link to the folder at its top."""


def known() -> list[str]:
    """The names of the examples, in order."""
    return sorted(folder.name for folder in EXAMPLES.iterdir() if (folder / "sync.toml").is_file())


def example(name: str) -> dict[str, str]:
    """The mapping of an example, by the names of its files: `sync.toml`, and the queries that it names.

    Raises ConfigError if there is none of that name.
    """
    if name not in known():
        raise ConfigError(f"There is no example {name!r}: the known ones are {', '.join(known())}.")
    folder = EXAMPLES / name
    toml = (folder / "sync.toml").read_text(encoding="utf-8")
    queries = dict.fromkeys(source["query"] for source in tomllib.loads(toml)["sources"])
    return {"sync.toml": toml} | {query: (folder / query).read_text(encoding="utf-8") for query in queries}


def readme(name: str) -> str:
    """Where an example's explanations are."""
    return str(EXAMPLES / name / "README.md")


def write(folder: Path, texts: Mapping[str, str]) -> None:
    """Write files that are not there yet, all of them or none.

    Raises RefusedError naming those that are there, or that can't be written.
    """
    there = [name for name in texts if os.path.lexists(folder / name)]
    if there:
        raise RefusedError(f"There is already {' and '.join(there)} here: nothing was written. Take another folder.")
    written: list[Path] = []
    try:
        for name, text in texts.items():
            with (folder / name).open("x", encoding="utf-8") as file:
                written.append(folder / name)
                file.write(text)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        raise RefusedError(f"{name} can't be written ({error.strerror}): nothing was.") from error
