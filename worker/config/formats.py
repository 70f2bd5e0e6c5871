"""What the text of a setting must look like.

Each function returns the value to keep, or raises ValueError with a reason that reads on after the setting's
name ("must be …"), says what to write, and shows nothing of a value that may hold a secret.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from worker.config.model import Rate

_POSTGRES_SCHEMES = {"postgresql", "postgres", "postgresql+psycopg"}
_POSTGRES_EXAMPLE = "postgresql://user:password@host:5432/name"
_HOST_AND_PORT = r"(\[[^\[\]]+\]|[^\[\]#:]*)(:[0-9]+)?"
_REDIS_EXAMPLE = "redis://:password@host:6379/0"
_ESCAPES = "special characters of a password are written as %40 for @, %23 for #, %2F for /"
LOOPBACK = {"127.0.0.1", "::1"}
_PERIODS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def parse_rate(text: str) -> Rate:
    """Read `N/s`, `N/m` or `N/h`, N from 1 to a billion."""
    found = re.fullmatch(r"0*([1-9][0-9]{0,8})/([smh])", text.strip())
    if not found:
        raise ValueError(f"must be requests a period, such as 5/s, 100/m or 1000/h, not {text[:40]!r}")
    return Rate(count=int(found[1]), period=_PERIODS[found[2]])


def parse_postgres_url(text: str) -> str:
    """Return the address in SQLAlchemy's form (`postgresql+psycopg://…`)."""
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in _POSTGRES_SCHEMES:
        raise ValueError(f"must be a PostgreSQL address like {_POSTGRES_EXAMPLE}")
    if not _is_one_word(text):
        raise ValueError(f"holds a blank or a control character: write it like {_POSTGRES_EXAMPLE}")
    try:
        _, parts = _user_and_place(rest)
        is_proper = parts.port != 0 and re.fullmatch(_HOST_AND_PORT, parts.netloc)
    except ValueError:
        is_proper = None
    if not is_proper:
        raise ValueError(f"has no proper host and port: write it like {_POSTGRES_EXAMPLE}; {_ESCAPES}")
    return f"postgresql+psycopg://{rest}"


def database_place(sqlalchemy_url: str) -> tuple[str, str, str]:
    """Return where a database is: host (empty: the local socket), port, name (by default the user's).

    This machine's own address is `localhost`, however it is written.
    """
    user, parts = _user_and_place(sqlalchemy_url.partition("://")[2])
    query = {name: ",".join(values) for name, values in parse_qs(parts.query).items()}
    host = parts.hostname or query.get("host", "")
    port = str(parts.port or query.get("port") or 5432)
    return (
        ("localhost" if host in LOOPBACK else host.lower()),
        port,
        unquote(parts.path[1:]) or query.get("dbname") or user,
    )


def parse_redis_url(text: str) -> str:
    """Check the address of a Redis: `redis://`, `rediss://` (TLS) or `unix://` (a socket's path)."""
    example = f"a Redis address like {_REDIS_EXAMPLE}"
    parts = _split(text, example)
    if parts.scheme not in {"redis", "rediss", "unix"}:
        raise ValueError(f"must be {example} (or rediss://…, unix://…)")
    if parts.fragment:
        raise ValueError(f"must be {example}; {_ESCAPES}")
    if parts.scheme == "unix":
        if not parts.path.strip("/"):
            raise ValueError("must name the socket's path, like unix:///run/redis.sock")
    elif not re.fullmatch(r"/?|/[0-9]+/?", parts.path):
        raise ValueError(f"must be {example}, its last part the number of a database; {_ESCAPES}")
    return text


def parse_base_url(text: str) -> str:
    """Return the API's address without a slash at its end; it is `https`, unless its host is loopback."""
    example = "an address like https://api.ringostat.net"
    parts = _split(text, example)
    host = parts.hostname or ""
    if parts.scheme not in {"https", "http"} or not re.fullmatch(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+", host):
        raise ValueError(f"must be {example}")
    if "@" in parts.netloc:
        raise ValueError("must hold no user and no password: the key goes into RINGOSTAT_AUTH_KEY")
    if "?" in text or "#" in text:
        raise ValueError(f"must be {example}, with nothing after ? or #")
    if parts.scheme == "http" and not _is_loopback(host):
        raise ValueError(
            "must start with https:// (plain http is for localhost alone: the key would travel unencrypted)"
        )
    return text.rstrip("/")


def parse_auth_key(text: str) -> str:
    """Check that a project's key can stand in a header: printable ASCII without blanks."""
    if not re.fullmatch(r"[!-~]+", text):
        raise ValueError("holds a blank, a newline or a letter outside ASCII: copy the key anew, and nothing else")
    return text


def parse_alert_url(text: str) -> str:
    """Check the address that alerts are posted to; it may hold a secret."""
    example = "an address like https://hooks.example.com/…"
    parts = _split(text, example)
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise ValueError(f"must be {example}")
    return text


def parse_basic_auth(text: str) -> str:
    """Check `user:password`, both filled; Flower takes a comma for the start of another pair."""
    if not re.fullmatch(r"[!-+\--9;-~]+:[!-+\--~]+", text):
        raise ValueError("must be user:password, in ASCII, without blanks and commas")
    return text


def _split(text: str, example: str) -> SplitResult:
    if not _is_one_word(text) or "\\" in text:
        raise ValueError(f"holds a blank, a backslash or a control character: write {example}")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(f"has no proper host and port: write {example}") from None
    if port == 0 or parts.netloc.endswith(":") or parts.netloc.count("@") > 1:
        raise ValueError(f"has no proper host and port: write {example}; {_ESCAPES}")
    return parts


def _is_one_word(text: str) -> bool:
    return text.isprintable() and not re.search(r"\s", text)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_loopback


def _user_and_place(rest: str) -> tuple[str, SplitResult]:
    """What follows `postgresql://`, read as SQLAlchemy reads it, where a password may hold a slash and a question mark.

    SQLAlchemy itself would cost beat and Flower, which need it for nothing else, 20 MB each.
    """
    login, at, place = rest.partition("@")
    user = login.partition(":")[0]
    if not at or "/" in user:
        user, place = "", rest
    if "@" in place.partition("/")[0]:
        raise ValueError("more than one @")
    return unquote(user), urlsplit(f"//{place}", allow_fragments=False)
