"""How a host is reached: through which proxy, by whose word for its certificate. curl's rules, with the variables that it knows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_network
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

from worker.config.formats import ESCAPES
from worker.config.hosts import as_address, is_host, is_loopback
from worker.errors import ConfigError

PORTS = {"http": 80, "https": 443}
PROXY_PORTS = {"http": 1080, "https": 443}
"""Where a proxy listens whose address names no port."""
_EXAMPLE = "a proxy's address like http://user:password@proxy.example.com:3128"


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy that tunnels (CONNECT). `tls`: it is itself spoken to by TLS; `login`: `user:password`."""

    host: str
    port: int
    tls: bool = False
    login: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Network:
    """The way to one host. `cert_file`, `cert_dir`: authorities that are trusted in place of the usual ones."""

    proxy: Proxy | None = None
    cert_file: str | None = None
    cert_dir: str | None = None


def read_network(environment: Mapping[str, str], url: str) -> Network:
    """The way to the host of `url` (`https://…` or `http://…`), as the environment's variables have it, in capitals or not.

    Raises ConfigError if the variable that counts holds no proxy's address; no password is in it.
    """
    parts = urlsplit(url)
    return Network(
        proxy=_proxy(environment, parts),
        cert_file=environment.get("SSL_CERT_FILE") or None,
        cert_dir=environment.get("SSL_CERT_DIR") or None,
    )


def _proxy(environment: Mapping[str, str], parts: SplitResult) -> Proxy | None:
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    if is_loopback(host):
        return None
    _, exceptions = _variable(environment, "no_proxy")
    name, written = _variable(environment, f"{parts.scheme}_proxy", "all_proxy")
    if not written or any(_is_excepted(host, port, exception) for exception in re.split(r"[\s,]+", exceptions)):
        return None
    try:
        return _parse_proxy(written)
    except ValueError as error:
        raise ConfigError(f"{name} {error}") from None


def _variable(environment: Mapping[str, str], *names: str) -> tuple[str, str]:
    """The first of the variables that is filled, and its value; small letters go before capitals."""
    spelt = [spelling for name in names for spelling in (name, name.upper())]
    return next(((name, value) for name in spelt if (value := environment.get(name, "").strip())), (spelt[-1], ""))


def _parse_proxy(text: str) -> Proxy:
    written = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(written)
        port = parts.port
    except ValueError:
        raise ValueError(f"must be {_EXAMPLE}; {ESCAPES}") from None
    if parts.scheme not in {"http", "https"}:
        raise ValueError("must begin with http:// or https:// (other kinds of proxies are not supported)")
    login, _, _ = parts.netloc.rpartition("@")
    is_proper = is_host(parts.hostname or "") and port != 0 and written.isprintable() and not re.search(r"\s", written)
    if not is_proper or "@" in login or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(f"must be {_EXAMPLE}; {ESCAPES}")
    return Proxy(parts.hostname or "", port or PROXY_PORTS[parts.scheme], parts.scheme == "https", _login(login))


def _login(written: str) -> bytes | None:
    if not written:
        return None
    user, _, password = written.partition(":")
    return unquote_to_bytes(user) + b":" + unquote_to_bytes(password)


def _is_excepted(host: str, port: int, exception: str) -> bool:
    """Whether one entry of NO_PROXY is about this host: `*`, a domain with all below it, an address, a range of addresses."""
    if exception == "*":
        return True
    name, found_port = _host_and_port(exception.lower())
    if not name or found_port not in {None, port}:
        return False
    address = as_address(host)
    if address is not None:
        return _holds(name, address)
    name, host = name.removeprefix("*").strip("."), host.lower().rstrip(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _host_and_port(exception: str) -> tuple[str, int | None]:
    found = re.fullmatch(r"(?:\[(?P<v6>[^\]]*)\]|(?P<name>[^:]*))(?::(?P<port>[0-9]{1,5}))?", exception)
    if found is None:  # an IPv6 address, or a range of such, without brackets
        return exception, None
    return found["v6"] or found["name"] or "", int(found["port"]) if found["port"] else None


def _holds(written: str, address: IPv4Address | IPv6Address) -> bool:
    try:
        return address in ip_network(written, strict=False)
    except ValueError:
        return False
