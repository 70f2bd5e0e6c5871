"""`beat`."""

from __future__ import annotations

from worker.application import run_beat
from worker.cli.session import begin, mapping_of


def beat() -> None:
    """Wake the collector every few seconds.

    Takes back what was lost, and purges what is old. A second one does no harm.
    """
    settings = begin()
    mapping_of(settings)
    run_beat(settings)
