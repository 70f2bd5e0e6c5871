"""The demo's mapping as the floor and the peers use it: rows of the same query, documents without checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.rows import dict_row

from worker.config.query import clean_query
from worker.local.demo import MAPPING

PROJECT = 106
PATH = "/minicrm/contacts/sync"
QUERY = clean_query((MAPPING.parent / "contacts.sql").read_text(encoding="utf-8"))
READ = f"SELECT q.* FROM (\n{QUERY}\n) AS q WHERE q.key = ANY(CAST(%s::text[] AS bigint[]))"


def read(connection: psycopg.Connection[Any], keys: Sequence[str]) -> list[dict[str, Any]]:
    """What the CRM says now of these contacts."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(READ, [list(keys)]).fetchall()


def document(row: dict[str, Any]) -> dict[str, Any]:
    """A row in the API's words."""
    return {
        "projectId": PROJECT,
        "fullName": row["fullName"],
        "origin": "Demo CRM",
        "externalId": str(row["key"]),
        "leadId": _text(row["leadId"]),
        "responsible": str(row["responsible"]),
        "staffId": row["staffId"],
        "contactLink": row["contactLink"],
        "leadLink": row["leadLink"],
        "dealLink": row["dealLink"],
        "googleClientId": row["googleClientId"],
        "contactDirections": row["contactDirections"],
        "organizations": row["organizations"] and [_organization(each) for each in row["organizations"]],
    }


def _organization(row: dict[str, Any]) -> dict[str, Any]:
    return {"projectId": PROJECT, "name": row["name"], "externalId": str(row["externalId"]), "origin": "Demo CRM"}


def _text(value: object) -> str | None:
    return None if value is None else str(value)
