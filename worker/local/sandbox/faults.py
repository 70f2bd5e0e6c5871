"""Faults on request, and the standing rules: what they are, and whose turn it is. Pure but for the dice."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from worker.config.model import Method
from worker.local.sandbox.objections import Matcher
from worker.local.sandbox.rules import Limits, Refusal
from worker.local.sandbox.wire import Entry

NotNegative = Annotated[int, Meta(ge=0)]
HeaderText = Annotated[str, Meta(pattern=r"\A[\x20-\x7e]*\Z")]


class Scope(Struct, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """Whom a rule is for; None is everybody. `method` is "contacts" or "organizations"."""

    project: int | None = None
    method: Method | None = None


class Fault(Scope, kw_only=True):
    """Something that happens to single requests.

    `times`: to so many (0: until cleared). `after`: so many requests pass unharmed first. `probability`: with
    this chance each time (0 to 1), by the sandbox's dice.
    """

    times: NotNegative = 1
    after: NotNegative = 0
    probability: Annotated[float, Meta(ge=0, le=1)] = 1.0


class Status(Fault, kw_only=True, tag="status"):
    """Answers with a status, without processing. A `body` of None is a short JSON error."""

    status: Annotated[int, Meta(ge=200, le=599)] = 500
    headers: dict[HeaderText, HeaderText] = {}
    body: str | None = None


class Hang(Fault, kw_only=True, tag="hang"):
    """Does not process, and never answers."""


class HangAfter(Fault, kw_only=True, tag="hang_after"):
    """Processes, and never answers."""


class Reset(Fault, kw_only=True, tag="reset"):
    """Does not process; the connection is reset."""


class ResetAfter(Fault, kw_only=True, tag="reset_after"):
    """Processes; the connection is reset."""


class Half(Fault, kw_only=True, tag="half"):
    """Processes; the connection ends in the middle of the answer."""


class NotJson(Fault, kw_only=True, tag="not_json"):
    """Processes; the answer's body is HTML."""


class ErrorIn2xx(Fault, kw_only=True, tag="error_in_2xx"):
    """Does not process; answers 200 with a JSON body that says so."""


class SlowDrip(Fault, kw_only=True, tag="slow_drip"):
    """Processes; the answer's body comes a byte every `seconds`."""

    seconds: Annotated[float, Meta(gt=0)] = 1.0


class Refuse(Scope, kw_only=True, tag="refuse"):
    """Refuses a request with 422 if one of its entries matches: an id in `ids`, or `contains` in `field`."""

    field: str | None = None
    contains: str | None = None
    ids: list[str] | None = None


class Break(Scope, kw_only=True, tag="break"):
    """Answers 500, and processes nothing, if one of the entries matches (as Refuse does)."""

    field: str | None = None
    contains: str | None = None
    ids: list[str] | None = None


class Latency(Scope, kw_only=True, tag="latency"):
    """Waits `ms`, and by the dice up to `jitter_ms` more, before it processes.

    Two requests that overlap may so change places, as they might at the API itself.
    """

    ms: NotNegative
    jitter_ms: NotNegative = 0


class MaxEntries(Scope, kw_only=True, tag="max_entries"):
    """Answers 413 to a request of more entries than `limit`."""

    limit: NotNegative


class MaxBytes(Scope, kw_only=True, tag="max_bytes"):
    """Answers 413 to a body of more bytes than `limit`."""

    limit: NotNegative


AnyFault = Status | Hang | HangAfter | Reset | ResetAfter | Half | NotJson | ErrorIn2xx | SlowDrip
Standing = Refuse | Break | Latency | MaxEntries | MaxBytes
Rule = AnyFault | Standing


@dataclass(slots=True)
class _Placed:
    """A rule in force: `left` and `to_pass` run down, `hits` counts whom it met."""

    id: int
    rule: Rule
    left: int = 0
    to_pass: int = 0
    hits: int = 0
    matcher: Matcher | None = None

    def concerns(self, project: int | None, method: Method) -> bool:
        return self.rule.project in (None, project) and self.rule.method in (None, method)


class Faults:
    """The faults that wait and the rules that stand. Safe to use from any thread.

    Faults are a queue: the first that concerns a request, has let enough pass, and that the dice favour, is
    served. A request that an earlier fault takes does not count as passed for a later one.
    """

    def __init__(self, dice: random.Random | None = None) -> None:
        self._dice = dice or random.Random()  # noqa: S311 - faults are no secret
        self._lock = threading.Lock()
        self._placed: list[_Placed] = []
        self._last_id = 0

    def add(self, rule: Rule) -> int:
        """Puts a rule in force and returns its id; ValueError if it matches nothing that the API has."""
        matcher = None
        if isinstance(rule, Refuse | Break):
            matcher = Matcher.of(rule.field, rule.contains, rule.ids)
        with self._lock:
            self._last_id += 1
            placed = _Placed(self._last_id, rule, matcher=matcher)
            if isinstance(rule, Fault):
                placed.left, placed.to_pass = rule.times, rule.after
            self._placed.append(placed)
            return placed.id

    def remove(self, rule_id: int) -> bool:
        """Takes one rule out of force; False if there is none of this id."""
        with self._lock:
            before = len(self._placed)
            self._placed = [placed for placed in self._placed if placed.id != rule_id]
            return len(self._placed) < before

    def clear(self) -> None:
        """Takes every rule out of force."""
        with self._lock:
            self._placed = []

    def listed(self) -> list[dict[str, object]]:
        """The rules in force as JSON objects, with `id`, `hits` and, for faults, the times `left`."""
        with self._lock:
            return [_shown(placed) for placed in self._placed]

    def take(self, project: int | None, method: Method) -> AnyFault | None:
        """The fault that this request meets, if any."""
        if not self._placed:
            return None
        with self._lock:
            for placed in self._concerned(project, method):
                if isinstance(placed.rule, Fault) and self._meets(placed):
                    return self._spend(placed, placed.rule)
        return None

    def _meets(self, placed: _Placed) -> bool:
        if placed.to_pass > 0:
            placed.to_pass -= 1
            return False
        chance = placed.rule.probability if isinstance(placed.rule, Fault) else 1.0
        return chance >= 1.0 or self._dice.random() < chance

    def _spend(self, placed: _Placed, fault: AnyFault) -> AnyFault:
        placed.hits += 1
        if fault.times:
            placed.left -= 1
            if not placed.left:
                self._placed = [other for other in self._placed if other is not placed]
        return fault

    def latency(self, project: int | None, method: Method) -> float:
        """How long to wait before processing, in seconds."""
        total = 0.0
        for placed in self._concerned(project, method):
            if isinstance(placed.rule, Latency):
                total += placed.rule.ms + self._dice.random() * placed.rule.jitter_ms
        return total / 1000

    def limits(self, project: int | None, method: Method, otherwise: Limits) -> Limits:
        """The limits of a request: the narrowest of those that stand and the sandbox's own (`otherwise`)."""
        most_bytes, most_entries = otherwise.bytes, otherwise.entries
        for placed in self._concerned(project, method):
            if isinstance(placed.rule, MaxBytes):
                most_bytes = _narrower(most_bytes, placed.rule.limit)
            if isinstance(placed.rule, MaxEntries):
                most_entries = _narrower(most_entries, placed.rule.limit)
        return Limits(most_bytes, most_entries)

    def objection(self, project: int | None, method: Method, entries: Sequence[Entry]) -> Refusal | None:
        """What a standing `refuse` (422) or `break` (500) has against the entries."""
        for placed in self._concerned(project, method):
            found = placed.matcher.violations(entries) if placed.matcher else []
            if found:
                placed.hits += 1
                if isinstance(placed.rule, Break):
                    return Refusal(500, "broken on request")
                return Refusal(422, "refused on request", found)
        return None

    def _concerned(self, project: int | None, method: Method) -> Iterator[_Placed]:
        return (placed for placed in self._placed if placed.concerns(project, method))


def _narrower(one: int | None, other: int) -> int:
    return other if one is None else min(one, other)


def _shown(placed: _Placed) -> dict[str, object]:
    shown: dict[str, object] = {"id": placed.id, **msgspec.to_builtins(placed.rule), "hits": placed.hits}
    if isinstance(placed.rule, Fault):
        shown["left"] = placed.left or None
    return shown


_decoder = msgspec.json.Decoder(Rule)


def kind_of(rule: Rule) -> str:
    """The rule's name on the wire."""
    return str(rule.__struct_config__.tag)


def rule_of(body: bytes) -> Rule:
    """The rule that a JSON object describes; ValueError (msgspec's errors are that) with the reason."""
    rule: Rule = _decoder.decode(body)
    return rule
