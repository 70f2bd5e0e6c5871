"""Where documents go: what one API has accepted says nothing of what another one holds (a sandbox, and then Ringostat)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import Engine

from worker.database.sql import sql


@dataclass
class Address:
    """The API's address that this process posts to. Each document that was accepted there has its id."""

    engine: Engine
    url: str

    @cached_property
    def id(self) -> int:
        """Its id in `addresses`, found out once per process."""
        with self.engine.begin() as connection:
            return int(connection.execute(sql(__package__, "address"), {"url": self.url}).scalar_one())
