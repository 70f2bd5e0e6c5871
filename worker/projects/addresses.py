"""Where documents go: what one API has accepted says nothing of what another one holds (a sandbox, and then Ringostat)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Engine

from worker.database.sql import sql


@dataclass(slots=True)
class Addresses:
    """Since when projects send to `address`, the API's; found out once per project and process."""

    engine: Engine
    address: str
    _since: dict[int, datetime] = field(default_factory=dict)

    def since(self, project: int) -> datetime:
        """The moment, by the database's clock, before which whatever was accepted for the project was accepted elsewhere."""
        if project not in self._since:
            values = {"project": project, "address": self.address}
            with self.engine.begin() as connection:
                self._since[project] = connection.execute(sql(__package__, "address"), values).scalar_one()
        return self._since[project]
