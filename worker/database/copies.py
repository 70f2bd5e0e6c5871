"""Logical replication of our own schema: who publishes it, and whether this database is a copy that is fed with it."""

from __future__ import annotations

from typing import Any

import psycopg

PUBLISHED = """
SELECT quote_ident(p.pubname) FROM pg_catalog.pg_publication AS p
WHERE p.puballtables OR EXISTS (
    SELECT FROM pg_catalog.pg_publication_namespace AS n
    WHERE n.pnpubid = p.oid AND n.pnnspid = to_regnamespace('ringostat_sync')
)
ORDER BY 1
"""
FED_BY = """
SELECT DISTINCT quote_ident(s.subname) FROM pg_catalog.pg_subscription AS s
JOIN pg_catalog.pg_subscription_rel AS r ON r.srsubid = s.oid
JOIN pg_catalog.pg_class AS c ON c.oid = r.srrelid
WHERE c.relnamespace = to_regnamespace('ringostat_sync')
ORDER BY 1
"""


def publications(connection: psycopg.Connection[Any]) -> list[str]:
    """Publications that take along whatever is made in our schema, quoted as in SQL; reads catalogs only."""
    return [name for (name,) in connection.execute(PUBLISHED).fetchall()]


def feeding_subscriptions(connection: psycopg.Connection[Any]) -> list[str]:
    """Subscriptions that write into our tables, which makes this database a copy; quoted as in SQL, from catalogs only."""
    return [name for (name,) in connection.execute(FED_BY).fetchall()]
