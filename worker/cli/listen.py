"""`listen`."""

from __future__ import annotations

import signal
from threading import Event

from worker.application import send_collect
from worker.cli.session import begin
from worker.listen.listen import listen as look_on
from worker.operate.living import living
from worker.wiring import Wiring


def listen() -> None:
    """Wake the collector as soon as a change commits.

    Within milliseconds. A second one does no harm.
    """
    settings = begin()
    wiring = Wiring.of(settings, need_keys=False)
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with living("listen", settings, wiring.mapping) as pulse:
        look_on(wiring.engine, wiring.mapping, wiring.wake, send_collect(settings, wiring), stop, pulse.progress)
