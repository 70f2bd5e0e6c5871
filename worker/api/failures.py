"""Why a request came to no answer: a stable word, and a sentence that says what to do. Pure."""

from __future__ import annotations

PROXY = "proxy_"
"""What a word begins with if the trouble lies between us and the proxy."""

_PEERS = {"": ("API", "RINGOSTAT_BASE_URL"), PROXY: ("proxy", "HTTPS_PROXY")}
_SENTENCES = {
    "dns": "The name of the {peer}'s host is not found: check {setting}, and this machine's DNS.",
    "dns_timeout": "This machine's DNS does not say in time where the {peer}'s host is: check the name servers.",
    "refused": "The {peer}'s host refuses the connection: check {setting}, and whether a firewall stands between.",
    "unreachable": "No route leads to the {peer}'s host: check this machine's network, and whether it needs a proxy.",
    "connect_timeout": (
        "The {peer}'s host does not take the connection in time: check the firewall, and whether this machine needs a proxy"
        " (HTTPS_PROXY)."
    ),
    "tls": "The TLS handshake with the {peer} fails: check that {setting} leads to a host and port that speak TLS.",
    "tls_timeout": "The {peer}'s host does not finish the TLS handshake in time: check {setting}, and the firewall.",
    "certificate_expired": (
        "The {peer}'s certificate has expired: check this machine's clock; if it is right, the certificate must be renewed."
    ),
    "certificate_not_yet_valid": "The {peer}'s certificate is not valid yet: check this machine's clock.",
    "certificate_hostname": "The {peer}'s certificate is for another host: check {setting}.",
    "certificate_untrusted": (
        "The {peer}'s certificate comes from an authority that is not trusted here: name a file with that authority's certificate"
        " in SSL_CERT_FILE (a company's proxy often has its own)."
    ),
    "certificate_invalid": "The {peer}'s certificate is not valid: ask those who run the {peer}'s host.",
    "connection_lost": (
        "The connection to the {peer} broke before the whole answer came: if this goes on, look for a firewall that cuts it."
    ),
    "read_timeout": (
        "The {peer} did not answer in time: it may be busy; if this goes on, set RINGOSTAT_TIMEOUT higher or RINGOSTAT_BATCH_SIZE"
        " lower."
    ),
    "write_timeout": "The {peer} did not take the whole request in time: set RINGOSTAT_TIMEOUT higher or RINGOSTAT_BATCH_SIZE lower.",
    "bad_answer": "What answers in the {peer}'s place does not speak HTTP as it should: check {setting}.",
    "answer_too_large": "The API's answer is far longer than it can need to be: check RINGOSTAT_BASE_URL.",
    "answer_encoded": "The API's answer is compressed in a way that we can't read and did not ask for: check what stands between.",
    "network": "This machine's network has failed: see whether it has run out of memory, ports or open files.",
}
KINDS = frozenset(_SENTENCES)
"""All words but those that hold a status; with `proxy_` before them where the trouble lies between us and the proxy."""
_ANY = "The {peer} can't be reached: check {setting}."
_LOGIN = 407


def sentence(kind: str) -> str:
    """What a failure of this kind means, and what to do."""
    where, word = (PROXY, kind.removeprefix(PROXY)) if kind.startswith(PROXY) else ("", kind)
    if where and word.isdecimal():
        return _refused_by_proxy(int(word))
    if word.startswith("http_"):
        return (
            f"The API answered {word.removeprefix('http_')}: it has trouble of its own; if this goes on, ask Ringostat."
        )
    peer, setting = _PEERS[where]
    return _SENTENCES.get(word, _ANY).format(peer=peer, setting=setting)


def _refused_by_proxy(status: int) -> str:
    if status == _LOGIN:
        return "The proxy answered 407: write a user and a password that it knows into HTTPS_PROXY (http://user:password@…)."
    return (
        f"The proxy answered {status} when asked for a way to the API: ask those who run the proxy to let this machine through,"
        " or name the API's host in NO_PROXY."
    )
