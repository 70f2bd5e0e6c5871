"""The trigger functions of a watch, as text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files

from psycopg import sql

from worker.capture.resolve import Resolved
from worker.capture.tables import quoted
from worker.config.query import clean_condition

_QUOTE = "$ringostat_sync$"


def row_function(watch: Resolved) -> str:
    """The statement that makes the function of the row trigger."""
    return _filled(
        "row_function",
        function=watch.function,
        settings=_settings(watch.settings),
        kind="text" if watch.key is not None else "jsonb",
        unchanged=_unchanged(watch.compared),
        where=_holds(watch),
        value=value(watch),
        old_by_name=_value_by_name(watch, "OLD"),
        new_by_name=_value_by_name(watch, "NEW"),
        insert_old=f"{_into_outbox(watch)} VALUES ({_given(watch)}, rs_old)",
        insert_new=f"{_into_outbox(watch)} VALUES ({_given(watch)}, rs_new)",
        insert_lost=_insert_lost(watch),
    )


def truncate_function(watch: Resolved) -> str:
    """The statement that makes the function of the TRUNCATE trigger."""
    named = f" WHERE changed.{quoted(watch.key)} IS NOT NULL" if watch.key is not None else " WHERE true"
    return _filled(
        "truncate_function",
        function=watch.truncate_function,
        settings=_settings(watch.truncate_settings),
        insert=_literal(f"{_into_outbox(watch)} SELECT DISTINCT {_given(watch)}, {_distinct(watch)}"),
        named=_literal(named),
        where=_literal(f" AND {_holds(watch)}"),
        insert_lost=_insert_lost(watch),
    )


def body(statement: str) -> str:
    """What PostgreSQL keeps of such a statement as the function's source."""
    return statement.split(_QUOTE)[1]


def _filled(name: str, **values: str) -> str:
    """Fill a file's braces in one pass, so that braces in a user's SQL stay what they are."""
    text = (files(__package__) / f"{name}.sql").read_text(encoding="utf-8")
    return re.sub(r"\{(\w+)\}", lambda place: values[place[1]], text)


def _settings(settings: Mapping[str, str]) -> str:
    return " ".join(f"SET {name} = {setting}" for name, setting in settings.items())


def _unchanged(compared: tuple[str, ...]) -> str:
    if not compared:
        return "OLD OPERATOR(pg_catalog.*=) NEW"
    old, new = (", ".join(f"{side}.{quoted(name)}" for name in compared) for side in ("OLD", "NEW"))
    # Without the casts PostgreSQL would compare column by column, for which some types have no operator.
    return f"ROW({old})::record OPERATOR(pg_catalog.*=) ROW({new})::record"


def _holds(watch: Resolved) -> str:
    return f"(\n{clean_condition(watch.watch.where)})" if watch.watch.where is not None else "true"


def value(watch: Resolved) -> str:
    """What is written of the row `changed`: its key as text, or as jsonb the columns that the `keys` SELECT names."""
    if watch.key is not None:
        return f"changed.{quoted(watch.key)}::text"
    if watch.named is None:
        return "to_jsonb(changed)"
    pairs = ", ".join(f"{_literal(name)}, changed.{quoted(name)}" for name in watch.named)
    return f"jsonb_build_object({pairs})"


def _distinct(watch: Resolved) -> str:
    """The same, for a DISTINCT: keys by their letters, as a collation may take two for one."""
    return f'{value(watch)} COLLATE "C"' if watch.key is not None else value(watch)


def _value_by_name(watch: Resolved, side: str) -> str:
    """The same, from a row whose columns may be gone: null if none is left."""
    row = f"to_jsonb({side})"
    if watch.key is not None:
        return f"{row} ->> {_literal(watch.key)}"
    if watch.named is None:
        return row
    names = ", ".join(_literal(name) for name in watch.named)
    return f"(SELECT jsonb_object_agg(e.key, e.value) FROM jsonb_each({row}) AS e WHERE e.key = ANY (ARRAY[{names}]::text[]))"


def _into_outbox(watch: Resolved) -> str:
    columns = "source, key" if watch.key is not None else "source, watch, changed"
    return f"INSERT INTO ringostat_sync.outbox ({columns})"


def _insert_lost(watch: Resolved) -> str:
    """A row that says that something has changed, and not what: the fan-out reads the whole source for it."""
    values = f"{_literal(watch.source.name)}, {_literal(watch.id)}, 'null'"
    return f"INSERT INTO ringostat_sync.outbox (source, watch, changed) VALUES ({values})"


def _given(watch: Resolved) -> str:
    source = _literal(watch.source.name)
    return source if watch.key is not None else f"{source}, {_literal(watch.id)}"


def _literal(text: str) -> str:
    """A string as SQL writes it, whatever the CRM's sessions say of `standard_conforming_strings`."""
    return sql.Literal(text).as_string(None)
