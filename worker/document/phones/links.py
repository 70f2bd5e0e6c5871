"""Addresses of messengers that hold a number give it; every other address, and every name in one, gives none."""

from __future__ import annotations

import re

# What stands for an address that is no number; no pattern of ours reads on across it.
NO_NUMBER = " @ "

_NUMBER = r"(?P<number>\+?\d(?:[ ().-]{0,2}\d)*)"
_END = r"(?=$|[\s?&#/;,\"'>|])(?:[/?&#][^\s;,|\"'<>]*)?"
_HOLDS_A_NUMBER = [
    re.compile(pattern + _END, re.IGNORECASE)
    for pattern in (
        rf"(?:https?://)?(?:www\.)?wa\.me/(?:c/)?{_NUMBER}",
        rf"(?:https?://)?(?:www\.)?(?:t|telegram)\.me/{_NUMBER}",
        rf"(?:https?://)?(?:www\.)?(?:viber\.click|viber\.me)/{_NUMBER}",
        rf"(?:https?://)?(?:www\.)?signal\.me/#p/{_NUMBER}",
        rf"(?:https?://)?(?:api\.|web\.|www\.)?whatsapp\.com/send/?\?(?:[^\s?]*&)?phone={_NUMBER}",
        rf"whatsapp://send/?\?(?:[^\s?]*&)?phone={_NUMBER}",
        rf"viber:(?://)?(?:chat|add|contact|calls|keypad)/?\?(?:[^\s?]*&)?number={_NUMBER}",
        rf"tg://resolve/?\?(?:[^\s?]*&)?phone={_NUMBER}",
        r"skype:(?P<number>\+\d[\d-]*)",
        r"(?<![^\s<:\"',;])(?P<number>\+?\d{7,15})@(?:s\.whatsapp\.net|c\.us)",
        r"\bsips?:(?P<number>\+\d[\d.-]*)(?:[;@][^\s,]*)?",
    )
]
_CALLED = re.compile(
    r"\b(?:tel|callto|sms|smsto|mms|facetime|facetime-audio|phone|viber|whatsapp):/{0,2}(?=[\d+(])", re.IGNORECASE
)
_LOCAL_SIP = re.compile(r"\bsips?:(\d[\d.-]*)@[^\s,;]*(?:;[^\s,]*)?", re.IGNORECASE)
_WITHIN = re.compile(r"([\d().\s-]+);phone-context=(\+\d+)", re.IGNORECASE)
_PARAMETER = re.compile(r";(?:phone-context|isub|tsp|user)=[^\s;,]*", re.IGNORECASE)
_OTHER_ADDRESS = re.compile(
    r"\b[a-z][a-z0-9+.-]*://[^\s|\"'<>]*"
    r"|\b(?:skype|live|xmpp|mailto|sips?|https?):[^\s,;|\"'<>]+"
    r"|[^\s,;|\"'<>():/]*@[^\s,;|\"'<>()]*"
    # A name begins once: tried at each of its letters, a long one costs a quarter of a second.
    r"|(?<![a-z0-9.-])[a-z0-9.-]+\.[a-z]{2,}/[^\s,;|\"'<>]*"
    r"|(?<![a-z0-9.-])[a-z0-9.-]+\.(?:com|net|org|info|biz|eu|ua|ru|by|kz|pl|cz|sk|hu|ro|md|de|at|tr|ge|lt|lv|ee|bg|il)\b",
    re.IGNORECASE,
)
_MAY_HOLD_ONE = re.compile(r"[@/:]|\.[a-zA-Z]")


def without_links(text: str) -> str:
    """The text with the numbers of messengers' addresses in their place, and ` @ ` for every other address."""
    if not _MAY_HOLD_ONE.search(text):
        return text
    for pattern in _HOLDS_A_NUMBER:
        text = pattern.sub(_alone, text)
    text = _LOCAL_SIP.sub(r" ; \1 ; ", _CALLED.sub(" ; ", text))
    text = _PARAMETER.sub("", _WITHIN.sub(_in_context, text))
    return _OTHER_ADDRESS.sub(NO_NUMBER, text)


def _alone(match: re.Match[str]) -> str:
    number = match["number"]
    # Messengers know numbers with their country codes alone; a number that begins with 0 was put in by hand.
    return f" ; {number} ; " if number[0] in "+0" else f" ; +{number} ; "


def _in_context(match: re.Match[str]) -> str:
    return f" ; {match[2]} {match[1].strip()} ; "
