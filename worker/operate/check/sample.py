"""A sample of contacts, built as the worker builds them, and summed up by reason. Keys alone are told, never a value."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from worker.config.model import Mapping, Source
from worker.document.build import Built, Invalid, build
from worker.document.left_out import Why
from worker.document.wire import envelope, path
from worker.operate.check.finding import Example, Finding, examples, warning
from worker.read.projects import project_of
from worker.read.reader import ROW_KEY

Row = dict[str, Any]
REMEDIES = {
    "fullName must not be null or blank": "|| with a null is null, concat_ws(' ', …) leaves nulls out",
    "origin must not be null or blank": "set origin in sync.toml",
    "responsible must not be null or blank": "set default_responsible in sync.toml",
    "projectId must not be null or blank": "or set RINGOSTAT_PROJECT_ID to the project of such rows",
}
"""What to do about the commonest reasons."""


def sum_up(source: Source, rows: Sequence[Row], mapping: Mapping) -> Iterator[Finding | Example]:
    """What comes of the rows, one line a reason, and a finished request of the first that can be sent."""
    repeated = {key for key, count in Counter(str(row[ROW_KEY]) for row in rows).items() if count > 1}
    made = {
        str(row[ROW_KEY]): build(
            row, key=str(row[ROW_KEY]), source=source.of(project_of(mapping, source, row)), defaults=mapping.defaults
        )
        for row in rows
    }
    # The worker takes none of two rows for the contact.
    built = {key: document for key, document in made.items() if isinstance(document, Built) and key not in repeated}
    yield from _unknown_projects(source, rows, mapping)
    yield from _invalid(source, {key: document for key, document in made.items() if isinstance(document, Invalid)})
    yield from _left_out(source, built)
    yield from _shared_numbers(source, built)
    if not made:
        return
    told = f"{source.name}: of a sample of {len(made)}, {len(built)} can be sent"
    yield Finding(told, stops=not built)
    for document in list(built.values())[:1]:
        request = json.loads(envelope(source.method, [document.body]))
        project = request[source.method.value][0]["projectId"]
        yield Example(path(source.method), project, json.dumps(request, ensure_ascii=False, indent=2))


def _invalid(source: Source, found: dict[str, Invalid]) -> Iterator[Finding]:
    by_reason: dict[str, list[str]] = {}
    for key, document in found.items():
        # Contacts differ in how many numbers they have: the reason is the same.
        detail = re.sub(r"(?<=left out: )\d+ \((.*)\)\.$", r"\1", document.detail)
        detail = re.sub(r": \d+|(?<=\[)\d+(?=\])", "", detail).rstrip(".")
        by_reason.setdefault(f"{document.reason}: {detail}", []).append(key)
    for reason, keys in by_reason.items():
        remedy = REMEDIES.get(reason.partition(": ")[2])
        told = f"{source.name}: {len(keys)} can't be sent: {reason} ({examples(keys)})"
        yield warning(f"{told}; {remedy}" if remedy else told)


def _left_out(source: Source, built: dict[str, Built]) -> Iterator[Finding]:
    keys: dict[Why, list[str]] = {}
    for key, document in built.items():
        for one in document.left_out:
            keys.setdefault(one.why, []).append(key)
    for why, whose in keys.items():
        some = examples(list(dict.fromkeys(whose)))
        yield warning(f"{source.name}: numbers or addresses that are left out: {len(whose)}: {why} ({some})")


def _shared_numbers(source: Source, built: dict[str, Built]) -> Iterator[Finding]:
    holders: dict[str, list[str]] = {}
    for key, document in built.items():
        for way in json.loads(document.body).get("contactDirections", []):
            if way["type"] == "phone":
                holders.setdefault(way["value"], []).append(key)
    shared = [keys for keys in holders.values() if len(keys) > 1]
    if shared:
        some = "; ".join(examples(keys) for keys in shared[:2])
        more = "; …" if len(shared) > 2 else ""
        yield warning(
            f"{source.name}: numbers that several contacts share: {len(shared)} ({some}{more});"
            " the telephone can show only one name for each"
        )


def _unknown_projects(source: Source, rows: Sequence[Row], mapping: Mapping) -> Iterator[Finding]:
    unknown: dict[str, list[str]] = {}
    for row in rows:
        project = str(row.get("projectId") or "").strip()
        if project and project not in mapping.projects_by_name:
            unknown.setdefault(project, []).append(str(row[ROW_KEY]))
    for project, keys in unknown.items():
        yield warning(
            f'{source.name}: "projectId" is {project[:20]} in {len(keys)} rows ({examples(keys)}), and no project of the'
            f" mapping: add it to [[projects]], or {'correct these rows' if source.routed else 'leave the column out'}"
        )
