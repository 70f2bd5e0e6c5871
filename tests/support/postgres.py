"""The PostgreSQL that tests run on."""

from __future__ import annotations

import os
from pathlib import Path

from worker.local.up.embedded import EmbeddedPostgres

CARELESS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
PROGRAMS = Path(os.environ["POSTGRES"]).resolve() if os.environ.get("POSTGRES") else None
"""The folder of its programs; the embedded one's, unless `make test POSTGRES=…` says otherwise."""


def postgres_in(home: Path, settings: dict[str, str] = CARELESS) -> EmbeddedPostgres:
    """A server whose data are below `home`; as it is, one that survives no power cut."""
    return EmbeddedPostgres(home, settings=settings, programs=PROGRAMS)
