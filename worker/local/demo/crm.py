"""The CRM as its users' programs see it: a connection, the dice that decide, and bounds to its size."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any, LiteralString

import psycopg

FEWEST_CONTACTS = 50
MOST_CONTACTS = 500

Ids = dict[str, int]
"""What an event has touched, for the log: the tables' words and ids, nothing personal."""


@dataclass(frozen=True, slots=True)
class Crm:
    """One connection to the CRM, inside an event's transaction.

    No event makes contacts, leads or deals more than `most_contacts`.
    """

    connection: psycopg.Connection[Any]
    dice: Random
    most_contacts: int = MOST_CONTACTS

    def pick(self, table: LiteralString, where: LiteralString = "true", **values: object) -> int | None:
        """Lock any row of a table for which `where` holds (over the columns of `t`); None if there is none.

        It starts looking at a random id, so that it reads a few rows even of a large table.
        """
        highest: int | None = self.value(f"SELECT max(id) FROM crm.{table}")
        if highest is None:
            return None
        values["start"] = self.dice.randint(1, highest)
        found: int | None = self.value(_PICK.format(table=table, where=where, side=">="), **values)
        return found or self.value(_PICK.format(table=table, where=where, side="<"), **values)

    def count(self, table: LiteralString, where: LiteralString = "true") -> int:
        """How many rows of a table `where` holds for."""
        return int(self.value(f"SELECT count(*) FROM crm.{table} WHERE {where}"))

    def value(self, statement: str, **values: object) -> Any:
        """The first value of the first row, or None if there is no row; `%(name)s` means a value."""
        row = self.connection.execute(statement.encode(), values).fetchone()
        return row[0] if row else None

    def change(self, statement: LiteralString, **values: object) -> None:
        """Run a statement that returns nothing."""
        self.connection.execute(statement, values)

    def anyone(self) -> int | None:
        """Any employee."""
        return self.pick("staff")


_PICK = """
    SELECT t.id FROM crm.{table} t WHERE t.id {side} %(start)s AND ({where})
    ORDER BY t.id LIMIT 1 FOR NO KEY UPDATE
"""
