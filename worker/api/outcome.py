"""What a request came to: one typed value, matched exhaustively by the push."""

from __future__ import annotations

from dataclasses import dataclass

from worker.api import failures


@dataclass(frozen=True, slots=True)
class Accepted:
    """A 2xx whose body reports no error."""

    status: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The documents are at fault (400, 413, 422, an error in a 2xx body): split, and bury the single at fault."""

    status: int
    answer: str
    too_large: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """The service is at fault (network, time-out, 408, 425, 5xx): retry. `unknown`: it may have processed the request.

    `kind`: the cause in a stable word (`dns`, `certificate_expired`, `proxy_407`, `http_503`, …).
    """

    kind: str
    unknown: bool
    status: int | None = None

    @property
    def sentence(self) -> str:
        """The cause in a sentence that says what to do."""
        return failures.sentence(self.kind)


@dataclass(frozen=True, slots=True)
class Throttled:
    """429, or 503 with `Retry-After`: throttle the project, for `retry_after` seconds if the API named them."""

    status: int
    retry_after: float | None


@dataclass(frozen=True, slots=True)
class Unauthorized:
    """401 or 403: the key is wrong; pause."""

    status: int


@dataclass(frozen=True, slots=True)
class Unexpected:
    """Any other 3xx or 4xx: the address or the API has changed; pause."""

    status: int


Outcome = Accepted | Refused | Failed | Throttled | Unauthorized | Unexpected


def name(outcome: Outcome) -> str:
    """The outcome's word in `requests`, logs and figures."""
    if isinstance(outcome, Failed) and outcome.unknown:
        return "unknown"
    return type(outcome).__name__.lower()
