"""From an outcome to verdicts on the contacts, and what it means for their project."""

from __future__ import annotations

from random import Random

import pytest

from models import LetterReason, PauseReason
from tests.dice import Longest
from worker.api.outcome import Accepted, Failed, Outcome, Refused, Throttled, Unauthorized, Unexpected
from worker.batches import Buried, Contact, Moved, PutBack, Ready, Sent, Suspect, Verdict
from worker.document import Built
from worker.policy import Policy
from worker.push.judge import Journey, Judgement, judge, judge_suspects, parts_of, refusal

REFUSED = Refused(422, "no")
BROKEN = Failed("http_500", unknown=False, status=500)


def ready(place: int, attempts: int = 0, part: int = 0) -> Ready:
    contact = Contact("externalId", str(place), 1, place, part, "contacts", place, None, attempts, 0, False)
    return Ready(contact, Built(b'{"n":%d}' % place, b"digest%d" % place, str(place), f"L{place}", 0))


def decide(outcome: Outcome, part: list[Ready], journey: Journey | None = None, **more) -> Judgement:
    arguments = {"policy": Policy(), "dice": Random(1), "probe": False, **more}
    return judge(outcome, part, journey if journey is not None else Journey([]), **arguments)


def by_place(judgement: Judgement) -> dict[int, Verdict]:
    """The verdicts by contact; each contact has one at most."""
    places = [contact.place for contact, _ in judgement.verdicts]

    assert len(set(places)) == len(places)
    return {contact.place: verdict for contact, verdict in judgement.verdicts}


def travel(journey: Journey, refused: set[int]) -> tuple[list[list[int]], dict[int, Verdict], PauseReason | None]:
    """Post part by part to an API that refuses some; the requests, the last verdicts, the pause."""
    requests, verdicts = [], {}
    while journey.parts:
        part = journey.parts.pop(0)
        places = [item.contact.place for item in part]
        requests.append(places)
        judgement = decide(REFUSED if refused & set(places) else Accepted(200), part, journey)
        verdicts |= by_place(judgement)
        if judgement.pause:
            return requests, verdicts, judgement.pause.reason
    verdicts |= {contact.place: verdict for contact, verdict in judge_suspects(journey, probe=False)}
    return requests, verdicts, None


def test_an_acceptance_sends_the_part() -> None:
    """Each contact is sent with its own document's digest and ids; the rest of the batch is not touched."""
    judgement = decide(Accepted(200), [ready(0), ready(1)], Journey([[ready(2)]]))

    assert by_place(judgement) == {n: Sent(b"digest%d" % n, str(n), f"L{n}") for n in (0, 1)}
    assert judgement.pause is None


def test_an_acceptance_buries_the_suspects() -> None:
    """It proves that the API is sound, so the singles refused before it are each at fault."""
    journey = Journey([], [(ready(8).contact, refusal(422, "no", b"{}"))])
    verdicts = by_place(decide(Accepted(200), [ready(0)], journey))

    assert [type(verdicts[n]) for n in (0, 8)] == [Sent, Buried]
    assert journey.accepted
    assert journey.suspects == []


def test_a_refused_part_is_split_depth_first() -> None:
    """The left half goes next, then the right one, then whatever was behind; nobody is settled."""
    journey = Journey([[ready(8)]])
    verdicts = by_place(decide(REFUSED, [ready(n) for n in range(5)], journey))

    assert [[item.contact.place for item in part] for part in journey.parts] == [[0, 1, 2], [3, 4], [8]]
    assert verdicts == {3: Moved(3), 4: Moved(3)}


@pytest.mark.parametrize("at_fault", [0, 1, 63, 98, 99])
def test_one_at_fault_is_found_in_few_requests(at_fault: int) -> None:
    """Of a hundred contacts only the one is buried, after at most fifteen requests."""
    requests, verdicts, pause = travel(Journey([[ready(n) for n in range(100)]]), {at_fault})

    assert pause is None
    assert {place for place, verdict in verdicts.items() if isinstance(verdict, Buried)} == {at_fault}
    assert sum(isinstance(verdict, Sent) for verdict in verdicts.values()) == 99
    assert len(requests) <= 15


def test_every_contact_is_decided_in_its_turn() -> None:
    """Depth first: the requests that end in a decision come in the order of the contacts."""
    requests, _, _ = travel(Journey([[ready(n) for n in range(8)]]), {2, 6})

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
    requests, verdicts, pause = travel(Journey([[ready(n) for n in range(count)]]), set(range(count)))

    assert pause is PauseReason.REFUSING_ALL
    assert set(map(type, verdicts.values())) == {PutBack}
    assert len(verdicts) == count
    assert [n for n in requests if len(n) == 1] == [[n] for n in range(5)]


def test_refused_singles_cost_no_attempt_when_everything_is_refused() -> None:
    """They wait as they were, and may go when the pause ends."""
    _, verdicts, _ = travel(Journey([[ready(n) for n in range(5)]]), set(range(5)))

    assert set(verdicts.values()) == {PutBack(0.0)}


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_smaller_batches_bury_each(count: int) -> None:
    """Fewer than five contacts prove nothing about the API."""
    _, verdicts, pause = travel(Journey([[ready(n) for n in range(count)]]), set(range(count)))

    assert pause is None
    assert [type(verdicts[n]) for n in range(count)] == [Buried] * count


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_a_refused_probe_buries_nobody(count: int) -> None:
    """What refuses it may be the reason of the pause; contacts that are at fault themselves are found out when it is over."""
    journey, verdicts = Journey([[ready(n)] for n in range(count)]), {}
    while journey.parts:
        verdicts |= by_place(decide(REFUSED, journey.parts.pop(0), journey, probe=True))

    assert set(verdicts.values()) == {PutBack(0.0)}
    assert len(verdicts) == count


def test_a_probe_of_which_something_was_accepted_buries_the_rest() -> None:
    """The API is sound again, they are not."""
    journey = Journey([[ready(0)], [ready(1)]])
    decide(REFUSED, journey.parts.pop(0), journey, probe=True)
    judgement = decide(Accepted(200), journey.parts.pop(0), journey, probe=True)

    assert [type(by_place(judgement)[place]) for place in (0, 1)] == [Buried, Sent]


def test_the_fifth_narrow_batch_refused_in_a_row_pauses() -> None:
    """Where failures have narrowed every batch to one, no batch alone can show that the API refuses everything."""
    fourth, fifth = (decide(REFUSED, [ready(0, attempts=6)], Journey([]), refusals=before) for before in (3, 4))

    assert [type(verdict) for verdict in by_place(fourth).values()] == [Buried]
    assert fourth.pause is None
    assert list(by_place(fifth).values()) == [PutBack(0.0)]
    assert fifth.pause is not None


def test_four_refused_and_the_fifth_accepted_is_no_pause() -> None:
    """The acceptance of the fifth decides: the four before it are buried."""
    _, verdicts, pause = travel(Journey([[ready(n) for n in range(8)]]), {0, 1, 2, 3})

    assert pause is None
    assert {place for place, verdict in verdicts.items() if isinstance(verdict, Buried)} == {0, 1, 2, 3}


def test_after_an_acceptance_any_number_of_refused_singles_is_buried() -> None:
    """One accepted at the beginning, twenty bad ones behind it: the API is sound, they are not."""
    _, verdicts, pause = travel(Journey([[ready(n) for n in range(21)]]), set(range(1, 21)))

    assert pause is None
    assert sum(isinstance(verdict, Buried) for verdict in verdicts.values()) == 20


def test_a_suspect_stays_with_its_batch() -> None:
    """A refused single is kept, with document and answer, until it is known whether the API refuses everything."""
    single = ready(0)
    verdicts = by_place(decide(REFUSED, [single], Journey([[ready(1)]])))

    assert verdicts == {0: Suspect(422, "no", single.document.body)}


def test_an_acceptance_before_a_wait_is_remembered() -> None:
    """A split that waited for the limit knows that something was accepted before: five bad ones are five bad ones."""
    journey = Journey([[ready(n)] for n in range(1, 6)], accepted=True)
    _, verdicts, pause = travel(journey, set(range(1, 6)))

    assert pause is None
    assert set(map(type, verdicts.values())) == {Buried}


def test_a_letter_holds_document_answer_and_status() -> None:
    """What an operator needs to see, and in the detail no value of it."""
    letter = by_place(decide(Refused(422, "answer"), [ready(7)]))[7]

    assert isinstance(letter, Buried)
    assert (letter.reason, letter.document, letter.answer, letter.status) == (
        LetterReason.REFUSED,
        b'{"n":7}',
        "answer",
        422,
    )
    assert "answer" not in letter.detail.replace("has its answer", "")


def test_a_single_that_is_too_large_says_so() -> None:
    """413 for one contact alone."""
    letter = by_place(decide(Refused(413, "", too_large=True), [ready(0)]))[0]

    assert isinstance(letter, Buried)
    assert letter.reason is LetterReason.TOO_LARGE


def test_a_failure_counts_for_those_who_were_posted() -> None:
    """The part that failed has one try less; the parts behind it and the suspects only wait, all equally long."""
    journey = Journey([[ready(1)]], [(ready(2).contact, refusal(422, "", None))])
    verdicts = by_place(decide(BROKEN, [ready(0)], journey))

    assert {place: verdict.counted for place, verdict in verdicts.items()} == {0: True, 1: False, 2: False}
    assert len({verdict.after for verdict in verdicts.values()}) == 1


@pytest.mark.parametrize(("attempts", "longest"), [(0, 1.0), (1, 2.0), (4, 16.0), (9, 512.0), (20, 3600.0)])
def test_a_failure_waits_by_the_tries_behind(attempts: int, longest: float) -> None:
    """The longest that it may wait doubles with each; of a part, whoever has the most tries behind decides for all."""
    verdicts = by_place(decide(BROKEN, [ready(0), ready(1, attempts)], dice=Longest()))

    assert [verdict.after for verdict in verdicts.values()] == [longest, longest]


def test_a_contact_alone_is_buried_after_its_last_try() -> None:
    """With the number of tries and the last status."""
    letter = by_place(decide(BROKEN, [ready(0, attempts=11)]))[0]

    assert isinstance(letter, Buried)
    assert (letter.reason, letter.attempts, letter.status) == (LetterReason.ATTEMPTS, 12, 500)


def test_in_company_nobody_runs_out_of_attempts() -> None:
    """It may be somebody else's fault."""
    verdicts = by_place(decide(BROKEN, [ready(0, attempts=11), ready(1, attempts=50)]))

    assert set(map(type, verdicts.values())) == {PutBack}


@pytest.mark.parametrize("outcome", [BROKEN, Failed("timeout", unknown=True)])
def test_a_probe_costs_no_attempt(outcome: Failed) -> None:
    """A paused project's probe may fail for days, and buries nobody, not even on the last try."""
    verdicts = by_place(decide(outcome, [ready(0, attempts=11)], probe=True))

    assert [type(verdict) for verdict in verdicts.values()] == [PutBack]
    assert not verdicts[0].counted


def test_a_throttled_batch_waits_as_long_as_the_api_asks() -> None:
    """`Retry-After` is obeyed, for the whole batch, and costs no attempt."""
    judgement = decide(Throttled(429, 7.0), [ready(0, attempts=11)], Journey([[ready(1)]]))

    assert by_place(judgement) == {0: PutBack(7.0), 1: PutBack(7.0)}
    assert (judgement.delay, judgement.pause) == (7.0, None)


@pytest.mark.parametrize(("before", "delay"), [(0, 1.0), (1, 2.0), (3, 8.0), (20, 60.0)])
def test_a_429_without_a_word_waits_longer_each_time(before: int, delay: float) -> None:
    """A second at first, a minute at most."""
    assert decide(Throttled(429, None), [ready(0)], throttles=before).delay == delay


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
    """Everybody waits as they were, also the last of the tries and the suspects."""
    journey = Journey([[ready(1)]], [(ready(2).contact, refusal(422, "", None))])
    judgement = decide(outcome, [ready(0, attempts=11)], journey)

    assert by_place(judgement) == {n: PutBack(0.0) for n in (0, 1, 2)}
    assert judgement.pause is not None
    assert judgement.pause.reason is reason


def test_parts_are_as_their_rows_say() -> None:
    """A batch in the middle of a split goes on where it stopped."""
    parts = parts_of([ready(6, part=6), ready(0), ready(1), ready(3, part=3), ready(4, part=3)])

    assert [[item.contact.place for item in part] for part in parts] == [[0, 1], [3, 4], [6]]


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
    assert [decide(Throttled(429, seconds), [ready(0)], throttles=before).delay for before in range(8)] == delays
