"""What the environment's variables may look like, and what is said of those that may not."""

from __future__ import annotations

import re
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict
from redis import Redis
from sqlalchemy.engine import make_url

from worker.config.model import Rate
from worker.config.settings import libpq_url, load_settings
from worker.errors import ConfigError

CLIENT = httpx.Client(verify=False)
"""Builds requests, and sends none."""


def refusal_of(**env: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_settings(env)
    return str(caught.value)


@pytest.mark.parametrize(
    ("written", "rate"),
    [
        ("5/s", Rate(5, 1.0)),
        ("100/m", Rate(100, 60.0)),
        ("1/h", Rate(1, 3600.0)),
        ("010/s", Rate(10, 1.0)),
    ],
)
def test_a_rate_is_requests_a_period(written, rate):
    """`N/s`, `N/m` and `N/h` are read as a count and seconds."""

    assert rate == load_settings({"RINGOSTAT_RATE_LIMIT": written}).ringostat_rate_limit


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://db/crm"),
        ("DATABASE_URL", "postgresql:/db/crm"),
        ("DATABASE_URL", "postgresql+psycopg2://db/crm"),
        ("DATABASE_URL", "postgresql://db:port/crm"),
        ("DATABASE_URL", "postgresql://db:0/crm"),
        ("DATABASE_URL", "postgresql://db:70000/crm"),
        ("DATABASE_URL", "postgresql://u:p@ss@db/crm"),
        ("DATABASE_URL", "postgresql://db/crm\n"),
        ("DATABASE_URL", "postgresql://db..example.com/crm"),
        ("DATABASE_URL", f"postgresql://{'a' * 64}/crm"),
        ("DATABASE_URL", "postgresql:///crm?host=db..example.com"),
        ("DATABASE_URL", "postgresql://db/crm%zz"),
        ("CRM_DATABASE_URL", "crm"),
        ("REDIS_URL", "http://redis:6379"),
        ("REDIS_URL", "redis"),
        ("REDIS_URL", "redis://redis:x/0"),
        ("REDIS_URL", "redis://redis:0/0"),
        ("REDIS_URL", "redis://redis:70000/0"),
        ("REDIS_URL", "redis://redis/zero"),
        ("REDIS_URL", "redis://:pa#ss@redis/0"),
        ("REDIS_URL", "unix://"),
        ("REDIS_URL", "redis://red is/0"),
        ("RINGOSTAT_PROJECT_ID", "0"),
        ("RINGOSTAT_PROJECT_ID", "-1"),
        ("RINGOSTAT_PROJECT_ID", "one"),
        ("RINGOSTAT_PROJECT_ID", "1.5"),
        ("RINGOSTAT_PROJECT_ID", "9223372036854775808"),
        ("RINGOSTAT_AUTH_KEY", "two words"),
        ("RINGOSTAT_AUTH_KEY", "key\n"),
        ("RINGOSTAT_AUTH_KEY", " "),
        ("RINGOSTAT_AUTH_KEY", "ключ"),
        ("RINGOSTAT_AUTH_KEY", "key\x7f"),
        ("RINGOSTAT_BASE_URL", "http://api.ringostat.net"),
        ("RINGOSTAT_BASE_URL", "http://127.0.0.1.example.com"),
        ("RINGOSTAT_BASE_URL", "http://localhost.example.com"),
        ("RINGOSTAT_BASE_URL", "http://128.0.0.1"),
        ("RINGOSTAT_BASE_URL", "http://localhost\\@example.com"),
        ("RINGOSTAT_BASE_URL", "http://localhost@example.com"),
        ("RINGOSTAT_BASE_URL", "ftp://api.ringostat.net"),
        ("RINGOSTAT_BASE_URL", "api.ringostat.net"),
        ("RINGOSTAT_BASE_URL", "https://"),
        ("RINGOSTAT_BASE_URL", "https://user:key@api.ringostat.net"),
        ("RINGOSTAT_BASE_URL", "https://api.ringostat.net?key=1"),
        ("RINGOSTAT_BASE_URL", "https://api.ringostat.net/#top"),
        ("RINGOSTAT_BASE_URL", "https://api.ringostat.net:0"),
        ("RINGOSTAT_BASE_URL", "https://api.ringostat.net:port"),
        ("RINGOSTAT_BASE_URL", "https://api.ringostat.net:99999"),
        ("RINGOSTAT_BASE_URL", "https://api.ringostat.net:"),
        ("RINGOSTAT_BASE_URL", "https://api.ringostat.net:４４３"),
        ("RINGOSTAT_BASE_URL", "https://api.ringostat.net "),
        ("RINGOSTAT_BASE_URL", " https://api.ringostat.net"),
        ("RINGOSTAT_BASE_URL", "https://api.ringo stat.net"),
        ("RINGOSTAT_BASE_URL", "https://api..ringostat.net"),
        ("RINGOSTAT_BASE_URL", "https://.ringostat.net"),
        ("RINGOSTAT_BASE_URL", "https://api.ringostat.net.."),
        ("RINGOSTAT_BASE_URL", "https://."),
        ("RINGOSTAT_BASE_URL", f"https://{'a' * 64}.ringostat.net"),
        ("RINGOSTAT_BASE_URL", f"https://{'a.' * 127}net"),
        ("RINGOSTAT_BASE_URL", "https://апі.рінгостат.укр"),
        ("RINGOSTAT_BASE_URL", "https://xn--.net"),
        ("RINGOSTAT_BASE_URL", "https://xn--99999999999999.net"),
        ("RINGOSTAT_BASE_URL", "https://xn--abc-.net"),
        ("RINGOSTAT_BASE_URL", "https://api_ringostat,net"),
        ("RINGOSTAT_BASE_URL", "https://api%2eringostat.net"),
        ("RINGOSTAT_BASE_URL", "https://1.2.3"),
        ("RINGOSTAT_BASE_URL", "https://300.1.2.3"),
        ("RINGOSTAT_BASE_URL", "https://0x7f.1"),
        ("RINGOSTAT_BASE_URL", "https://[::1"),
        ("RINGOSTAT_BASE_URL", "https://[api]"),
        ("RINGOSTAT_BASE_URL", "https://[1::2::3]"),
        ("RINGOSTAT_BASE_URL", "https://[fe80::1%25eth0]"),
        ("RINGOSTAT_BASE_URL", "https:///minicrm"),
        ("RINGOSTAT_BASE_URL", "https:/api.ringostat.net"),
        ("RINGOSTAT_BASE_URL", "https://api.ringostat.net/@"),
        ("RINGOSTAT_BASE_URL", "https://api.ringostat.net?"),
        ("RINGOSTAT_BASE_URL", "https://api.ringostat.net#"),
        ("RINGOSTAT_BASE_URL", f"https://api.ringostat.net/{'a' * 3000}"),
        ("SYNC_ALERT_URL", "https://hooks..example.com/x"),
        ("SYNC_ALERT_URL", "https://hooks.example.com:99999/x"),
        ("SYNC_ALERT_URL", "hooks.example.com/x"),
        ("REDIS_URL", "redis://red..is/0"),
        ("REDIS_URL", f"redis://{'a' * 64}/0"),
        ("RINGOSTAT_RATE_LIMIT", "5"),
        ("RINGOSTAT_RATE_LIMIT", "0/s"),
        ("RINGOSTAT_RATE_LIMIT", "-5/s"),
        ("RINGOSTAT_RATE_LIMIT", "0.5/s"),
        ("RINGOSTAT_RATE_LIMIT", "5/d"),
        ("RINGOSTAT_RATE_LIMIT", "٥/s"),
        ("RINGOSTAT_BATCH_SIZE", "0"),
        ("RINGOSTAT_BATCH_SIZE", "10001"),
        ("RINGOSTAT_BATCH_SIZE", "many"),
        ("RINGOSTAT_TIMEOUT", "0"),
        ("RINGOSTAT_TIMEOUT", "nan"),
        ("RINGOSTAT_TIMEOUT", "inf"),
        ("RINGOSTAT_TIMEOUT", "15s"),
        ("SYNC_MAX_ATTEMPTS", "0"),
        ("SYNC_MAX_ATTEMPTS", "1.5"),
        ("SYNC_RETRY_BASE", "0"),
        ("SYNC_RETRY_MAX", "-1"),
        ("SYNC_RETRY_BASE", "3601"),
        ("SYNC_COLLECT_INTERVAL", "0"),
        ("SYNC_LEASE", "15"),
        ("SYNC_LEASE", "15.05"),
        ("SYNC_LEASE", "soon"),
        ("SYNC_NAME", "ringostat sync"),
        ("SYNC_NAME", "a:b"),
        ("SYNC_NAME", "a\n"),
        ("SYNC_NAME", "a" * 65),
        ("SYNC_LOG_LEVEL", "loud"),
        ("SYNC_LOG_LEVEL", "10"),
        ("SANDBOX_PORT", "0"),
        ("FLOWER_PORT", "65536"),
        ("FLOWER_PORT", "http"),
        ("FLOWER_BASIC_AUTH", "user"),
        ("FLOWER_BASIC_AUTH", "user:"),
        ("FLOWER_BASIC_AUTH", ":password"),
        ("FLOWER_BASIC_AUTH", "user:a,b:c"),
        ("FLOWER_BASIC_AUTH", "user:pass word"),
    ],
)
def test_a_wrong_value_is_refused_in_one_line_that_names_the_variable(name, value):
    """What is wrong is refused with exit code 2 and one line naming the variable."""
    refusal = refusal_of(**{name: value})

    assert name in refusal
    assert "\n" not in refusal
    assert ConfigError.exit_code == 2


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("DATABASE_URL", "postgresql://u:hunter2@db:port/crm", "hunter2"),
        ("CRM_DATABASE_URL", "mysql://u:hunter2@db/crm", "hunter2"),
        ("REDIS_URL", "redis://:hunter2@redis/x", "hunter2"),
        ("DATABASE_URL", "postgresql://u:a@hunter2/c@db/crm", "hunter2"),
        ("DATABASE_URL", "postgresql://u:a/hunter2@c@db/crm", "hunter2"),
        ("DATABASE_URL", "postgresql://u:a@hunter2?c=d@db/crm", "hunter2"),
        ("DATABASE_URL", "postgresql://u:a@hunter2?c@db/crm", "hunter2"),
        ("DATABASE_URL", "postgresql://u:a@hunter2#c@db/crm", "hunter2"),
        ("DATABASE_URL", "postgresql://u:hunter2/@/@db/crm", "hunter2"),
        ("DATABASE_URL", "postgresql://u/hunter2:a@db/crm", "hunter2"),
        ("DATABASE_URL", "postgresql://u:hunter2/crm", "hunter2"),
        ("DATABASE_URL", "postgresql://u:hunter2%00@db/crm", "hunter2"),
        ("DATABASE_URL", "postgresql://u:hunter2[@db:x/crm", "hunter2"),
        ("DATABASE_URL", "u:hunter2@db/crm", "hunter2"),
        ("REDIS_URL", "redis://:a@hunter2/c@redis/0", "hunter2"),
        ("REDIS_URL", "redis://:a@hunter2?c@redis/0", "hunter2"),
        ("REDIS_URL", "redis://:1/hunter2@redis/0", "hunter2"),
        ("REDIS_URL", "redis://:1?hunter2@redis/0", "hunter2"),
        ("REDIS_URL", "redis://:1#hunter2@redis/0", "hunter2"),
        ("REDIS_URL", "redis://:hunter2[@redis/0", "hunter2"),
        ("REDIS_URL", ":hunter2@redis/0", "hunter2"),
        ("REDIS_URL", "redis://hunter2@redis/0", "hunter2"),
        ("REDIS_URL", "redis://hunter2:@redis/0", "hunter2"),
        ("REDIS_URL", "redis://redis/0?password=hunter2", "hunter2"),
        ("RINGOSTAT_BASE_URL", "https://api.ringostat.net/?key=hunter2", "hunter2"),
        ("RINGOSTAT_AUTH_KEY", "hunter2 ", "hunter2"),
        ("RINGOSTAT_PROJECT_ID", "hunter2", "hunter2"),
        ("RINGOSTAT_BASE_URL", "https://u:hunter2@api.ringostat.net", "hunter2"),
        ("FLOWER_BASIC_AUTH", "hunter2", "hunter2"),
    ],
)
def test_an_error_shows_no_secret(name, value, secret):
    """The value of a variable that may hold a secret is not repeated."""

    assert secret not in refusal_of(**{name: value})


@pytest.mark.parametrize("name", ["DATABASE_URL", "CRM_DATABASE_URL", "REDIS_URL"])
@pytest.mark.parametrize("password", ["p@ss/hunter", "p/ss@hunter", "@", "a@b?c=d", "p@ss#hunter", "x@y:z/0", "/@"])
def test_a_password_that_is_not_encoded_is_told_with_what_to_do(name, password):
    """Whatever of it would be taken for the host's name, and shown as such, is refused before."""
    scheme, rest = ("redis", "@redis:6379/0") if name == "REDIS_URL" else ("postgresql", "@db:5432/crm")
    refusal = refusal_of(**{name: f"{scheme}://user:{password}{rest}"})

    assert refusal.startswith(name)
    assert "percent-encode" in refusal
    assert not [part for part in re.split("[@/?#:]", password) if len(part) > 2 and part in refusal]


@pytest.mark.parametrize(
    "password", ["p/ss", "p?ss", "p#ss", "p:ss", "p%ss", "p%40ss", "%", "100%", "п@роль", "p+ss", "a&b=c"]
)
def test_a_password_that_can_be_read_is_read_alike_by_all(password):
    """SQLAlchemy's driver and libpq get the same, whether it was encoded where there was no need to or not where there was."""
    written = password.replace("@", "%40")
    url = load_settings({"DATABASE_URL": f"postgresql://user:{written}@db/crm"}).require_database_url()
    meant = "p@ss" if password == "p%40ss" else password

    assert make_url(url).password == meant
    assert conninfo_to_dict(libpq_url(url)) == {"user": "user", "password": meant, "host": "db", "dbname": "crm"}


@given(st.text(alphabet=st.characters(codec="ascii"), min_size=1))
def test_no_password_is_taken_for_a_host(password):
    """What passes leads to the host that is meant, with the password that is meant."""
    try:
        url = load_settings({"DATABASE_URL": f"postgresql://user:{password}@db/crm"}).require_database_url()
    except ConfigError:
        return
    assert (make_url(url).host, make_url(url).database) == ("db", "crm")
    assert make_url(url).password == unquote(password)


@given(st.text() | st.from_regex(r"https://[a-z.:0-9\[\]@-]+(/[^?#]*)?", fullmatch=True))
@settings(max_examples=500, deadline=None)
def test_a_base_url_that_passes_can_be_posted_to(text):
    """No part of it raises when it is used."""
    try:
        url = load_settings({"RINGOSTAT_BASE_URL": text}).ringostat_base_url if text else "https://api.ringostat.net"
    except ConfigError:
        return
    CLIENT.base_url = url
    request = CLIENT.build_request("POST", "/minicrm/contacts/sync")

    assert request.url.host.encode("idna")
    assert 0 < (request.url.port or 443) < 65536


def test_an_error_hides_its_cause():
    """pydantic's report, which knows every value, does not hang on to the error."""
    with pytest.raises(ConfigError) as caught:
        load_settings({"RINGOSTAT_AUTH_KEY": "two words"})

    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "RINGOSTAT_BATCH_SIZE",
            "0",
            "RINGOSTAT_BATCH_SIZE must be a whole number of contacts from 1 to 10000, not '0'",
        ),
        (
            "SYNC_LOG_LEVEL",
            "loud",
            "SYNC_LOG_LEVEL must be debug, info, warning, error or critical, not 'loud'",
        ),
        ("FLOWER_PORT", "x", "FLOWER_PORT must be a port from 1 to 65535, not 'x'"),
        (
            "SYNC_LEASE",
            "10",
            "SYNC_LEASE (10 s) must be longer than RINGOSTAT_TIMEOUT (15 s): set SYNC_LEASE to 15.1 or more",
        ),
    ],
)
def test_an_error_says_what_to_write(name, value, message):
    """A refusal reads as one sentence with the way out."""

    assert message == refusal_of(**{name: value})


@pytest.mark.parametrize("written", ["warning", "WARNING", "Warning"])
def test_a_log_level_is_read_in_any_case(written):
    """Capitals make no difference."""

    assert load_settings({"SYNC_LOG_LEVEL": written}).sync_log_level == "warning"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("redis://redis/0?socket_timeout=soon", "has no proper value for socket_timeout: correct it, or leave it out"),
        ("redis://redis/0?socket_timeout=-5", "has no proper value for socket_timeout: correct it, or leave it out"),
        ("redis://redis/0?max_connections=ten", "has no proper value for max_connections: correct it, or leave it out"),
        ("redis://redis/0?protocol=9", "has no proper value for protocol: correct it, or leave it out"),
        ("redis://redis/0?db=1&db=2", "has no proper value for db: correct it, or leave it out"),
        ("rediss://redis/0?ssl_cert_reqs=maybe", "has no proper value for ssl_cert_reqs: correct it, or leave it out"),
        ("redis://redis/0?banana=1", "has an option that a Redis behind redis:// has not"),
        ("redis://redis/0?decode_responses=true", "has an option that a Redis behind redis:// has not"),
        ("redis://redis/0?ssl_cert_reqs=none", "has an option that a Redis behind redis:// has not"),
        ("unix:///run/redis.sock?socket_keepalive=1", "has an option that a Redis behind unix:// has not"),
    ],
)
def test_an_option_of_redis_that_can_not_be_is_refused(url, told):
    """Here, and not by a library in the middle of the work."""
    assert refusal_of(REDIS_URL=url).startswith(f"REDIS_URL {told}")


@pytest.mark.parametrize(
    "url",
    [
        "redis://redis/0?db=5&socket_timeout=2.5&health_check_interval=30",
        "rediss://redis/0?ssl_cert_reqs=none&ssl_check_hostname=false",
        "unix:///run/redis.sock?db=1&max_connections=50",
    ],
)
def test_the_options_of_redis_pass(url):
    """As redis-py writes them; it takes them."""
    assert load_settings({"REDIS_URL": url}).require_redis_url() == url
    assert Redis.from_url(url).connection_pool.make_connection()


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("https://api.ringostat.net", "https://api.ringostat.net"),
        ("https://api.ringostat.net/", "https://api.ringostat.net"),
        ("https://gate.example.com:8443/ringostat/", "https://gate.example.com:8443/ringostat"),
        ("HTTPS://api.ringostat.net.", "https://api.ringostat.net"),
        ("https://api.ringostat.net.:443/", "https://api.ringostat.net"),
        ("https://xn--80aa1b.xn--j1amh", "https://xn--80aa1b.xn--j1amh"),
        ("https://192.0.2.1:8443", "https://192.0.2.1:8443"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ("http://localhost:8085", "http://localhost:8085"),
        ("http://LOCALHOST:8085", "http://localhost:8085"),
        ("https://API.Ringostat.net:443", "https://api.ringostat.net"),
        ("http://127.0.0.1:80/Base/", "http://127.0.0.1/Base"),
        ("https://api.ringostat.net:8443", "https://api.ringostat.net:8443"),
        ("http://127.8.9.1:8085/", "http://127.8.9.1:8085"),
        ("http://[::1]:8085", "http://[::1]:8085"),
    ],
)
def test_a_base_url_is_https_or_loopback(written, kept):
    """Https anywhere and http on loopback pass, without the slash at the end."""

    assert kept == load_settings({"RINGOSTAT_BASE_URL": written}).ringostat_base_url


def test_an_alert_may_name_whom_it_is_for():
    """Some chats do that with an @."""
    url = "https://api.telegram.org/bot1:x/sendMessage?chat_id=@people"

    assert load_settings({"SYNC_ALERT_URL": url}).sync_alert_url.get_secret_value() == url


@pytest.mark.parametrize(
    "written",
    ["postgresql://u:p@db:5432/crm", "postgres://u:p@db:5432/crm", "postgresql+psycopg://u:p@db:5432/crm"],
)
def test_a_database_url_comes_in_sqlalchemys_form(written):
    """However PostgreSQL's scheme is written, SQLAlchemy gets the driver that we install."""
    settings = load_settings({"DATABASE_URL": written})

    assert settings.require_database_url() == "postgresql+psycopg://u:p@db:5432/crm"


def test_libpq_gets_a_url_without_a_driver():
    """psycopg itself takes the address without SQLAlchemy's suffix."""

    assert libpq_url("postgresql+psycopg://u:p@db/crm") == "postgresql://u:p@db/crm"


@pytest.mark.parametrize(
    "url",
    [
        "redis://redis",
        "redis://redis:6379/0",
        "rediss://:p%40ss@redis:6380/1",
        "redis:///2",
        "unix:///run/redis.sock",
        "redis://[::1]:6379/0",
    ],
)
def test_redis_urls_pass(url):
    """Redis is reached by TCP, TLS or a socket."""

    assert url == load_settings({"REDIS_URL": url}).require_redis_url()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:///crm?host=/run/postgresql",
        "postgresql://[::1]/crm",
        "postgresql://my_db/crm",
        "postgresql:///crm?host=a.example.com,b.example.com&port=5432,5433&user=u%40server",
    ],
)
def test_sockets_and_ipv6_pass(url):
    """A local socket and an IPv6 address are addresses of a PostgreSQL."""

    assert libpq_url(load_settings({"DATABASE_URL": url}).require_database_url()) == url
