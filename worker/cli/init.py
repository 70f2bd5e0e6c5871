"""`init`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli.session import begin, printable
from worker.config.settings import Settings, libpq_url
from worker.operate.init.files import example, readme, write

if TYPE_CHECKING:
    from worker.operate.init.tables import Table

NOT_SET = "Neither CRM_DATABASE_URL nor DATABASE_URL is set: the tables are invented."
NEXT = "Next: read every line, correct what is wrong, and run `ringostat-sync check`."


def init(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="The mapping of a known CRM, such as odoo.")
    ] = None,
) -> None:
    """Write a mapping to start from into this folder.

    With NAME, the mapping of a known CRM. Without NAME, it looks in CRM_DATABASE_URL (or DATABASE_URL) for tables that look like
    people, phones and companies. Overwrites nothing.
    """
    if name is not None:
        _write(example(name), [f"What to change, and what to know of this CRM: {readme(name)}"])
        return
    from worker.operate.init.guess import guess  # noqa: PLC0415 - only a start without a name guesses
    from worker.operate.init.start import start  # noqa: PLC0415

    tables, problem = _tables(begin())
    found = guess(tables)
    told = [problem] if problem else _told(tables, found.people if found is not None else None)
    _write(start(found), told)


def _tables(settings: Settings) -> tuple[Sequence[Table], str]:
    """What the CRM's database holds; nothing, and a sentence that says why, if there is none or it does not answer."""
    import psycopg  # noqa: PLC0415 - only a start without a name asks a database

    from worker.errors import first_line  # noqa: PLC0415
    from worker.operate.init.tables import read_tables  # noqa: PLC0415

    if settings.crm_database_url is None:
        return [], NOT_SET
    try:
        return read_tables(libpq_url(settings.require_crm_database_url())), ""
    except psycopg.Error as error:
        return [], f"The CRM's database does not answer ({first_line(error)}): the tables are invented."


def _told(tables: Sequence[Table], people: Table | None) -> list[str]:
    from worker.operate.init.guess import looks_like  # noqa: PLC0415 - see above

    if people is None:
        return ["No table that this role may read looks like people with telephones: the tables are invented."]
    told = [f"{people.quoted} looks like the people to be shown."]
    if (known := looks_like(tables)) is not None:
        name, crm = known
        told.append(f"The database looks like {crm}'s: in another folder, try `ringostat-sync init {name}`.")
    return told


def _write(texts: dict[str, str], told: Iterable[str]) -> None:
    write(Path(), texts)
    for line in (f"Written: {', '.join(texts)}.", *told, NEXT):
        typer.echo(printable(line), err=True)
