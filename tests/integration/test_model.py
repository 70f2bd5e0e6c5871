"""The life of a change as a state machine: any interleaving of what people, processes and the API do keeps the promises.

The real code on real servers, in one process; `model.py` is what it is held against. Time stands still but where the machine
turns it, so that a failing example fails again. `--hypothesis-profile=storm` looks longer, at other examples each time.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from functools import partial

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from structlog.testing import capture_logs

from tests.support.deaths import KilledError
from tests.support.engine import DIRECTIONS, PROJECT, Engine
from tests.support.model import (
    ACCEPT,
    ANSWERS,
    LEAD,
    MAPPED,
    MIXED,
    NAMES,
    ORGANIZATION,
    PRODUCED,
    Answer,
    Frame,
    Model,
    StandIn,
)
from tests.support.stage import Stage
from worker import failpoints
from worker.collect import fan_out
from worker.errors import LimiterUnavailableError, MappingBrokenError, ReplicaUnavailableError
from worker.failpoints import Failpoint
from worker.operate.dead_letters import discard_dead_letters, list_dead_letters, requeue_dead_letters
from worker.upkeep.purge import purge
from worker.upkeep.recover import recover

LEASE = 120
ATTEMPTS = 4
EXAMPLES = 30
WAITING = ("outbox", "spread", "pending", "in_flight")
WITH_THE_API = "with the API"


class Meanwhile(StrEnum):
    """What may happen while a push is on its way."""

    DIES = "the worker dies"
    IS_TAKEN_BACK = "its lease is over, and it goes on"
    IS_OVERTAKEN = "its lease is over, others do its work, and it goes on"
    OTHERS = "contacts change, and others collect and push"
    CHANGES = "contacts change"
    IS_PAUSED = "the project is paused"
    IS_THROTTLED = "another worker is told to hold back"
    FORGETS = "Redis loses everything"
    CANNOT_READ = "the replica is away"
    CANNOT_MAP = "the mapping is broken"
    HAS_NO_LIMITER = "Redis is away"


ON_THE_WAY = (
    Failpoint.LEASED,
    Failpoint.READ,
    Failpoint.RESERVED,
    Failpoint.PERMITTED,
    Failpoint.OPENED,
    WITH_THE_API,
    Failpoint.ANSWERED,
    Failpoint.SETTLED,
)
# Frozen between the last check and the answer, a worker is killed before its lease is over.
NOT_FROZEN = tuple(point for point in ON_THE_WAY if point not in {Failpoint.OPENED, WITH_THE_API})
WHERE = {
    Meanwhile.DIES: (*ON_THE_WAY, Failpoint.SETTLING),
    Meanwhile.IS_TAKEN_BACK: NOT_FROZEN,
    Meanwhile.IS_OVERTAKEN: NOT_FROZEN,
    Meanwhile.CANNOT_READ: (Failpoint.LEASED,),
    Meanwhile.CANNOT_MAP: (Failpoint.LEASED,),
    Meanwhile.HAS_NO_LIMITER: (Failpoint.RESERVED, Failpoint.ANSWERED, Failpoint.SETTLED),
}
Plan = tuple[str, Meanwhile]
"""Where a push is, and what happens then."""
Product = tuple[str, str | None, int]
"""Whose document a producer writes, the name in it, and how much later than its id it is committed."""
Change = tuple[str, str | None, bool]
"""Whose, the new name, and whether it is hidden."""

keys = st.sampled_from(MAPPED)
names = st.sampled_from(NAMES)
lates = st.sampled_from([0, 0, 0, 1, 3])
changes = st.lists(
    st.tuples(st.sampled_from((*MAPPED, ORGANIZATION)), names, st.sampled_from([False, False, False, True])),
    min_size=1,
    max_size=6,
)
products = st.lists(st.tuples(st.sampled_from([PRODUCED, PRODUCED, MIXED]), names, lates), min_size=1, max_size=3)
indexes = st.integers(0, 7)
companies = st.integers(1, 4)
spans = st.sampled_from([1, 6, 30, LEASE + 1, 3600, 40 * 86400])
scripts = st.lists(st.sampled_from(ANSWERS), min_size=1, max_size=5)
plans = st.sampled_from([*Meanwhile, Meanwhile.OTHERS, Meanwhile.OTHERS, Meanwhile.DIES]).flatmap(
    lambda event: st.tuples(st.sampled_from(WHERE.get(event, ON_THE_WAY)), st.just(event))
)


def dying_at(*moments: Failpoint) -> st.SearchStrategy[Failpoint | None]:
    return st.sampled_from([None, None, *moments])


class Life(RuleBasedStateMachine):
    """What people, the CRM, the processes and the API do, in any order."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.stage = stage
        self.model = Model()
        self.api = StandIn(self.model, stage.flies, stage.accepted, partial(self.hit, WITH_THE_API))
        self.messages: list[int] = []
        self.plan: Plan | None = None
        self.settled = [0] * 6
        self.opened = 0
        self.company = 1

    @initialize(batch_size=st.sampled_from([100, 3, 1]), company=companies, seed=st.integers(0, 3))
    def begin(self, batch_size: int, company: int, seed: int) -> None:
        """`company`: so many batches travel together."""
        self.company = company
        self.stage.empty(self.api, batch_size, seed)
        failpoints.arm(self.hit)
        self.rename()
        self.finish()

    # What happens in the CRM.

    @rule(made=changes, late=lates, lead_last=st.booleans())
    def change(self, made: list[Change], late: int = 0, lead_last: bool = False) -> None:
        for key, name, hidden in made:
            self.write(key, name, hidden=hidden, late=late, lead_last=lead_last)

    @rule(key=keys, name=names, late=lates)
    def change_many(self, key: str, name: str | None, late: int) -> None:
        """This contact and all after it, by one row of the outbox that stands for them."""
        for contact in MAPPED[MAPPED.index(key) :]:
            if self.update(contact, name, hidden=self.model.crm[contact].hidden):
                self.tell_of_the_lead()
        outbox_id = self.model.next_id(late)
        self.stage.spread(key, outbox_id)
        self.model.mapped.add(outbox_id)

    @rule(made=products)
    def produce(self, made: list[Product]) -> None:
        for contact, told, late in made:
            # A document of the producer is never like one of the CRM.
            name = f"Produced {told}" if told else None
            outbox_id = self.model.next_id(late)
            payload = json.dumps({"fullName": name, "contactDirections": DIRECTIONS})
            self.stage.write("contacts", contact, outbox_id, payload)
            self.model.produce(contact, outbox_id, name)

    def write(self, key: str, name: str | None, *, hidden: bool, late: int = 0, lead_last: bool = False) -> None:
        """Change a row of the CRM, and say so in the outbox, as triggers do: of its lead before it, or after."""
        if key == ORGANIZATION:
            self.model.change(ORGANIZATION, name, hidden=False)
            self.stage.sql("UPDATE crm.companies SET name = %s", [name])
            self.stage.write("companies", "1", self.model.next_id(late))
        else:
            has_lead = self.update(key, name, hidden=hidden)
            if has_lead and not lead_last:
                self.tell_of_the_lead(late)
            outbox_id = self.model.next_id(late)
            self.stage.write("contacts", key, outbox_id)
            if key == MIXED:
                self.model.mapped.add(outbox_id)
            if has_lead and lead_last:
                self.tell_of_the_lead(late)

    def update(self, key: str, name: str | None, *, hidden: bool) -> bool:
        """Change a row of the CRM; whether its lead has changed by it."""
        self.stage.sql("UPDATE crm.contacts SET name = %s, hidden = %s WHERE id = %s", [name, hidden, key])
        return LEAD in self.model.change(key, name, hidden=hidden)

    def tell_of_the_lead(self, late: int = 0) -> None:
        self.stage.write("leads", LEAD, self.model.next_id(late))

    # What the processes do.

    @rule(
        copies=st.lists(st.sampled_from([1, 1, 1, 0, 2]), max_size=3),
        death=dying_at(Failpoint.INGESTING, Failpoint.CLAIMED),
    )
    def collect(self, copies: list[int], death: Failpoint | None = None) -> None:
        """A round; the broker may lose a message, or bring it twice."""
        with self.dying(death):
            for place, batch in enumerate(self.stage.engine.collect()):
                self.messages += [batch] * (copies[place] if place < len(copies) else 1)

    @rule(death=dying_at(Failpoint.FANNED_OUT))
    def fan_out(self, death: Failpoint | None) -> None:
        """What stands for many contacts becomes these contacts."""
        with self.dying(death):
            self.stage.wiring.fan_out.run(PROJECT)

    @precondition(lambda self: self.messages)
    @rule(which=indexes, company=companies, script=scripts, plan=st.none() | plans)
    def push(self, which: int, company: int, script: list[Answer], plan: Plan | None) -> None:
        """A worker gets some of the batches."""
        chosen = [self.messages.pop(which % len(self.messages)) for _ in range(min(company, len(self.messages)))]
        self.follow(script, plan, self.stage.by_method(chosen))

    @rule(
        made=changes,
        produced=products,
        script=scripts,
        happening=st.lists(st.none() | plans, max_size=4),
        mood=st.sampled_from(ANSWERS),
        rounds=st.integers(1, 6),
        seconds=spans,
        is_resumed=st.booleans(),
    )
    def work(
        self,
        made: list[Change],
        produced: list[Product],
        script: list[Answer],
        happening: list[Plan | None],
        mood: Answer,
        rounds: int,
        seconds: int,
        *,
        is_resumed: bool,
    ) -> None:
        """For some rounds contacts change and all is pushed; the API follows the script, and then is in one mood."""
        if is_resumed:
            self.resume()
        self.api.mood = mood
        for turn in range(rounds):
            self.change(made[turn : turn + 2], 0)
            self.produce(produced[turn : turn + 1])
            self.collect([])
            self.fan_out(None)
            self.follow(script, happening[turn] if turn < len(happening) else None, self.groups())
            script = []
            self.stage.turn_clock(seconds)
            self.messages = [*recover(self.stage.wiring.engine).unsent]
        self.api.mood = ACCEPT

    @rule(seconds=spans, death=dying_at(Failpoint.TAKING_BACK), is_forgetful=st.booleans())
    def pass_time(self, seconds: int, death: Failpoint | None, *, is_forgetful: bool) -> None:
        """And what beat does now and then."""
        self.stage.turn_clock(seconds)
        with self.dying(death):
            self.messages += recover(self.stage.wiring.engine).unsent
        if is_forgetful:
            purge(self.stage.wiring.engine)

    # What an operator does.

    @rule(is_on=st.sampled_from([False, False, True]))
    def pause_or_resume(self, *, is_on: bool) -> None:
        if is_on:
            self.pause()
        else:
            self.resume()

    @precondition(lambda self: self.opened)
    @rule(which=indexes, death=dying_at(Failpoint.REQUEUEING))
    def requeue(self, which: int, death: Failpoint | None) -> None:
        ids = self.dead_letters()
        with self.dying(death), self.stage.wiring.engine.begin() as connection:
            requeue_dead_letters(connection, [ids[which % len(ids)]])

    @precondition(lambda self: self.opened)
    @rule(which=indexes)
    def discard(self, which: int) -> None:
        ids, places = self.dead_letters(), self.stage.places()
        dead_letter = ids[which % len(ids)]
        with self.stage.wiring.engine.begin() as connection:
            discard_dead_letters(connection, [dead_letter])
        row = self.stage.dead_letter(dead_letter)
        waiting = {place.outbox_id for place in places if place.place in WAITING and place.key == row.key}
        self.model.give_up(row.key, row.outbox_id, waiting)

    @rule(
        source=st.sampled_from(["contacts", "leads", "companies"]),
        forced=st.booleans(),
        death=dying_at(Failpoint.FILLED),
    )
    def backfill(self, source: str, *, forced: bool, death: Failpoint | None) -> None:
        contacts = {"leads": [LEAD], "companies": [ORGANIZATION]}.get(source) or [
            key for key in MAPPED if not self.model.is_absent(key)
        ]
        with self.dying(death):
            self.stage.engine.backfill(source, forced=forced)
        if not self.model.resumes(source, forced=forced, died=death is not None and bool(contacts)):
            for contact in contacts:
                self.model.owe(contact, forced=forced)

    # How it happens.

    def pause(self) -> None:
        self.stage.engine.pause()
        self.model.paused = True

    def resume(self) -> None:
        self.stage.engine.resume()
        self.model.paused = False

    def groups(self) -> list[list[int]]:
        """All batches that there is a message for, in company; there is none for them any more."""
        found, self.messages = self.messages, []
        return [
            batches[first : first + self.company]
            for batches in self.stage.by_method(found)
            for first in range(0, len(batches), self.company)
        ]

    def follow(self, script: list[Answer], plan: Plan | None, groups: list[list[int]]) -> None:
        """Push groups; the API answers as the script says, and the plan comes true where a push is at that point."""
        self.api.script, self.plan = list(script), plan
        for group in groups:
            with suppress(KilledError):
                self.travel(group)
        self.api.script, self.plan = [], None
        self.stage.reader.error = self.stage.limiter.error = None

    def travel(self, group: list[int]) -> None:
        """A worker's push of a group; two never begin at the same moment."""
        self.stage.turn_clock(0.001, is_noticed=False)
        self.api.frames.append(Frame(group))
        try:
            self.stage.wiring.pusher.push(*group)
        finally:
            self.api.frames.pop()

    @contextmanager
    def dying(self, moment: Failpoint | None) -> Iterator[None]:
        self.plan = (moment, Meanwhile.DIES) if moment else None
        with suppress(KilledError):
            yield
        self.plan = None

    def hit(self, point: str) -> None:
        """A process is at a point of its way: look on, and let happen there what is planned."""
        frame = self.api.frames[-1] if self.api.frames else Frame([])
        if point is Failpoint.READ:
            frame.documents = self.model.read()
        if point is Failpoint.PERMITTED:
            frame.is_disturbed = False
        if point is Failpoint.OPENED and not frame.is_disturbed:
            assert [self.stage.why_not(batch) for batch in frame.batches] == [None] * len(frame.batches)
        if point is Failpoint.ANSWERED:
            frame.flying.clear()
        if self.plan and self.plan[0] == point:
            event, self.plan = self.plan[1], None
            frame.is_disturbed = point in {Failpoint.OPENED, WITH_THE_API}
            self.happen(event)

    def happen(self, event: Meanwhile) -> None:  # noqa: C901 - one case an event
        script, self.api.script = self.api.script, []
        mood, self.api.mood = self.api.mood, ACCEPT
        match event:
            case Meanwhile.DIES:
                raise KilledError
            case Meanwhile.IS_TAKEN_BACK:
                self.take_back()
            case Meanwhile.IS_OVERTAKEN:
                self.take_back()
                self.rename()
                self.finish()
            case Meanwhile.OTHERS:
                self.rename()
                self.finish()
            case Meanwhile.CHANGES:
                self.rename()
            case Meanwhile.IS_PAUSED:
                self.pause()
            case Meanwhile.IS_THROTTLED:
                self.stage.throttle(60.0)
            case Meanwhile.FORGETS:
                self.stage.forget()
            case Meanwhile.CANNOT_READ:
                self.stage.reader.error = ReplicaUnavailableError("away")
            case Meanwhile.CANNOT_MAP:
                self.stage.reader.error = MappingBrokenError("broken")
            case Meanwhile.HAS_NO_LIMITER:
                self.stage.limiter.error = LimiterUnavailableError("away")
        self.api.script, self.api.mood = script, mood

    def rename(self) -> None:
        """Every contact changes."""
        for key in (*MAPPED, ORGANIZATION):
            self.write(key, "B" if self.model.crm[key].name == "A" else "A", hidden=False)
        self.produce([(PRODUCED, "B" if self.model.document(PRODUCED)[0] == "Produced A" else "A", 0)])

    def take_back(self) -> None:
        """Leases are over."""
        self.stage.turn_clock(LEASE + 1)
        self.messages += recover(self.stage.wiring.engine).unsent

    def finish(self) -> None:
        """Collect, and push whatever there is a message for."""
        for _ in range(2):
            self.messages += self.stage.engine.collect()
            self.stage.wiring.fan_out.run(PROJECT)
        for group in self.groups():
            self.travel(group)

    def dead_letters(self) -> list[int]:
        with self.stage.wiring.engine.connect() as connection:
            return [int(dead_letter.id) for dead_letter in list_dead_letters(connection)]

    # What always holds.

    @invariant()
    def nothing_is_lost(self) -> None:
        """Whoever has changed waits, or has a dead letter, or the API holds it as it is, or it was given up."""
        model, places = self.model, self.stage.places()
        kinds = {kind: [place for place in places if place.place == kind] for kind in {place.place for place in places}}
        assert "id held for nobody" not in kinds
        assert "in flight without a batch" not in kinds
        assert "batch of nobody" not in kinds
        waiting = {place.key for kind in WAITING for place in kinds.get(kind, ())}
        opened = kinds.get("open", [])
        assert {dead_letter.key for dead_letter in kinds.get("requeued", ())} <= waiting
        for contact in model.changed - waiting - {dead_letter.key for dead_letter in opened} - model.given_up:
            assert not model.is_invalid(contact), f"{contact} can't be sent, and has no dead letter"
            assert model.is_absent(contact) or model.holds(contact), f"{contact} is lost"
            # A forced backfill that meets an older document of the producer, waiting, goes with it.
            is_free = model.is_absent(contact) or contact == MIXED
            assert is_free or contact not in model.forced, f"{contact} was to be sent in any case"
        self.opened = len(opened)
        self.letters_are_deserved(opened)
        self.status_tells_the_truth(places)

    def letters_are_deserved(self, opened: list) -> None:
        """A dead letter stands for something that happened to this very contact."""
        model = self.model
        for dead_letter in opened:
            model.bury(dead_letter.key, dead_letter.outbox_id)
            match dead_letter.reason:
                case "invalid" | "no_directions":
                    assert dead_letter.key in model.been_invalid
                case "refused" | "too_large":
                    assert dead_letter.key in model.refused_alone
                case reason:
                    assert (reason, model.failures[dead_letter.key] >= ATTEMPTS) == ("attempts", True)
            if dead_letter.key == PRODUCED:
                assert dead_letter.outbox_id >= self.stage.accepted(PRODUCED), "a dead letter for what is superseded"

    def status_tells_the_truth(self, places: list) -> None:
        """Contacts are counted where they are; what is settled is never forgotten."""
        lanes = self.stage.status()
        waiting = {place.key for place in places if place.place in {"outbox", "pending"}}
        spread = {place.outbox_id for place in places if place.place == "spread"}
        in_flight, dead = (sum(place.place == kind for place in places) for kind in ("in_flight", "open"))
        assert sum(lane.pending for lane in lanes) == len(waiting) + len(spread)
        assert (sum(lane.in_flight for lane in lanes), sum(lane.dead for lane in lanes)) == (in_flight, dead)
        settled = [count for lane in lanes for count in (lane.sent, lane.unchanged, lane.absent)]
        assert all(now >= before for now, before in zip(settled, self.settled, strict=True))
        self.settled = settled
        for lane in lanes:
            assert (lane.paused is not None and lane.paused.reason == "by_hand") == self.model.paused

    # How it ends.

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:
                self.end_well()
        finally:
            failpoints.arm(None)

    def end_well(self) -> None:
        """Everything is sound again: all arrives by itself, and after a requeue only what can't be sent has a dead letter."""
        if self.model.paused:
            self.resume()
        self.drain()
        self.nothing_is_lost()
        with self.stage.wiring.engine.begin() as connection:
            requeue_dead_letters(connection, self.dead_letters())
        self.drain()
        self.nothing_is_lost()
        opened = {place.key for place in self.stage.places() if place.place == "open"}
        invalid = {contact for contact in self.model.changed if self.model.is_invalid(contact)}
        # A document that can't be sent keeps its dead letter when the CRM's row is sent after it, and the row keeps its own.
        assert invalid - self.model.given_up <= opened <= invalid | (self.model.been_invalid & {MIXED})

    def drain(self) -> None:
        """Time passes, leases end, probes go out, until nothing waits."""
        for _ in range(40):
            if not any(place.place in WAITING for place in self.stage.places()):
                return
            self.stage.turn_clock(3600)
            self.messages += recover(self.stage.wiring.engine).unsent
            self.finish()
        raise AssertionError(f"still waiting: {[place for place in self.stage.places() if place.place in WAITING]}")


@pytest.fixture
def stage(make_engine: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """The engine on a stage; nothing is limited, retries are seconds apart, and a changed row is fanned out in two chunks."""
    monkeypatch.setattr(fan_out, "CHUNK", 2)
    made = make_engine(
        RINGOSTAT_RATE_LIMIT="100000/s",
        SYNC_RETRY_BASE="4",
        SYNC_RETRY_MAX="600",
        SYNC_MAX_ATTEMPTS=str(ATTEMPTS),
        SYNC_LEASE=str(LEASE),
    )
    stage = Stage(made)
    yield stage
    stage.close()


def test_any_interleaving_keeps_the_promises(stage: Stage) -> None:
    """Changes, deaths, lost messages, lost leases, every answer, pauses and operators, in any order."""
    is_storm = settings.get_current_profile_name() == "storm"
    with capture_logs():
        run_state_machine_as_test(
            partial(Life, stage),
            settings=settings(
                deadline=None,
                max_examples=settings.default.max_examples if is_storm else EXAMPLES,
                stateful_step_count=30,
                derandomize=not is_storm,
                print_blob=True,
                report_multiple_bugs=False,
                # An example is some hundred statements to real servers.
                suppress_health_check=[HealthCheck.too_slow],
            ),
        )
