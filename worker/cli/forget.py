"""`forget`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from worker.cli.outbox import outbox_database
from worker.cli.session import begin, mapping_of
from worker.operate.forget import A_LITTLE, Forgotten
from worker.operate.forget import forget as remove
from worker.operate.known import known_source

COPIES = (
    "The CRM and Ringostat keep their own copies: Ringostat's API has no delete,"
    " and a contact that the CRM still has is sent again by its next change or by a backfill."
)
NOT_FANNED_OUT = (
    "Changed rows whose contacts are not found yet: {}. Until `status` shows nothing pending, they have the columns that a watch's"
    " `keys` names."
)


def forget(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A source of the mapping.")],
    key: Annotated[str, typer.Argument(metavar="KEY", help="The contact's key, as it is in the outbox.")],
) -> None:
    """Remove all that is stored of one contact.

    Its changes, its payloads, its digest and ids, and its dead letters.
    """
    settings = begin()
    mapping = mapping_of(settings)
    known = known_source(mapping, source)
    with (
        outbox_database(settings) as engine,
        Console(stderr=True).status("Waiting until the contact's batch has ended ..."),
    ):
        found = remove(engine, mapping, known, key, patience=settings.sync_lease + A_LITTLE)
    typer.echo(told(found))
    if found.waiting_fan_outs:
        typer.echo(NOT_FANNED_OUT.format(found.waiting_fan_outs))
    typer.echo(COPIES)


def told(found: Forgotten) -> str:
    """What was removed, in counts."""
    if not found.removed:
        return "Nothing is stored of this contact."
    return (
        f"Removed: changes {found.changes}, waiting {found.waiting}, last accepted state {found.delivery},"
        f" dead letters {found.dead_letters}, backfill cursors {found.cursors}."
    )
