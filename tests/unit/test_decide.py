"""From an outcome to verdicts on the contacts, and what it means for their project."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import pytest

from models import DeadLetterReason, Method, PauseReason
from tests.support.dice import Longest
from worker.api.outcome import Accepted, Failed, Outcome, Refused, Throttled, Unauthorized, Unexpected
from worker.config.model import Project, Rate
from worker.config.policy import Policy
from worker.document.build import Built
from worker.projects.streaks import Streak
from worker.push.batch_run import BatchRun, Ready, slices_of
from worker.push.decide import Decision, confirm, decide, refusal
from worker.settle.verdicts import Buried, Claimed, Lease, Moved, PutBack, Sent, UnconfirmedRefusal, Verdict

REFUSED = Refused(422, "no")
PROJECT = Project(106, Rate(5, 1.0), 100)
EARLIER, LATER = datetime(2030, 1, 1, tzinfo=UTC), datetime(2030, 1, 2, tzinfo=UTC)
BROKEN = Failed("http_500", unknown=False, status=500)


def ready(number: int, attempts: int = 0, slice_: int = 0, first_failed_at: datetime | None = None) -> Ready:
    more = {"first_failed_at": first_failed_at}
    contact = Claimed(
        "externalId", str(number), 1, number, slice_, "contacts", number, None, attempts, 0, False, **more
    )
    return Ready(contact, Built(b'{"n":%d}' % number, b"digest%d" % number, str(number), f"L{number}"))


def batch_run(slices: list[list[Ready]], unconfirmed=(), *, accepted: bool = False) -> BatchRun:
    lease = Lease(1, 1, PROJECT, Method.CONTACTS, 100.0, 1)
    size = sum(map(len, slices))
    return BatchRun(
        lease, datetime(2030, 1, 1, tzinfo=UTC), size, slices=slices, unconfirmed=[*unconfirmed], accepted=accepted
    )


def decided(
    outcome: Outcome, items: list[Ready], run: BatchRun | None = None, *, probe: bool = False, before: int = 0, **more
) -> Decision:
    """`before`: outcomes of this kind in a row before this one."""
    run = run or batch_run([])
    run.probe = probe
    arguments = {"policy": Policy(), "dice": Random(1), "streak": Streak(before + 1), **more}
    return decide(outcome, items, run, **arguments)


def by_id(decision: Decision) -> dict[int, Verdict]:
    """The verdicts by contact; each contact has one at most."""
    ids = [contact.in_flight_id for contact, _ in decision.verdicts]

    assert len(set(ids)) == len(ids)
    return {contact.in_flight_id: verdict for contact, verdict in decision.verdicts}


def travel(run: BatchRun, refused: set[int]) -> tuple[list[list[int]], dict[int, Verdict], PauseReason | None]:
    """Post part by part to an API that refuses some; the requests, the last verdicts, the pause."""
    requests, verdicts = [], {}
    while run.slices:
        part = run.slices.pop(0)
        ids = [item.contact.in_flight_id for item in part]
        requests.append(ids)
        decision = decided(REFUSED if refused & set(ids) else Accepted(200), part, run)
        verdicts |= by_id(decision)
        if decision.pause:
            return requests, verdicts, decision.pause.reason
    verdicts |= {contact.in_flight_id: verdict for contact, verdict in confirm(run)}
    return requests, verdicts, None


def test_an_acceptance_sends_the_part() -> None:
    """Each contact is sent with its own document's digest and ids; the rest of the batch is not touched."""
    decision = decided(Accepted(200), [ready(0), ready(1)], batch_run([[ready(2)]]))

    assert by_id(decision) == {n: Sent(b"digest%d" % n, str(n), f"L{n}") for n in (0, 1)}
    assert decision.pause is None


def test_an_acceptance_buries_the_suspects() -> None:
    """It proves that the API is sound, so the singles refused before it are each at fault."""
    run = batch_run([], [(ready(8).contact, refusal(422, "no", b"{}"))])
    verdicts = by_id(decided(Accepted(200), [ready(0)], run))

    assert [type(verdicts[n]) for n in (0, 8)] == [Sent, Buried]
    assert run.accepted
    assert run.unconfirmed == []


def test_a_refused_part_is_split_depth_first() -> None:
    """The left half goes next, then the right one, then whatever was behind; nobody is settled."""
    run = batch_run([[ready(8)]])
    verdicts = by_id(decided(REFUSED, [ready(n) for n in range(5)], run))

    assert [[item.contact.in_flight_id for item in part] for part in run.slices] == [[0, 1, 2], [3, 4], [8]]
    assert verdicts == {3: Moved(3), 4: Moved(3)}


@pytest.mark.parametrize("at_fault", [0, 1, 63, 98, 99])
def test_one_at_fault_is_found_in_few_requests(at_fault: int) -> None:
    """Of a hundred contacts only the one is buried, after at most fifteen requests."""
    requests, verdicts, pause = travel(batch_run([[ready(n) for n in range(100)]]), {at_fault})

    assert pause is None
    assert {number for number, verdict in verdicts.items() if isinstance(verdict, Buried)} == {at_fault}
    assert sum(isinstance(verdict, Sent) for verdict in verdicts.values()) == 99
    assert len(requests) <= 15


def test_every_contact_is_decided_in_its_turn() -> None:
    """Depth first: the requests that end in a decision come in the order of the contacts."""
    requests, _, _ = travel(batch_run([[ready(n) for n in range(8)]]), {2, 6})

    assert requests == [
        [0, 1, 2, 3, 4, 5, 6, 7],
        [0, 1, 2, 3],
        [0, 1],
        [2, 3],
        [2],
        [3],
        [4, 5, 6, 7],
        [4, 5],
        [6, 7],
        [6],
        [7],
    ]


@pytest.mark.parametrize("count", [5, 6, 100])
def test_five_refused_singles_pause_and_bury_nobody(count: int) -> None:
    """The first five singles all refused, nothing accepted between: the API refuses everything."""
    requests, verdicts, pause = travel(batch_run([[ready(n) for n in range(count)]]), set(range(count)))

    assert pause is PauseReason.REFUSING_ALL
    assert set(map(type, verdicts.values())) == {PutBack}
    assert len(verdicts) == count
    assert [n for n in requests if len(n) == 1] == [[n] for n in range(5)]


def test_refused_singles_cost_no_attempt_when_everything_is_refused() -> None:
    """They wait as they were, and may go when the pause ends."""
    _, verdicts, _ = travel(batch_run([[ready(n) for n in range(5)]]), set(range(5)))

    assert set(verdicts.values()) == {PutBack(0.0)}


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_smaller_batches_bury_each(count: int) -> None:
    """Fewer than five contacts prove nothing about the API."""
    _, verdicts, pause = travel(batch_run([[ready(n) for n in range(count)]]), set(range(count)))

    assert pause is None
    assert [type(verdicts[n]) for n in range(count)] == [Buried] * count


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_a_refused_probe_buries_nobody(count: int) -> None:
    """What refuses it may be the reason of the pause; contacts that are at fault themselves are found out when it is over."""
    run, verdicts = batch_run([[ready(n)] for n in range(count)]), {}
    while run.slices:
        verdicts |= by_id(decided(REFUSED, run.slices.pop(0), run, probe=True))

    assert set(verdicts.values()) == {PutBack(0.0)}
    assert len(verdicts) == count


def test_a_probe_of_which_something_was_accepted_buries_the_rest() -> None:
    """The API is sound again, they are not."""
    run = batch_run([[ready(0)], [ready(1)]])
    decided(REFUSED, run.slices.pop(0), run, probe=True)
    decision = decided(Accepted(200), run.slices.pop(0), run, probe=True)

    assert [type(by_id(decision)[number]) for number in (0, 1)] == [Buried, Sent]


def test_the_fifth_narrow_batch_refused_in_a_row_pauses() -> None:
    """Where failures have narrowed every batch to one, no batch alone can show that the API refuses everything."""
    fourth, fifth = (decided(REFUSED, [ready(0, attempts=6)], batch_run([]), before=before) for before in (3, 4))

    assert [type(verdict) for verdict in by_id(fourth).values()] == [Buried]
    assert fourth.pause is None
    assert list(by_id(fifth).values()) == [PutBack(0.0)]
    assert fifth.pause is not None


def test_four_refused_and_the_fifth_accepted_is_no_pause() -> None:
    """The acceptance of the fifth decides: the four before it are buried."""
    _, verdicts, pause = travel(batch_run([[ready(n) for n in range(8)]]), {0, 1, 2, 3})

    assert pause is None
    assert {number for number, verdict in verdicts.items() if isinstance(verdict, Buried)} == {0, 1, 2, 3}


def test_after_an_acceptance_any_number_of_refused_singles_is_buried() -> None:
    """One accepted at the beginning, twenty bad ones behind it: the API is sound, they are not."""
    _, verdicts, pause = travel(batch_run([[ready(n) for n in range(21)]]), set(range(1, 21)))

    assert pause is None
    assert sum(isinstance(verdict, Buried) for verdict in verdicts.values()) == 20


def test_a_suspect_stays_with_its_batch() -> None:
    """A refused single is kept, with document and answer, until it is known whether the API refuses everything."""
    single = ready(0)
    verdicts = by_id(decided(REFUSED, [single], batch_run([[ready(1)]])))

    assert verdicts == {0: UnconfirmedRefusal(422, "no", single.document.body)}


def test_an_acceptance_before_a_wait_is_remembered() -> None:
    """A split that waited for the limit knows that something was accepted before: five bad ones are five bad ones."""
    run = batch_run([[ready(n)] for n in range(1, 6)], accepted=True)
    _, verdicts, pause = travel(run, set(range(1, 6)))

    assert pause is None
    assert set(map(type, verdicts.values())) == {Buried}


def test_a_letter_holds_document_answer_and_status() -> None:
    """What an operator needs to see, and in the detail no value of it."""
    dead_letter = by_id(decided(Refused(422, "answer"), [ready(7)]))[7]

    assert isinstance(dead_letter, Buried)
    assert (dead_letter.reason, dead_letter.document, dead_letter.answer, dead_letter.status) == (
        DeadLetterReason.REFUSED,
        b'{"n":7}',
        "answer",
        422,
    )
    assert "answer" not in dead_letter.detail.replace("has its answer", "")


def test_a_single_that_is_too_large_says_so() -> None:
    """413 for one contact alone."""
    dead_letter = by_id(decided(Refused(413, "", too_large=True), [ready(0)]))[0]

    assert isinstance(dead_letter, Buried)
    assert dead_letter.reason is DeadLetterReason.TOO_LARGE


def test_a_failure_counts_for_those_who_were_posted() -> None:
    """The part that failed has one try less; the slices behind it and the unconfirmed only wait, all equally long."""
    run = batch_run([[ready(1)]], [(ready(2).contact, refusal(422, "", None))])
    verdicts = by_id(decided(BROKEN, [ready(0)], run))

    assert {number: verdict.counted for number, verdict in verdicts.items()} == {0: True, 1: False, 2: False}
    assert len({verdict.after for verdict in verdicts.values()}) == 1


@pytest.mark.parametrize(("attempts", "longest"), [(0, 1.0), (1, 2.0), (4, 16.0), (9, 512.0), (20, 3600.0)])
def test_a_failure_waits_by_the_tries_behind(attempts: int, longest: float) -> None:
    """The longest that it may wait doubles with each; of a part, whoever has the most tries behind decides for all."""
    verdicts = by_id(decided(BROKEN, [ready(0), ready(1, attempts)], dice=Longest()))

    assert [verdict.after for verdict in verdicts.values()] == [longest, longest]


def test_a_contact_alone_is_buried_after_its_last_try() -> None:
    """With the number of tries and the last status; its lane has accepted something since it first failed."""
    dead_letter = by_id(
        decided(BROKEN, [ready(0, attempts=11, first_failed_at=EARLIER)], streak=Streak(1, 0.0, LATER))
    )[0]

    assert isinstance(dead_letter, Buried)
    assert (dead_letter.reason, dead_letter.attempts, dead_letter.status) == (DeadLetterReason.ATTEMPTS, 12, 500)


@pytest.mark.parametrize("accepted_at", [None, datetime(2029, 12, 31, tzinfo=UTC)], ids=["never", "before"])
def test_no_outage_buries_a_contact(accepted_at: datetime | None) -> None:
    """As long as nothing is accepted since it first failed, it waits, however many tries it has behind it."""
    verdict = by_id(
        decided(BROKEN, [ready(0, attempts=99, first_failed_at=EARLIER)], streak=Streak(1, 0.0, accepted_at))
    )[0]

    assert isinstance(verdict, PutBack)


def test_in_company_nobody_runs_out_of_attempts() -> None:
    """It may be somebody else's fault."""
    verdicts = by_id(decided(BROKEN, [ready(0, attempts=11), ready(1, attempts=50)]))

    assert set(map(type, verdicts.values())) == {PutBack}


@pytest.mark.parametrize("outcome", [BROKEN, Failed("timeout", unknown=True)])
def test_a_probe_costs_no_attempt(outcome: Failed) -> None:
    """A paused project's probe may fail for days, and buries nobody, not even on the last try."""
    verdicts = by_id(decided(outcome, [ready(0, attempts=11)], probe=True))

    assert [type(verdict) for verdict in verdicts.values()] == [PutBack]
    assert not verdicts[0].counted


def test_a_throttled_batch_waits_as_long_as_the_api_asks() -> None:
    """`Retry-After` is obeyed, for the whole batch, and costs no attempt."""
    decision = decided(Throttled(429, 7.0), [ready(0, attempts=11)], batch_run([[ready(1)]]))

    assert by_id(decision) == {0: PutBack(7.0), 1: PutBack(7.0)}
    assert (decision.throttle, decision.pause) == (7.0, None)


@pytest.mark.parametrize(("before", "delay"), [(0, 1.0), (1, 2.0), (3, 8.0), (20, 60.0)])
def test_a_429_without_a_word_waits_longer_each_time(before: int, delay: float) -> None:
    """A second at first, a minute at most."""
    assert decided(Throttled(429, None), [ready(0)], before=before).throttle == delay


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (Unauthorized(401), PauseReason.UNAUTHORIZED),
        (Unauthorized(403), PauseReason.UNAUTHORIZED),
        (Unexpected(404), PauseReason.UNEXPECTED_ANSWER),
        (Unexpected(302), PauseReason.UNEXPECTED_ANSWER),
    ],
)
def test_what_is_wrong_with_the_project_pauses_it(outcome: Outcome, reason: PauseReason) -> None:
    """Everybody waits as they were, also the last of the tries and the unconfirmed."""
    run = batch_run([[ready(1)]], [(ready(2).contact, refusal(422, "", None))])
    decision = decided(outcome, [ready(0, attempts=11)], run)

    assert by_id(decision) == {n: PutBack(0.0) for n in (0, 1, 2)}
    assert decision.pause is not None
    assert decision.pause.reason is reason


def test_parts_are_as_their_rows_say() -> None:
    """A batch in the middle of a split goes on where it stopped."""
    slices = slices_of([ready(6, slice_=6), ready(0), ready(1), ready(3, slice_=3), ready(4, slice_=3)])

    assert [[item.contact.in_flight_id for item in part] for part in slices] == [[0, 1], [3, 4], [6]]


@pytest.mark.parametrize(
    ("seconds", "delays"),
    [
        (None, [1, 2, 4, 8, 16, 32, 60, 60]),
        (0.0, [0, 0, 0, 0, 0, 1, 2, 4]),
        (0.5, [0.5, 0.5, 0.5, 0.5, 0.5, 1, 2, 4]),
        (2.0, [2] * 8),
    ],
)
def test_how_long_a_throttled_project_holds_back(seconds: float | None, delays: list[float]) -> None:
    """As long as the API asks; but one that says "at once" again and again is waited for longer and longer."""
    assert [decided(Throttled(429, seconds), [ready(0)], before=before).throttle for before in range(8)] == delays
