"""Names and numbers of machines, as an address of ours may hold them."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address

LONGEST_NAME = 253
_LABEL = re.compile(r"[A-Za-z0-9_-]{1,63}")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")


def is_host(host: str) -> bool:
    """Whether a resolver may know it: an IPv4 or IPv6 address (without brackets), or a name in ASCII whose labels are filled."""
    labels = host.removesuffix(".").split(".")
    if ":" in host or _NUMBER.fullmatch(labels[-1]):
        return "%" not in host and as_address(host) is not None
    return len(host) <= LONGEST_NAME and all(map(_is_label, labels))


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its very name or number, however that is written."""
    if host.lower().removesuffix(".") == "localhost":
        return True
    address = as_address(host)
    return address is not None and address.is_loopback


def as_address(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a host is written as; None for a name. One of IPv4 that is written within IPv6 is that of IPv4."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_label(label: str) -> bool:
    return _LABEL.fullmatch(label) is not None and (label[:4].lower() != "xn--" or _is_punycode(label[4:]))


def _is_punycode(text: str) -> bool:
    try:
        return bool(text) and not text.encode().decode("punycode").isascii()
    except (UnicodeError, OverflowError):
        return False
