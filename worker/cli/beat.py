"""`beat`."""

from __future__ import annotations

from worker.application import run_beat
from worker.cli.session import begin, mapping_of
from worker.operate.living import living


def beat() -> None:
    """Wake the collector every few seconds.

    It also takes back lost batches, and deletes what is old. A second one does no harm.
    """
    settings = begin()
    with living("beat", settings, mapping_of(settings)) as pulse:
        run_beat(settings, pulse.progress)
