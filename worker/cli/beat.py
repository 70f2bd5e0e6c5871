"""`beat`."""

from __future__ import annotations

from worker.application import run_beat
from worker.cli.session import begin, mapping_of
from worker.operate.living import living


def beat() -> None:
    """Wake the collector every few seconds.

    Takes back what was lost, and purges what is old. A second one does no harm.
    """
    settings = begin()
    with living("beat", settings, mapping_of(settings)) as pulse:
        run_beat(settings, pulse.progress)
