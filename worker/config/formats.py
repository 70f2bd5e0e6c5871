"""What the text of a setting must look like.

Each function returns the value to keep, or raises ValueError with a reason that reads on after the setting's
name ("must be …"), says what to write, and shows nothing of a value that may hold a secret.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, parse_qs, quote, unquote_to_bytes, urlsplit

from worker.config.hosts import is_host, is_loopback
from worker.config.model import Rate

_POSTGRES_SCHEMES = {"postgresql", "postgres", "postgresql+psycopg"}
_POSTGRES_EXAMPLE = "postgresql://user:password@host:5432/name"
_HOST_AND_PORT = r"(\[[^\[\]]+\]|[^\[\]#:]*)(:[0-9]+)?"
_REDIS_EXAMPLE = "redis://:password@host:6379/0"
_ELSEWHERE = {"username", "password", "userid", "hostname", "host", "port", "transport", "virtual_host"}
"""What a Redis address says before its question mark; some of its readers would show it, or fail, behind that."""
_COUNT, _SECONDS, _SWITCH, _TEXT = (
    r"[0-9]{1,9}",
    r"(?=.*[1-9])[0-9]{1,6}(\.[0-9]{1,6})?",
    "true|false|yes|no|1|0",
    "[!-~]+",
)
_REDIS_OPTIONS = {
    "db": _COUNT,
    "protocol": "2|3",
    "client_name": _TEXT,
    "health_check_interval": _COUNT,
    "max_connections": "[1-9][0-9]{0,8}",
    "retry_on_timeout": _SWITCH,
    "socket_timeout": _SECONDS,
}
_NETWORK_OPTIONS = {"socket_connect_timeout": _SECONDS, "socket_keepalive": _SWITCH}
_TLS_OPTIONS = {
    "ssl_cert_reqs": "none|optional|required",
    "ssl_check_hostname": _SWITCH,
    "ssl_min_version": _COUNT,
    **dict.fromkeys(
        ("ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile", "ssl_password", "ssl_ciphers"), ".+"
    ),
}
"""What redis-py's connection understands behind the question mark, and how it is written."""
ESCAPES = (
    "percent-encode what is special in its password: %40 for @, %2F for /, %3A for :, %3F for ?, %23 for #, %25 for %"
)
_LONGEST_URL = 2000
_USUAL_PORTS = {"https": ":443", "http": ":80"}
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PERIODS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def parse_rate(text: str) -> Rate:
    """Read `N/s`, `N/m` or `N/h`, N from 1 to a billion."""
    found = re.fullmatch(r"0*([1-9][0-9]{0,8})/([smh])", text.strip())
    if not found:
        raise ValueError(f"must be requests a period, such as 5/s, 100/m or 1000/h, not {text[:40]!r}")
    return Rate(count=int(found[1]), period=_PERIODS[found[2]])


def parse_time_of_day(text: object) -> object:
    """Read `HH:MM` as seconds since midnight; `off` is None. What is no text passes."""
    if not isinstance(text, str):
        return text
    found = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", text.strip())
    if found:
        return int(found[1]) * 3600.0 + int(found[2]) * 60.0
    if text.strip().lower() == "off":
        return None
    raise ValueError(f"must be a time of day (UTC) such as 03:00, or off, not {text[:40]!r}")


def parse_postgres_url(text: str) -> str:
    """Return the address in SQLAlchemy's form (`postgresql+psycopg://…`), its user and password percent-encoded for libpq as well."""
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in _POSTGRES_SCHEMES:
        raise ValueError(f"must be a PostgreSQL address like {_POSTGRES_EXAMPLE}")
    if not _is_one_word(text) or "%00" in text:
        raise ValueError(f"has a blank or a control character: write it like {_POSTGRES_EXAMPLE}; {ESCAPES}")
    try:
        login, place = _login_and_place(rest)
        hosts = re.split("[/?]", place, maxsplit=1)[0].split(",")  # there may be several, for a standby to take over
        named = parse_qs(place.partition("?")[2]).get("host", [])
        is_proper = all(map(_is_postgres_host, hosts)) and all(map(_may_hold_postgres, named))
        is_proper = is_proper and not _BAD_ESCAPE.search(place)
    except ValueError:
        is_proper = False
    if not is_proper:
        raise ValueError(f"has no proper host and port: write it like {_POSTGRES_EXAMPLE}; {ESCAPES}")
    return f"postgresql+psycopg://{_encoded(login)}{place}"


def parse_redis_url(text: str) -> str:
    """Check the address of a Redis: `redis://`, `rediss://` (TLS) or `unix://` (a socket's path)."""
    example = f"a Redis address like {_REDIS_EXAMPLE}"
    parts = _split(text, f"{example}; {ESCAPES}")
    if parts.scheme not in {"redis", "rediss", "unix"}:
        raise ValueError(f"must be {example} (or rediss://…, unix://…)")
    if parts.fragment or text.count("@") > parts.netloc.count("@"):
        raise ValueError(f"must be {example}; {ESCAPES}")
    if parts.scheme == "unix":
        if not parts.path.strip("/"):
            raise ValueError("must name the socket's path, like unix:///run/redis.sock")
    elif not re.fullmatch(r"/?|/[0-9]+/?", parts.path):
        raise ValueError(f"must be {example}, its last part the number of a database; {ESCAPES}")
    if bool(parts.username) > bool(parts.password) or _ELSEWHERE & parse_qs(parts.query, keep_blank_values=True).keys():
        raise ValueError(f"must have user and password before the @, a lone password behind a colon: {_REDIS_EXAMPLE}")
    if parts.hostname is not None and not is_host(parts.hostname):
        raise ValueError(f"has no proper host: write {example}; {ESCAPES}")
    _check_redis_options(parts)
    return text


def _check_redis_options(parts: SplitResult) -> None:
    known = {
        **_REDIS_OPTIONS,
        **(_NETWORK_OPTIONS if parts.scheme != "unix" else {}),
        **(_TLS_OPTIONS if parts.scheme == "rediss" else {}),
    }
    for name, values in parse_qs(parts.query, keep_blank_values=True).items():
        if name not in known:
            kind = f"{parts.scheme}://"
            raise ValueError(
                f"has an option that a Redis behind {kind} has not: leave it out, or write one of {', '.join(known)}"
            )
        if len(values) > 1 or not re.fullmatch(known[name], values[0], re.IGNORECASE):
            raise ValueError(f"has no proper value for {name}: correct it, or leave it out")


def parse_base_url(text: str) -> str:
    """Return the API's address in one spelling (small letters, no usual port, no slash at its end).

    It is `https`, unless its host is loopback.
    """
    example = "an address like https://api.ringostat.net"
    parts = _split(text, example)
    host = parts.hostname or ""
    if "@" in text:
        raise ValueError("must have no user and no password: the key goes into RINGOSTAT_AUTH_KEY")
    if parts.scheme not in {"https", "http"} or not is_host(host) or len(text) > _LONGEST_URL:
        raise ValueError(f"must be {example}")
    if "?" in text or "#" in text:
        raise ValueError(f"must be {example}, with nothing after ? or #")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError(
            "must start with https:// (plain http is for localhost alone: the key would travel unencrypted)"
        )
    # One API has one address, however it is spelt: what another one has accepted counts for nothing.
    name = re.sub(r"\.(?=(:[0-9]+)?$)", "", parts.netloc).lower().removesuffix(_USUAL_PORTS[parts.scheme])
    return f"{parts.scheme}://{name}{parts.path.rstrip('/')}"


def parse_auth_key(text: str) -> str:
    """Check that a project's key can be in a header: printable ASCII without blanks."""
    if not re.fullmatch(r"[!-~]+", text):
        raise ValueError("has a blank, a newline or a letter outside ASCII: copy the key again, and nothing else")
    return text


def parse_alert_url(text: str) -> str:
    """Check the address that alerts are posted to; it may hold a secret."""
    example = "an address like https://hooks.example.com/…"
    parts = _split(text, example)
    if parts.scheme not in {"https", "http"} or not is_host(parts.hostname or "") or len(text) > _LONGEST_URL:
        raise ValueError(f"must be {example}")
    return text


def parse_basic_auth(text: str) -> str:
    """Check `user:password`, both filled; Flower takes a comma for the start of another pair."""
    if not re.fullmatch(r"[!-+\--9;-~]+:[!-+\--~]+", text):
        raise ValueError("must be user:password, in ASCII, without blanks and commas")
    return text


def _split(text: str, example: str) -> SplitResult:
    if not _is_one_word(text) or "\\" in text:
        raise ValueError(f"has a blank, a backslash or a control character: write {example}")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(f"has no proper host and port: write {example}") from None
    if port == 0 or parts.netloc.endswith(":") or parts.netloc.count("@") > 1:
        raise ValueError(f"has no proper host and port: write {example}")
    return parts


def _is_one_word(text: str) -> bool:
    return text.isprintable() and not re.search(r"\s", text)


def _login_and_place(rest: str) -> tuple[str, str]:
    """What follows `postgresql://`, read as SQLAlchemy reads it, where a password may hold a slash and a question mark.

    A second @ is refused: what stands behind the first may be a part of the password, and would be shown as the host's name.
    SQLAlchemy itself would cost beat and Flower, which need it for nothing else, 20 MB each.
    """
    login, at, place = rest.partition("@")
    if not at or re.search("[/?]", login.partition(":")[0]):
        login, place = "", rest
    if "@" in (place if login else place.partition("?")[0]):
        raise ValueError("more than one @")
    return login, place


def _is_postgres_host(written: str) -> bool:
    """Whether a host, with its port or without, can be one: `urlsplit` knows of brackets and the range of ports."""
    parts = urlsplit(f"//{written}", allow_fragments=False)
    return parts.port != 0 and bool(re.fullmatch(_HOST_AND_PORT, written)) and _may_hold_postgres(parts.hostname or "")


def _may_hold_postgres(hosts: str) -> bool:
    """Hosts as libpq takes them: none, several, folders of sockets."""
    return all(not host or host[0] in "/@" or "%" in host or is_host(host) for host in hosts.split(","))


def _encoded(login: str) -> str:
    """User and password as SQLAlchemy, libpq and psql read them alike; a % that begins no escape means itself."""
    if not login:
        return ""
    user, colon, password = login.partition(":")
    return f"{quote(unquote_to_bytes(user), safe='')}{colon}{quote(unquote_to_bytes(password), safe='')}@"
