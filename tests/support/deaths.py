"""Workers that die, at any moment of a push."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.engine import Engine
from worker.push import push, reserve
from worker.upkeep.recover import Recovered, recover

LEASES_OVER = (
    "UPDATE ringostat_sync.batches SET lease_until = clock_timestamp() - interval '1 ms' WHERE state = 'pushing'"
)


class KilledError(BaseException):
    """The process ends here: nobody catches it, and open transactions are rolled back."""


def die(*_: object, **__: object) -> None:
    raise KilledError


def dying_after(function: Callable) -> Callable:
    def run(*arguments, **options):
        function(*arguments, **options)
        raise KilledError

    return run


def kill_while(engine: Engine, monkeypatch: pytest.MonkeyPatch, moment: str, batch: int) -> None:
    """Push a batch in a worker that dies at a moment."""
    pusher = engine.wiring.pusher
    moments: dict[str, tuple[object, str, Callable]] = {
        "reading": (type(pusher.reader), "read", die),
        "reserving": (reserve, "_reserve", dying_after(reserve._reserve)),
        "reserved": (push, "reserve", dying_after(push.reserve)),
        "waiting": (type(engine.wiring.limiter), "take", die),
        "posting": (type(pusher.sender.client), "post", die),
        "answered": (type(pusher.sender.client), "post", dying_after(type(pusher.sender.client).post)),
        "settling": (push, "settle", dying_after(push.settle)),
    }
    with monkeypatch.context() as patch:
        patch.setattr(*moments[moment])
        with pytest.raises(KilledError):
            pusher.push(batch)


def recover_now(engine: Engine) -> Recovered:
    """Let the leases run out, and take back what is lost."""
    engine.sql(LEASES_OVER)
    return recover(engine.wiring.engine)
