"""Judge: an outcome becomes verdicts on the contacts, and what it means for their project. Pure but for the dice."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from models import LetterReason, PauseReason
from worker.api.outcome import Accepted, Failed, Outcome, Refused, Throttled, Unauthorized, Unexpected
from worker.batches import Buried, Contact, Moved, PutBack, Ready, Sent, Suspect, Verdicts
from worker.policy import Policy
from worker.push.backoff import backoff, ceiling

ALL_REFUSED = 5
"""So many first singles of a batch refused, with nothing accepted between: the API refuses everything.

Or of as many batches, where failures or a 413 have made them narrower than that.
"""

AT_ONCE = 5
"""So many times in a row an API may ask to hold back for less than a second."""


@dataclass(frozen=True, slots=True)
class PauseFor:
    """Pause the project for this reason."""

    reason: PauseReason
    detail: str


@dataclass(slots=True)
class Journey:
    """A batch on its way: parts still to post (first part first), and refused singles not yet judged.

    `accepted`: whether any part of it was; `posted`: whether any has left in this push; `given_up`: grants for which the next part
    was too late.
    """

    parts: list[list[Ready]]
    suspects: list[tuple[Contact, Buried]] = field(default_factory=list)
    accepted: bool = False
    posted: bool = False
    given_up: int = 0

    def rest(self) -> list[Contact]:
        """Contacts that no request is deciding on right now."""
        return [item.contact for part in self.parts for item in part] + [contact for contact, _ in self.suspects]


@dataclass(frozen=True, slots=True)
class Judgement:
    """Verdicts to settle, and whether the project pauses. `delay`: seconds for which a throttled project holds back."""

    verdicts: Verdicts
    pause: PauseFor | None = None
    delay: float = 0.0


def judge(
    outcome: Outcome,
    part: list[Ready],
    journey: Journey,
    *,
    policy: Policy,
    dice: random.Random,
    probe: bool,
    throttles: int = 0,
    refusals: int = 0,
) -> Judgement:
    """What follows from `outcome` of posting `part`; `journey` loses or gains parts and suspects accordingly.

    `probe`: this batch may not cost its contacts an attempt, nor bury one. `throttles`: 429s in a row before this one. `refusals`:
    singles of narrow batches refused in a row before this one, over all of them.
    """
    match outcome:
        case Accepted():
            return _accepted(part, journey)
        case Refused():
            return _refused(outcome, part, journey, probe=probe, refusals=refusals)
        case Failed():
            return _failed(outcome, part, journey, policy, dice, probe=probe)
        case Throttled(retry_after=seconds):
            delay = hold_back(seconds, throttles)
            return Judgement(_all_back(part, journey, delay), delay=delay)
        case Unauthorized(status=status):
            detail = f"The API answered {status}: check the project's auth key."
            return Judgement(_all_back(part, journey, 0.0), PauseFor(PauseReason.UNAUTHORIZED, detail))
        case Unexpected(status=status):
            detail = f"The API answered {status}: check RINGOSTAT_BASE_URL, or whether the API has changed."
            return Judgement(_all_back(part, journey, 0.0), PauseFor(PauseReason.UNEXPECTED_ANSWER, detail))


def _accepted(part: list[Ready], journey: Journey) -> Judgement:
    journey.accepted = True
    verdicts: Verdicts = [
        (item.contact, Sent(item.document.digest, item.document.external_id, item.document.lead_id, item.is_shared))
        for item in part
    ]
    verdicts += judge_suspects(journey, probe=False)
    return Judgement(verdicts)


def _refused(outcome: Refused, part: list[Ready], journey: Journey, *, probe: bool, refusals: int) -> Judgement:
    if len(part) > 1:
        return Judgement(_split(part, journey))
    contact = part[0].contact
    letter = refusal(outcome.status, outcome.answer, part[0].document.body)
    if journey.accepted:
        return Judgement([(contact, letter)])
    journey.suspects.append((contact, letter))
    if len(journey.suspects) == ALL_REFUSED or refusals + 1 >= ALL_REFUSED:
        detail = f"The API refuses every contact (it answered {outcome.status}): `ringostat-sync check` shows a finished request."
        pause = PauseFor(PauseReason.REFUSING_ALL, detail)
        return Judgement([(c, PutBack(0.0)) for c in journey.rest()], pause)
    if not journey.parts:
        return Judgement(judge_suspects(journey, probe=probe))
    return Judgement([(contact, Suspect(outcome.status, outcome.answer, part[0].document.body))])


def _split(part: list[Ready], journey: Journey) -> Verdicts:
    """Halve; the left half goes next (depth first). The right half's part number is the place of its first contact."""
    half = (len(part) + 1) // 2
    left, right = part[:half], part[half:]
    journey.parts[:0] = [left, right]
    return [(item.contact, Moved(right[0].contact.place)) for item in right]


def _failed(
    outcome: Failed, part: list[Ready], journey: Journey, policy: Policy, dice: random.Random, *, probe: bool
) -> Judgement:
    attempt = max(item.contact.attempts for item in part) + 1
    delay = backoff(attempt, base=policy.retry_base, longest=policy.retry_max, dice=dice)
    verdicts: Verdicts = [(contact, PutBack(delay)) for contact in journey.rest()]
    alone = len(part) == 1
    for item in part:
        if probe:
            verdicts.append((item.contact, PutBack(delay)))
        elif alone and item.contact.attempts + 1 >= policy.max_attempts:
            verdicts.append((item.contact, _exhausted(outcome, item)))
        else:
            verdicts.append((item.contact, PutBack(delay, counted=True)))
    return Judgement(verdicts)


def _exhausted(outcome: Failed, item: Ready) -> Buried:
    tries = item.contact.attempts + 1
    detail = f"The API failed {tries} times, the last time with {outcome.kind}."
    return Buried(LetterReason.ATTEMPTS, detail, item.document.body, status=outcome.status, attempts=tries)


def _all_back(part: list[Ready], journey: Journey, delay: float) -> Verdicts:
    return [(contact, PutBack(delay)) for contact in [*(item.contact for item in part), *journey.rest()]]


def hold_back(seconds: float | None, throttles: int) -> float:
    """Seconds for which a project holds back after so many 429s in a row before this one: as the API asks, or ever longer.

    An API that says "at once" over and over (or whose clock is behind) does not mean it.
    """
    if seconds is None:
        return ceiling(throttles + 1, base=1.0, longest=60.0)
    if seconds < 1.0 and throttles >= AT_ONCE:
        return ceiling(throttles - AT_ONCE + 1, base=1.0, longest=60.0)
    return seconds


def judge_suspects(journey: Journey, *, probe: bool) -> Verdicts:
    """Letters for the refused singles of a batch: fewer than five, or with something accepted, are each at fault themselves.

    Those of a probe wait again, unless something of it was accepted: what refuses them may be the reason of the pause.
    """
    suspects, journey.suspects = journey.suspects, []
    if probe and not journey.accepted:
        return [(contact, PutBack(0.0)) for contact, _ in suspects]
    return list(suspects)


def refusal(status: int, answer: str, document: bytes) -> Buried:
    """The letter of a refused single."""
    if status == 413:
        return Buried(LetterReason.TOO_LARGE, "The API finds this contact too large.", document, answer, status)
    detail = f"The API refused this contact with {status}; `dead-letters show` has its answer."
    return Buried(LetterReason.REFUSED, detail, document, answer, status)


def parts_of(ready: Sequence[Ready]) -> list[list[Ready]]:
    """The parts of a batch as its rows say, the first part first."""
    parts: dict[int, list[Ready]] = {}
    for item in ready:
        parts.setdefault(item.contact.part, []).append(item)
    return [parts[part] for part in sorted(parts)]


def suspects_of(contacts: Sequence[Contact]) -> list[tuple[Contact, Buried]]:
    """The refused singles of a batch that waited, with the letters that they may become."""
    return [
        (
            contact,
            refusal(contact.suspect_status, contact.suspect_answer or "", (contact.suspect_document or "").encode()),
        )
        for contact in contacts
        if contact.suspect_status is not None
    ]
