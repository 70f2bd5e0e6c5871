"""A `keys` SELECT: which columns of the changed row it needs, and how it is run for one of them."""

from __future__ import annotations

from worker.config.query import clean_query
from worker.config.sql_tokens import tokens


def columns_named(keys: str) -> list[str]:
    """The columns of `changed` that a SELECT names; empty where it takes the row as a whole."""
    words = [token.text for token in tokens(keys) if token.text.strip() and not token.text.startswith(("--", "/*"))]
    named: list[str] = []
    for place, word in enumerate(words):
        if word.lower() not in {"changed", '"changed"'} or (place and words[place - 1] == "."):
            continue
        following = words[place + 1 : place + 3]
        if len(following) < 2 or following[0] != "." or following[1] == "*":
            return []
        name = following[1]
        named.append(name[1:-1].replace('""', '"') if name.startswith('"') else name.lower())
    return list(dict.fromkeys(named))


def expansion_sql(table: str, keys: str) -> str:
    """The SELECT that finds the contacts of one changed row; its bind is `%(changed)s`, a jsonb of the row's columns."""
    query = clean_query(keys).replace("%", "%%")
    row = f"jsonb_populate_record(NULL::{table.replace('%', '%%')}, %(changed)s::jsonb) AS changed"
    return f"SELECT DISTINCT k.key::text FROM {row}, LATERAL (\n{query}\n) AS k (key)"
