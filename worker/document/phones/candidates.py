"""What in a text may be a number: runs of digits with their grouping, and what the words around them say of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

import msgspec

from worker.document.left_out import Why
from worker.document.phones import words
from worker.document.phones.words import Kind

# Fewer are an hour, a flat, a place in a list, or an extension.
FEWEST_DIGITS = 5
_LONGEST_EXTENSION = 7
_SHORTEST_WORD = 3

_GROUPING = r"[ \n()\[\].\-/\\_~·]*+"
_TOKEN = re.compile(
    rf"(?P<long>(?:\+{{1,3}}[ (\[]{{0,3}})?\d(?:{_GROUPING}\d){{{FEWEST_DIGITS - 1},}}+)"
    rf"|(?P<number>(?:\+{{1,3}}[ (\[]{{0,3}})?\d(?:{_GROUPING}\d)*+)"
    r"|(?P<word>(?<![^\W\d_])[^\W\d_](?:[./][^\W\d_])+(?![^\W\d_])|[^\W\d_]+(?:['’ʼ`][^\W\d_]+)*)"
    r"|(?P<mask>[*?…‥●○■□▪▫◼◻█▓▒░×✕✖✗✘╳★☆✱✲✳∗\N{REPLACEMENT CHARACTER}]+|\#{2,}|[_·]{2,}|\.{2,}|-{3,})"
    r"|(?P<money>[$€£₴₽₸₺₾₪%‰])"
    r"|(?P<other>\S)"
)
_OPENING = frozenset("()[]{<\"'«“„.:-–=/~_")
_CLOSING = frozenset("()[]-._~")
_UNUSUAL = frozenset("_·~")
_PARTS = frozenset(",;:№()[]")
_GARBLES = frozenset("#_·°˚")
_BRACKETED = re.compile(r"\(([^()]*[^\W\d_][^()]*)\)|\[([^\[\]]*[^\W\d_][^\[\]]*)\]")
_WORD = re.compile(r"[^\W\d_]+")
_NUMBERED = re.compile(r"\d{1,2}[ .-]+[+(0]")
_LONG_NUMBER = re.compile(r"\d(?:[ ().-]*\d){6}")


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """A run of digits with its grouping.

    `bare`: it may lack country code and trunk prefix. `listed`: it may begin with its place in a list (`тел. 1`).
    `ragged`: what follows may hide more of it. `why`: its surroundings say that it is no number.
    """

    text: str
    bare: bool = True
    listed: bool = False
    ragged: bool = False
    why: Why | None = None


class _Token(msgspec.Struct, frozen=True, gc=False):
    kind: str
    text: str
    start: int
    end: int
    is_long: bool


class _Place(msgspec.Struct, frozen=True):
    """Where a run of digits is, and what comes before and after it, past brackets, dots and hyphens."""

    tokens: Sequence[_Token]
    at: int
    before: _Token | None
    after: _Token | None

    @property
    def token(self) -> _Token:
        return self.tokens[self.at]


def candidates(text: str) -> Iterator[Candidate]:
    """What may be a number, in the text's order; extensions and remarks in brackets are left aside."""
    outside = _BRACKETED.sub(_without_remark, text) if "(" in text or "[" in text else text
    if outside is not text and not _LONG_NUMBER.search(outside):
        outside = text  # all that there is stands in brackets
    tokens = _tokens(outside)
    for at, token in enumerate(tokens):
        if token.is_long:
            place = _place(tokens, at)
            if not _is_extension(place):
                yield _judged(place)
    yield from _masked(tokens)


def _masked(tokens: Sequence[_Token]) -> Iterator[Candidate]:
    """What shows too few digits to be a number, and signs or letters for the others."""
    if not any(
        token.kind == "mask" or words.hides_digits(token.text) or words.looks_like_digits(token.text)
        for token in tokens
    ):
        return
    shown = [token for token in tokens if token.text not in _OPENING and token.text not in _CLOSING]
    kinds = [_hides(token) or _is_among_digits(shown, at) for at, token in enumerate(shown)]
    runs = groupby(zip(shown, kinds, strict=True), key=lambda one: one[1] or one[0].kind == "number")
    for is_a_run, members in runs:
        run = list(members)
        hides = any(hidden for _, hidden in run)
        if is_a_run and hides and len(run) > 1 and not any(token.is_long for token, _ in run):
            yield Candidate("", why=Why.HIDDEN)


def _is_among_digits(tokens: Sequence[_Token], at: int) -> bool:
    token = tokens[at]
    if token.kind != "word" or not words.looks_like_digits(token.text):
        return False
    numbers = [one for one in (*tokens[max(0, at - 1) : at], *tokens[at + 1 : at + 2]) if one.kind == "number"]
    return any(token.start == one.end or token.end == one.start for one in numbers)


def _tokens(text: str) -> list[_Token]:
    return [_token(match) for match in _TOKEN.finditer(text)]


def _token(match: re.Match[str]) -> _Token:
    kind, text = match.lastgroup or "", match[0]
    if kind == "long":
        return _Token("number", text, match.start(), match.end(), is_long=True)
    return _Token(kind, text.lower(), match.start(), match.end(), is_long=False)


def _place(tokens: Sequence[_Token], at: int) -> _Place:
    before, after = at - 1, at + 1
    while before >= 0 and tokens[before].text in _OPENING:
        before -= 1
    while after < len(tokens) and tokens[after].text in _CLOSING:
        after += 1
    return _Place(
        tokens,
        at,
        tokens[before] if before >= 0 else None,
        tokens[after] if after < len(tokens) else None,
    )


def _without_remark(match: re.Match[str]) -> str:
    content = match[1] or match[2]
    said = [word.lower() for word in _WORD.findall(content)]
    if len(said) == 1 and (words.hides_digits(said[0]) or words.looks_like_digits(said[0])):
        return match[0]
    kinds = {words.kind_of(word) for word in said}
    if Kind.IDENTIFIER in kinds:
        return f" {content} ; "
    if _LONG_NUMBER.search(content) and kinds <= {Kind.LABEL, Kind.LINK}:
        return f" ; {content} ; "
    return " ; "


def _is_extension(place: _Place) -> bool:
    if place.before is None or words.kind_of(place.before.text) is not Kind.EXTENSION:
        return False
    digits = sum(map(str.isdecimal, place.token.text))
    return digits <= _LONGEST_EXTENSION and any(token.is_long for token in place.tokens[: place.at])


def _judged(place: _Place) -> Candidate:
    text = place.token.text
    if (_hides(place.before) or _hides(place.after)) and not _is_bullet(place):
        return Candidate(text, why=Why.HIDDEN)
    said = _said_before(place)
    if _is_money(place.before) or _is_money(place.after) or _is_identifier(place, said):
        return Candidate(text, why=Why.IDENTIFIER)
    if _is_garbled(place) or not (_may_follow(place) and _may_precede(place)):
        return Candidate(text, why=Why.HIDDEN)
    return Candidate(text, bare=said is not Kind.OTHER, listed=_is_listed(place), ragged=_is_ragged(place))


def _is_listed(place: _Place) -> bool:
    """Whether its place in a list may come first: `тел. 1 067 …`, `№1 067 …`, but not № 10 501 234 567."""
    before = place.before
    if before is None:
        return False
    return before.kind == "word" or (before.text == "№" and _NUMBERED.match(place.token.text) is not None)


def _hides(token: _Token | None) -> bool:
    return token is not None and (token.kind == "mask" or (token.kind == "word" and words.hides_digits(token.text)))


def _is_bullet(place: _Place) -> bool:
    """Whether what comes before is the sign of a list: `* 067 111 22 33`."""
    before = place.before
    if before is None or before.kind != "mask" or len(before.text) > 1 or _hides(place.after):
        return False
    alone = place.at == 1 or place.tokens[place.at - 2].text in ",;|"
    return alone and before.end < place.token.start


def _is_money(token: _Token | None) -> bool:
    return token is not None and (token.kind == "money" or words.kind_of(token.text) is Kind.MONEY)


def _is_identifier(place: _Place, said: Kind) -> bool:
    if place.token.text.startswith("+"):
        return False
    if said is Kind.IDENTIFIER:
        return True
    if place.after is None or words.kind_of(place.after.text) is not Kind.IDENTIFIER:
        return False
    its_own = any(token.is_long for token in place.tokens[place.at + 1 :])
    return not its_own and not place.token.text.startswith("0")


def _said_before(place: _Place) -> Kind:
    """What the words before it say, the nearest that says anything; a label if there are no words."""
    unknown = parted = False
    for at in range(place.at - 1, -1, -1):
        token = place.tokens[at]
        if token.is_long:
            break
        kind = words.kind_of(token.text) if token.kind == "word" else Kind.LINK
        if kind is Kind.LABEL or (kind is Kind.IDENTIFIER and not parted):
            return kind
        unknown = unknown or kind is not Kind.LINK
        # `кв. 5, 067 111 22 33`
        parted = parted or token.text in ";,"
    return Kind.OTHER if unknown else Kind.LABEL


def _is_garbled(place: _Place) -> bool:
    """Whether its country code may stand before it, with a letter or a sign for a digit: `+9x 212 …`, `+_ 301 …`."""
    at = place.at - 1
    while at > 0 and place.tokens[at].text in "([":
        at -= 1
    if at < 1:
        return False
    sign, code = place.tokens[at], place.tokens[at - 1]
    if code.kind == "number" and code.text.startswith("+") and not code.is_long and sign.text not in ";,|":
        return True
    stands_for_a_digit = sign.text in _GARBLES or (sign.kind == "word" and len(sign.text) < _SHORTEST_WORD)
    return stands_for_a_digit and code.end == sign.start and (code.kind == "number" or code.text == "+")


def _may_follow(place: _Place) -> bool:
    """Whether it may stand behind what comes before it."""
    before, token = place.before, place.token
    sign = place.tokens[place.at - 1] if place.at else None
    if sign and sign.text in _GARBLES and sign.end == token.start and not token.text.startswith(("+", "0")):
        return False
    if before is None:
        return True
    touches = before.end == token.start
    if before.kind == "number":
        return not touches or before.is_long or not token.text.startswith("+")
    if before.kind != "word":
        return not touches or not before.text.isnumeric()
    return words.may_touch(before.text) or not _runs_into(place, before)


def _runs_into(place: _Place, word: _Token) -> bool:
    """Whether nothing parts the word from the digits; what looks like digits is parted by a blank alone."""
    between = [token for token in place.tokens[: place.at] if token.start >= word.end]
    if sum(len(token.text) for token in between) < place.token.start - word.end:
        return False
    return words.looks_like_digits(word.text) or not any(token.text in ".:=/" for token in between)


def _may_precede(place: _Place) -> bool:
    """Whether it may stand before what comes after it."""
    after = place.tokens[place.at + 1] if place.at + 1 < len(place.tokens) else None
    if after is None or after.start > place.token.end:
        return True
    goes_on = any(token.kind == "number" for token in place.tokens[place.at + 2 : place.at + 3])
    if after.kind != "word":
        return not after.text.isnumeric() and (goes_on or after.text not in _GARBLES)
    return (goes_on and words.kind_of(after.text) is Kind.EXTENSION) or words.may_touch(after.text)


def _is_ragged(place: _Place) -> bool:
    if _follows_a_rag(place):
        return True
    following = place.tokens[place.at + 1 : place.at + 3]
    if not _UNUSUAL.isdisjoint(place.token.text) or (following and following[0].text in _UNUSUAL):
        return True
    after = place.after
    if after and (after.text in ("x", "х", "#") or words.looks_like_digits(after.text)):
        return True
    # A letter or a sign, and the digits go on: 30 1234'56.
    touching = [token for token in following if token.start == place.token.end or token.start == following[0].end]
    return len(touching) == 2 and touching[1].kind == "number" and not touching[1].is_long


def _follows_a_rag(place: _Place) -> bool:
    """Whether a few digits and a sign stand before it, of which it may be the rest: 08! 812 3456."""
    at = place.at - 1
    while at > 0 and place.tokens[at].kind in ("other", "money") and place.tokens[at].text not in _PARTS:
        at -= 1
    if not 0 <= at < place.at - 1:
        return False
    digits, sign = place.tokens[at], place.tokens[at + 1]
    return digits.kind == "number" and (digits.end == sign.start or digits.text.startswith("+"))
