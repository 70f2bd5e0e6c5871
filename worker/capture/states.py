"""How a watch is, by what the catalogs say. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from worker.capture.functions import body, row_function, truncate_function
from worker.capture.resolve import Resolved


class State(StrEnum):
    """How a watch is. `install` mends those of MENDED_BY_INSTALL; the others want the mapping or the CRM corrected."""

    OK = "ok"
    MISSING = "missing"
    """A trigger is not there."""
    REBUILT = "rebuilt"
    """The table, or the type of a column, is another one than at the installation."""
    DISABLED = "disabled"
    """A trigger does not fire."""
    OTHER_STATE = "other state"
    """A trigger fires for some sessions alone: for replication, or for all but replication."""
    OUTDATED = "outdated"
    """A trigger or its function is not as `install` makes it."""
    PARTITIONS = "partitions"
    """A partition was attached or detached since the installation."""
    CHILDREN = "children"
    """A table inherits from the watched one, and the source does not watch it."""
    NOT_CAUGHT = "not caught"
    """All is in place, and yet a trial change did not reach the outbox."""
    NO_TABLE = "no table"
    NO_COLUMN = "no column"


MENDED_BY_INSTALL = {
    State.MISSING,
    State.REBUILT,
    State.DISABLED,
    State.OTHER_STATE,
    State.OUTDATED,
    State.PARTITIONS,
}


HELD_BACK = {
    "D": (State.DISABLED, "is disabled: no change is captured"),
    "O": (State.OTHER_STATE, "is not ENABLE ALWAYS any more: what replication writes is not captured"),
    "R": (State.OTHER_STATE, "is ENABLE REPLICA: what the CRM writes here itself is not captured"),
}
"""By `pg_trigger.tgenabled`, whatever is not as `install` leaves it."""


@dataclass(frozen=True, slots=True)
class WatchStatus:
    """How a watch of a source is; `table` as the mapping writes it, `detail` a sentence if there is more to say.

    `replicated`: a subscription writes into the table.
    """

    source: str
    table: str
    state: State
    detail: str = ""
    replicated: bool = False


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger of ours as it is in the database. An `inherited` one is a partition's: it comes and goes with its parent's.

    `enabled` as in pg_trigger: A (always), D (disabled), O (not for replication), R (for replication alone). `config`: the settings
    under which its function runs.
    """

    table: str
    name: str
    inherited: bool
    enabled: str
    body: str
    whole: bool
    config: list[str] | None


@dataclass(frozen=True, slots=True)
class Installed:
    """A watch as `install` wrote it down: the table's oid and its columns' types then (None: not known)."""

    id: str
    source: str
    table_name: str
    table_oid: int | None = None
    column_types: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Catalog:
    """What the database holds of capture: our triggers, and the watches that `install` wrote down, by id."""

    triggers: Sequence[Trigger]
    installed: Mapping[str, Installed]


def watch_state(watch: Resolved, catalog: Catalog) -> tuple[State, str]:
    """The worst that can be said of a watch, and a sentence about it."""
    bodies = {
        watch.trigger: (body(row_function(watch)), _written(watch.settings)),
        watch.truncate_trigger: (body(truncate_function(watch)), _written(watch.truncate_settings)),
    }
    ours = [trigger for trigger in catalog.triggers if trigger.name in bodies]
    known = catalog.installed.get(watch.id)
    if known is not None and (change := _rebuilt(watch, known)):
        return State.REBUILT, change
    if known is None or len([trigger for trigger in ours if trigger.table == watch.table.name]) < len(bodies):
        return State.MISSING, ""
    return _held_back(ours) or _altered(ours, bodies) or _moved(watch, ours, len(bodies)) or (State.OK, "")


def inheriting(watch: Resolved, watched: Collection[str]) -> str:
    """A sentence about the tables that inherit from a watch's and are none of those that its source watches; else blank."""
    children = [child for child in watch.table.children if child not in watched]
    if not children:
        return ""
    return f"What inherits from it has rows of its own: watch {', '.join(children)} too."


def _rebuilt(watch: Resolved, known: Installed) -> str:
    table = watch.table
    if known.table_oid not in {None, table.oid}:
        return f"{table.name} is another table than the one that was watched: it was made anew, or swapped."
    for name, kind in table.types.items():
        was = (known.column_types or {}).get(name, kind)
        if was != kind:
            return f"Column {name} was {was} and is {kind}: its rows were rewritten, which no trigger sees."
    return ""


def _held_back(triggers: Sequence[Trigger]) -> tuple[State, str] | None:
    for enabled, (state, words) in HELD_BACK.items():
        for trigger in triggers:
            if trigger.enabled == enabled:
                return state, f"Trigger {trigger.name} on {trigger.table} {words}."
    return None


def _altered(triggers: Sequence[Trigger], bodies: Mapping[str, tuple[str, set[str]]]) -> tuple[State, str] | None:
    for trigger in triggers:
        if not trigger.whole or (trigger.body, _kept(trigger.config or ())) != bodies[trigger.name]:
            return State.OUTDATED, f"Trigger {trigger.name} on {trigger.table}, or its function, was altered."
    return None


def _written(settings: Mapping[str, str]) -> set[str]:
    return _kept(f"{name}={value}" for name, value in settings.items())


def _kept(settings: Iterable[str]) -> set[str]:
    """Settings as PostgreSQL keeps them, to be compared; of the time zone it matters that there is one."""
    small = (one.lower() for one in settings)
    return {"timezone" if one.startswith("timezone=") else one for one in small}


def _moved(watch: Resolved, triggers: Sequence[Trigger], each: int) -> tuple[State, str] | None:
    """Partitions that came without all their triggers, and tables that took theirs along."""
    bearing = Counter(trigger.table for trigger in triggers)
    if attached := [table for table in watch.table.partitions if bearing[table] < each]:
        return State.PARTITIONS, f"Attached since the last `capture install`: {', '.join(attached)}."
    if detached := sorted(bearing.keys() - {watch.table.name, *watch.table.partitions}):
        return State.PARTITIONS, f"Detached since the last `capture install`: {', '.join(detached)}."
    return None
