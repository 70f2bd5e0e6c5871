"""The servers that `ringostat-sync up` and the tests bring along if no URL names others.

Each keeps its room below the home folder: `password`, `port`, `server.log` and its data, from one run to the
next. Both speak TCP on 127.0.0.1 alone and ask for the password.
"""

from worker.local.up.embedded.postgres import EmbeddedPostgres
from worker.local.up.embedded.valkey import EmbeddedValkey

__all__ = ["EmbeddedPostgres", "EmbeddedValkey"]
