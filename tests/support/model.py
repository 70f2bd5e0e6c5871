"""The promises in plain Python: what the CRM and the API hold, what is owed, and an API that objects to what must not be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from worker.api.outcome import Accepted, Failed, Outcome, Refused, Throttled, Unauthorized, Unexpected
from worker.config.model import Method

MAPPED = ("1", "2", "3", "4")
LEAD, PRODUCED, MIXED = "L1", "9", "4"
"""A producer writes documents for `PRODUCED` alone, and for `MIXED`, which is in the CRM too."""
ORGANIZATION = "organization 1"
"""An organization; its id is that of a contact."""
CONTACTS = (*MAPPED, LEAD, PRODUCED, ORGANIZATION)
"""Whatever is sent by either method."""
LEAD_OF = {"1": LEAD}
"""Contact 1 has this leadId: on the wire it is one contact with the lead."""
ALIKE = {contact: ("1", LEAD) if contact in {"1", LEAD} else (contact,) for contact in CONTACTS}
NAMES = ("A", "B", "A", "B", "A", "B", None)
"""What a contact may be called: few, so that it is often what it was before. None cannot be sent, and is rare."""


@dataclass(frozen=True)
class Answer:
    """What the API does with a request: `processed` (it takes the documents over) and what it says.

    With `to` it does so only where that contact is in the request, and accepts every other.
    """

    outcome: Outcome
    processed: bool = False
    to: str | None = None


ACCEPT = Answer(Accepted(200), processed=True)
ANSWERS = (
    ACCEPT,
    Answer(Failed("http_500", unknown=False, status=500)),
    Answer(Failed("timeout", unknown=True)),
    Answer(Failed("timeout", unknown=True), processed=True),
    Answer(Refused(400, "no")),
    Answer(Refused(413, "too large", too_large=True)),
    *(Answer(Refused(422, "no"), to=contact) for contact in CONTACTS),
    Answer(Throttled(429, 60.0)),
    Answer(Unauthorized(401)),
    Answer(Unexpected(404)),
)


@dataclass
class Row:
    """A contact in the CRM; `version` rises with each change of what a document could tell."""

    name: str | None
    hidden: bool = False
    version: int = 0


@dataclass(frozen=True)
class State:
    """What the API holds under a contact's ids: a name, and how new it was in the CRM."""

    name: str
    version: int
    payload: int | None = None
    """The outbox id of the producer's document that this was."""


@dataclass
class Frame:
    """A push on its way: its batches, what the CRM held when it read, the ids of its requests that are not answered."""

    batches: list[int]
    documents: dict[str, tuple[str | None, int]] = field(default_factory=dict)
    flying: set[str] = field(default_factory=set)
    is_disturbed: bool = False
    """Something has happened between the last check and the requests."""


@dataclass
class Model:
    """Everything that the machine did, as one would keep it on paper."""

    crm: dict[str, Row] = field(default_factory=lambda: {key: Row("A") for key in (*MAPPED, ORGANIZATION)})
    rows: int = 0
    produced: dict[str, dict[int, str | None]] = field(default_factory=lambda: {PRODUCED: {}, MIXED: {}})
    """The producer's documents by their outbox ids."""
    mapped: set[int] = field(default_factory=set)
    """Outbox ids of changes of `MIXED` in the CRM."""
    changed: set[str] = field(default_factory=set)
    """Contacts with a committed change."""
    given_up: set[str] = field(default_factory=set)
    """Contacts whose dead letter was discarded, with no change since."""
    forced: set[str] = field(default_factory=set)
    """Contacts that a backfill wants sent whatever the API holds."""
    been_invalid: set[str] = field(default_factory=set)
    refused_alone: set[str] = field(default_factory=set)
    failures: Counter[str] = field(default_factory=Counter)
    """Requests that failed, by the contacts in them."""
    buried: set[int] = field(default_factory=set)
    """Outbox ids of the producer's documents that became dead letters …"""
    dropped: set[int] = field(default_factory=set)
    """… and of the changes that were given up with one."""
    unfinished: set[tuple[str, bool]] = field(default_factory=set)
    """Backfills that died with their last key put in: source, and whether forced."""
    api: dict[str, State] = field(default_factory=dict)
    paused: bool = False
    """By hand."""

    def next_id(self, late: int) -> int:
        """An outbox id of its own: higher than all before it, or, as ids precede commits, below the last `late` ones."""
        self.rows += 1
        if late == 0 or self.rows <= late + 1:
            return 1000 * self.rows
        return 1000 * (self.rows - 1 - late) + self.rows

    def change(self, key: str, name: str | None, *, hidden: bool) -> list[str]:
        """A row of the CRM becomes this; returns the contacts that owe their existence to it."""
        row = self.crm[key]
        if (row.name, row.hidden) != (name, hidden):
            self.crm[key] = Row(name, hidden, row.version + 1)
        contacts = [key, *([LEAD_OF[key]] if key in LEAD_OF else [])]
        for contact in contacts:
            self.owe(contact)
        return contacts

    def owe(self, contact: str, *, forced: bool = False) -> None:
        """A change of this contact is committed."""
        self.changed.add(contact)
        self.given_up.discard(contact)
        if forced:
            self.forced.add(contact)
        if self.is_invalid(contact) or (contact == MIXED and self.crm[MIXED].name is None):
            self.been_invalid.add(contact)

    def produce(self, contact: str, outbox_id: int, name: str | None) -> None:
        """The producer writes a document."""
        self.produced[contact][outbox_id] = name
        self.owe(contact)
        if name is None:
            self.been_invalid.add(contact)

    def resumes(self, source: str, *, forced: bool, died: bool) -> bool:
        """Whether a backfill goes on where one died that had put all keys in; `died` says what became of this one."""
        name = (source, forced)
        resumed = name in self.unfinished
        if resumed or not died:
            self.unfinished.discard(name)
        else:
            self.unfinished.add(name)
        return resumed

    def bury(self, contact: str, outbox_id: int) -> None:
        """A dead letter is open."""
        self.forced.discard(contact)
        if contact in self.produced:
            self.buried.add(outbox_id)

    def give_up(self, contact: str, outbox_id: int, waiting: set[int]) -> None:
        """Its dead letter is discarded, and with it what that change had superseded; what is `waiting` comes after it."""
        self.given_up.add(contact)
        ids = {*self.produced.get(contact, ()), *(self.mapped if contact == MIXED else ())}
        self.dropped |= {one for one in ids if one <= outbox_id} - waiting

    def row(self, contact: str) -> Row:
        return self.crm["1" if contact == LEAD else contact]

    def payload(self, contact: str) -> int:
        """The outbox id of the producer's newest document; 0 where there is none, or where the CRM has changed since."""
        newest = max(self.produced.get(contact, {}).keys() - self.dropped, default=0)
        return 0 if contact == MIXED and newest < max(self.mapped - self.dropped, default=0) else newest

    def document(self, contact: str) -> tuple[str | None, int]:
        """The name that the API should hold for a contact now (None: it is absent, or cannot be sent), and its version."""
        payload = self.payload(contact)
        if payload or contact == PRODUCED:
            return self.produced[contact].get(payload), payload
        return self.read_one(contact)

    def read_one(self, contact: str) -> tuple[str | None, int]:
        """The name that a contact has in the CRM now, and its version."""
        row = self.row(contact)
        if contact == LEAD:
            return f"Lead {row.name}" if row.name else None, row.version
        return None if row.hidden else row.name, row.version

    def is_absent(self, contact: str) -> bool:
        return contact in MAPPED and self.crm[contact].hidden

    def is_invalid(self, contact: str) -> bool:
        """Whether a dead letter is all that this contact can become."""
        return not self.is_absent(contact) and self.document(contact)[0] is None

    def holds(self, contact: str) -> bool:
        """Whether the API holds this contact as it is, or as the one with which it shares an id is."""
        state = self.api.get(ALIKE[contact][0])
        if state is None:
            return False
        payload = self.payload(contact)
        if payload and state.payload is not None and state.payload > payload:
            return True
        names = {self.document(alike)[0] for alike in ALIKE[contact]}
        if contact == MIXED:
            # A change of the CRM that was committed late, or a backfill, is read when it comes, and overwrites a document.
            names.add(self.read_one(MIXED)[0])
        return state.name in names

    def read(self) -> dict[str, tuple[str | None, int]]:
        """What a push reads that reads now. What is absent then is settled, however much it was to be sent."""
        found = {contact: self.read_one(contact) for contact in (*MAPPED, LEAD, ORGANIZATION)}
        self.forced -= {contact for contact, (name, _) in found.items() if name is None}
        return found


class StandIn:
    """The API in this process, with a script of answers, and a mood where the script ends.

    `flies` and `accepted` name a contact's outbox ids: the one in flight, and the one last accepted. `meanwhile` is called
    while a request is with the API.
    """

    def __init__(
        self, model: Model, flies: Callable[[str], int], accepted: Callable[[str], int], meanwhile: Callable[[], None]
    ) -> None:
        self.model = model
        self.script: list[Answer] = []
        self.mood = ACCEPT
        self.frames: list[Frame] = []
        self._flies, self._accepted = flies, accepted
        self._meanwhile = meanwhile

    def post(self, _project: object, method: Method, body: bytes) -> Outcome:
        documents = msgspec.json.decode(body)[method.value]
        answer = self.script.pop(0) if self.script else self.mood
        ids = [f"{method} {wire_id}" for document in documents for wire_id in _wire_ids(document)]
        assert len(ids) == len(set(ids)), f"a request carries an id twice: {ids}"
        for frame in self.frames:
            assert frame.flying.isdisjoint(ids), f"in two requests at once: {frame.flying.intersection(ids)}"
        self.frames[-1].flying.update(ids)
        self._meanwhile()
        return self._take(dict(_named(document, method) for document in documents), answer)

    def _take(self, states: dict[str, str], answer: Answer) -> Outcome:
        if answer.to is not None and answer.to not in states:
            answer = ACCEPT
        for contact, name in states.items():
            state = self._state(contact, name)
            if answer.processed:
                self.model.api[ALIKE[contact][0]] = state
                self.model.forced.discard(contact)
            if isinstance(answer.outcome, Failed):
                self.model.failures[contact] += 1
            if isinstance(answer.outcome, Refused) and len(states) == 1:
                self.model.refused_alone.add(contact)
        return answer.outcome

    def _state(self, contact: str, name: str) -> State:
        """Object to what is older than what the API holds, or was not there when it was read."""
        model = self.model
        before = model.api.get(ALIKE[contact][0], State("", -1))
        flies = self._flies(contact) if contact in model.produced else 0
        if contact in model.produced and flies in model.produced[contact]:
            accepted, earlier = self._accepted(contact), before.payload or 0
            assert name == model.produced[contact][flies], f"{name} is not what the producer wrote as {flies}"
            assert flies >= accepted, f"payload {flies} after {accepted} was accepted"
            assert flies >= earlier or earlier in model.buried, f"payload {flies} after {before}"
            return State(name, before.version, flies)
        read, version = self.frames[-1].documents[contact]
        assert name == read, f"{contact} was {read} when it was read, not {name}"
        assert version >= before.version, f"{contact}: {name} of version {version} after {before}"
        return State(name, version)


def _wire_ids(document: dict[str, Any]) -> list[str]:
    return [f"{kind} {document[kind]}" for kind in ("externalId", "leadId") if document.get(kind) is not None]


def _named(document: dict[str, Any], method: Method) -> tuple[str, str]:
    """Who it is, and its name."""
    if method is Method.ORGANIZATIONS:
        return ORGANIZATION, document["name"]
    return str(document["externalId"] or document["leadId"]), document["fullName"]
