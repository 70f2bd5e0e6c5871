"""Decide: an outcome becomes verdicts on the contacts, and all that it means for their project. Pure but for the dice."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from models import DeadLetterReason, Method, PauseReason
from worker.api.outcome import Accepted, Failed, Outcome, Refused, Throttled, Unauthorized, Unexpected
from worker.config.backoff import backoff, ceiling
from worker.config.policy import Policy
from worker.projects.streaks import NO_STREAK, Streak, Streaks
from worker.push.batch_run import BatchRun, Ready
from worker.settle.verdicts import Buried, Claimed, Moved, PutBack, Sent, UnconfirmedRefusal, Verdicts

ALL_REFUSED = 5
"""So many first singles of a batch refused, with nothing accepted between: the API refuses everything.

Or of as many batches, if failures or a 413 have made them narrower than that.
"""
AT_ONCE = 5
"""So many times in a row an API may ask to wait for less than a second."""
LONGEST_THROTTLE = 60.0
"""Seconds; for a 429 that does not say how long."""

CURED_BY_AN_ANSWER = frozenset({PauseReason.API_DOWN, PauseReason.UNAUTHORIZED, PauseReason.UNEXPECTED_ANSWER})
CURED_BY_ACCEPTANCE = CURED_BY_AN_ANSWER | {PauseReason.REFUSING_ALL}
NOTHING: frozenset[PauseReason] = frozenset()


@dataclass(frozen=True, slots=True)
class PauseFor:
    """Pause the project for this reason, or only one of its methods."""

    reason: PauseReason
    detail: str
    method: Method | None = None


@dataclass(frozen=True, slots=True)
class BatchLimit:
    """The most contacts of a request; None: as many as the setting says.

    It replaces only a larger limit or, with `instead_of`, that one.
    """

    limit: int | None
    instead_of: int | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """All that an answer means.

    `verdicts`: on contacts of its batch. `ends`: the streaks that are over. `pause`: the pause that begins, or goes on. `cures`: pauses
    that a probe's answer ends. `proves_nothing`: it was a probe's; if it has cured no pause, the next probe waits longer. `throttle`:
    seconds for which the project's requests wait, if the API has asked for it. `batch_limit`: what the batch size has learnt.
    """

    verdicts: Verdicts
    ends: Streaks = Streaks.NONE
    pause: PauseFor | None = None
    cures: frozenset[PauseReason] = NOTHING
    proves_nothing: bool = False
    throttle: float | None = None
    batch_limit: BatchLimit | None = None


def streak_of(outcome: Outcome, items: Sequence[Ready], run: BatchRun) -> Streaks:
    """The streak that this outcome prolongs: it is counted before the decision, which asks how long it is."""
    if isinstance(outcome, Throttled):
        return Streaks.THROTTLED
    if isinstance(outcome, Failed):
        return Streaks.FAILED
    if isinstance(outcome, Refused) and _is_narrow(items, run):
        return Streaks.REFUSED
    return Streaks.NONE


def decide(
    outcome: Outcome,
    items: list[Ready],
    run: BatchRun,
    *,
    policy: Policy,
    dice: random.Random,
    streak: Streak = NO_STREAK,
) -> Decision:
    """What follows from `outcome` of posting `items`; `run` loses or gains slices and unconfirmed refusals accordingly.

    A probe costs its contacts no attempt, and buries none. `streak`: outcomes like this one in a row, this one included.
    """
    match outcome:
        case Accepted():
            return _accepted(items, run)
        case Refused():
            return _refused(outcome, items, run, streak)
        case Failed():
            return _failed(outcome, items, run, streak, policy, dice)
        case Throttled(retry_after=seconds):
            wait = throttle_delay(seconds, streak.count - 1)
            return Decision(_all_back(items, run, wait), throttle=wait, proves_nothing=run.probe)
        case Unauthorized(status=status):
            detail = f"The API answered {status}: check the project's auth key."
            return Decision(_all_back(items, run, 0.0), pause=PauseFor(PauseReason.UNAUTHORIZED, detail))
        case Unexpected(status=status):
            detail = f"The API answered {status}: check RINGOSTAT_BASE_URL, or whether the API has changed."
            return Decision(_all_back(items, run, 0.0), pause=PauseFor(PauseReason.UNEXPECTED_ANSWER, detail))
        case _:
            assert_never(outcome)


def _accepted(items: list[Ready], run: BatchRun) -> Decision:
    run.accepted = True
    verdicts: Verdicts = [
        (item.contact, Sent(item.document.digest, item.document.external_id, item.document.lead_id, item.is_shared))
        for item in items
    ]
    verdicts += confirm(run)
    cures = CURED_BY_ACCEPTANCE if run.probe else NOTHING
    return Decision(verdicts, ends=Streaks.ALL, cures=cures, batch_limit=_grown(run, len(items)))


def _grown(run: BatchRun, entries: int) -> BatchLimit | None:
    """A request as large as the limit was accepted: it grows by a tenth, until the setting is reached again."""
    old = run.batch_limit
    if old is None or entries < old:
        return None
    new = old + max(1, old // 10)
    return BatchLimit(None if new >= run.lease.project.batch_size else new, instead_of=old)


def _refused(outcome: Refused, items: list[Ready], run: BatchRun, streak: Streak) -> Decision:
    pause, limit = None, None
    if len(items) > 1:
        verdicts = _split(items, run)
        limit = BatchLimit(max(1, len(items) // 2)) if outcome.too_large else None
    else:
        verdicts, pause = _refused_single(outcome, items[0], run, streak)
    cures = CURED_BY_AN_ANSWER if run.probe else NOTHING
    return Decision(verdicts, Streaks.FAILURES, pause, cures, proves_nothing=run.probe, batch_limit=limit)


def _refused_single(outcome: Refused, item: Ready, run: BatchRun, streak: Streak) -> tuple[Verdicts, PauseFor | None]:
    dead_letter = refusal(outcome.status, outcome.answer, item.document.body)
    if run.accepted:
        return [(item.contact, dead_letter)], None
    run.unconfirmed.append((item.contact, dead_letter))
    if len(run.unconfirmed) == ALL_REFUSED or streak.count >= ALL_REFUSED:
        detail = f"The API refuses every contact (it answered {outcome.status}): `ringostat-sync check` shows a finished request."
        return [(contact, PutBack(0.0)) for contact in run.rest()], PauseFor(PauseReason.REFUSING_ALL, detail)
    if not run.slices:
        return confirm(run), None
    return [(item.contact, UnconfirmedRefusal(outcome.status, outcome.answer, item.document.body))], None


def _is_narrow(items: Sequence[Ready], run: BatchRun) -> bool:
    """A single whose batch is too small to show that the API refuses everything, as failures or a 413 have narrowed it."""
    contact = items[0].contact
    learnt = run.batch_limit is not None and run.batch_limit < ALL_REFUSED
    return len(items) == 1 and run.size < ALL_REFUSED and (learnt or contact.attempts + contact.lost_leases > 1)


def _split(items: list[Ready], run: BatchRun) -> Verdicts:
    """Halve; the left half goes next (depth first). The right half's slice is named by its first contact."""
    half = (len(items) + 1) // 2
    left, right = items[:half], items[half:]
    run.slices[:0] = [left, right]
    return [(item.contact, Moved(right[0].contact.in_flight_id)) for item in right]


def _failed(
    outcome: Failed, items: list[Ready], run: BatchRun, streak: Streak, policy: Policy, dice: random.Random
) -> Decision:
    attempt = max(item.contact.attempts for item in items) + 1
    wait = backoff(attempt, base=policy.retry_base, longest=policy.retry_max, dice=dice)
    verdicts: Verdicts = [(contact, PutBack(wait)) for contact in run.rest()]
    for item in items:
        if run.probe:
            verdicts.append((item.contact, PutBack(wait)))
        elif len(items) == 1 and _is_exhausted(item.contact, streak, policy):
            verdicts.append((item.contact, _exhausted(outcome, item)))
        else:
            verdicts.append((item.contact, PutBack(wait, counted=True)))
    if not streak.is_down:
        return Decision(verdicts, proves_nothing=run.probe)
    detail = f"The API has failed {streak.count} times in a row ({outcome.kind}). {outcome.sentence}"
    return Decision(verdicts, pause=PauseFor(PauseReason.API_DOWN, detail, run.lease.method))


def _is_exhausted(contact: Claimed, streak: Streak, policy: Policy) -> bool:
    """Out of attempts, while the API was well: its lane has accepted something else since the contact first failed.

    As long as nothing is accepted, the API may be down, and waiting costs nothing.
    """
    first, accepted = contact.first_failed_at, streak.accepted_at
    return (
        contact.attempts + 1 >= policy.max_attempts and first is not None and accepted is not None and accepted > first
    )


def _exhausted(outcome: Failed, item: Ready) -> Buried:
    tries = item.contact.attempts + 1
    detail = f"The API failed {tries} times, the last time with {outcome.kind}."
    return Buried(DeadLetterReason.ATTEMPTS, detail, item.document.body, status=outcome.status, attempts=tries)


def _all_back(items: list[Ready], run: BatchRun, wait: float) -> Verdicts:
    return [(contact, PutBack(wait)) for contact in [*(item.contact for item in items), *run.rest()]]


def throttle_delay(seconds: float | None, throttles: int) -> float:
    """Seconds for which a project waits after so many 429s in a row before this one: as the API asks, or ever longer.

    An API that says "at once" over and over (or whose clock is behind) does not mean it.
    """
    if seconds is None:
        return ceiling(throttles + 1, base=1.0, longest=LONGEST_THROTTLE)
    if seconds < 1.0 and throttles >= AT_ONCE:
        return ceiling(throttles - AT_ONCE + 1, base=1.0, longest=LONGEST_THROTTLE)
    return seconds


def confirm(run: BatchRun) -> Verdicts:
    """Dead letters for the refused singles of a batch: fewer than five, or with something accepted, are each at fault themselves.

    Those of a probe wait again, unless something of it was accepted: what refuses them may be the reason of the pause.
    """
    unconfirmed, run.unconfirmed = run.unconfirmed, []
    if run.probe and not run.accepted:
        return [(contact, PutBack(0.0)) for contact, _ in unconfirmed]
    return list(unconfirmed)


def refusal(status: int, answer: str, document: bytes) -> Buried:
    """The dead letter of a refused single."""
    if status == 413:
        return Buried(DeadLetterReason.TOO_LARGE, "The API finds this contact too large.", document, answer, status)
    detail = f"The API refused this contact with {status}; `dead-letters show` has its answer."
    return Buried(DeadLetterReason.REFUSED, detail, document, answer, status)


def unconfirmed_of(contacts: Sequence[Claimed]) -> list[tuple[Claimed, Buried]]:
    """The refused singles of a batch that waited, with the dead letters that they may become."""
    return [
        (
            contact,
            refusal(contact.refusal_status, contact.refusal_answer or "", (contact.refusal_document or "").encode()),
        )
        for contact in contacts
        if contact.refusal_status is not None
    ]
