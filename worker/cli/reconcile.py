"""`reconcile`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated

import typer

from worker.assembly import Assembly
from worker.cli.outbox import in_one_line
from worker.cli.session import begin, printable, wide_console
from worker.cli.tables import print_rows
from worker.config.model import Source
from worker.errors import MappingBrokenError, ReplicaUnavailableError, sentence
from worker.operate.known import known_source
from worker.reconcile.reconcile import Reconciler, Step
from worker.reconcile.state import Figures

LOOK_EVERY = 0.5
"""Seconds between two looks whether another process has left the source."""
FIGURES = ("differing", "never sent", "gone", "known")


def reconcile(
    sources: Annotated[
        list[str] | None, typer.Argument(metavar="[SOURCE]…", help="Sources of the mapping; by default all.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what differs; nothing is sent.")] = False,
    confirm: Annotated[bool, typer.Option("--confirm", help="Send what differs, however much it is.")] = False,
) -> None:
    """Compare every contact with what was last accepted.

    Those that differ, or were never sent, wait behind live changes.
    """
    parts = Assembly.of(begin(), need_keys=False)
    asked = [known_source(parts.mapping, name) for name in dict.fromkeys(sources or parts.mapping.sources)]
    with in_one_line():
        found = [(source, *_reconciled(parts.reconciler, source, dry_run=dry_run, confirm=confirm)) for source in asked]
    _print(found)
    if any(figures is None or held for _, figures, held in found):
        raise typer.Exit(1)


def _reconciled(reconciler: Reconciler, source: Source, *, dry_run: bool, confirm: bool) -> tuple[Figures | None, bool]:
    """What was found, None if the source can't be read; and whether it is held."""
    try:
        if dry_run:
            return reconciler.dry_run(source), False
        return _to_the_end(reconciler, source, confirm=confirm)
    except (MappingBrokenError, ReplicaUnavailableError) as error:
        typer.echo(f"{source.name}: {printable(sentence(error))}", err=True)
        return None, False


def _to_the_end(reconciler: Reconciler, source: Source, *, confirm: bool) -> tuple[Figures, bool]:
    """All stretches of a walk; another process that has the source just now is waited for."""
    held = reconciler.confirm(source) if confirm else None
    anew = held is None
    while True:
        found = reconciler.stretch(source, anew=anew, confirmed=confirm)
        if found.step is Step.BUSY:
            time.sleep(LOOK_EVERY)
            continue
        if found.step is not Step.GOES_ON:
            return held or found.figures, found.step is Step.HELD
        anew = False


def _print(found: Sequence[tuple[Source, Figures | None, bool]]) -> None:
    rows = [
        (source.name, figures.differing, figures.never_sent, figures.gone, figures.known, "held" if held else "")
        for source, figures, held in found
        if figures is not None
    ]
    if rows:
        print_rows(wide_console(), ("source", *FIGURES, ""), rows, right=FIGURES)
    for source, _, held in found:
        if held:
            typer.echo(
                f"{source.name}: so much differs that nothing of it is sent:"
                f" `ringostat-sync reconcile {source.name} --confirm` sends it.",
                err=True,
            )
