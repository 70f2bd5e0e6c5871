"""Which proxy leads to a host, by the environment's variables: as curl has it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.config.network import Network, Proxy, read_network
from worker.errors import ConfigError

URL = "https://api.ringostat.net"
PX = Proxy("px", 3128)


def proxy(url: str = URL, **environment: str) -> Proxy | None:
    return read_network(environment, url).proxy


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://px:3128"}, PX),
        ({"https_proxy": "http://px:3128/"}, PX),
        ({"https_proxy": "px:3128", "HTTPS_PROXY": "other:1"}, PX),
        ({"https_proxy": "", "HTTPS_PROXY": "px:3128"}, PX),
        ({"ALL_PROXY": "px:3128"}, PX),
        ({"all_proxy": "other:1", "HTTPS_PROXY": "px:3128"}, PX),
        ({"HTTP_PROXY": "http://px:3128", "http_proxy": "http://px:3128"}, None),
        ({"HTTPS_PROXY": " px "}, Proxy("px", 1080)),
        ({"HTTPS_PROXY": "https://px"}, Proxy("px", 443, tls=True)),
        ({"HTTPS_PROXY": "HTTP://[2001:db8::1]:3128"}, Proxy("2001:db8::1", 3128)),
        ({"HTTPS_PROXY": "u:p@px:3128"}, Proxy("px", 3128, login=b"u:p")),
        ({"HTTPS_PROXY": "http://u%40d:p%3A%2F%40@px:3128"}, Proxy("px", 3128, login=b"u@d:p:/@")),
        ({"HTTPS_PROXY": "http://u@px:3128"}, Proxy("px", 3128, login=b"u:")),
        ({"HTTPS_PROXY": "http://u:@px:3128"}, Proxy("px", 3128, login=b"u:")),
    ],
    ids=range(15),
)
def test_the_proxy_is_the_one_of_the_scheme(environment: dict[str, str], found: Proxy | None) -> None:
    """Small letters go before capitals, ALL_PROXY comes last, an empty variable counts as unset."""
    assert proxy(**environment) == found


def test_http_has_a_proxy_of_its_own() -> None:
    """For plain addresses that are not this machine's."""
    environment = {"HTTP_PROXY": "px:3128", "HTTPS_PROXY": "other:1"}

    assert proxy("http://hooks.example.com/alert", **environment) == PX


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8085",
        "http://LOCALHOST",
        "http://127.0.0.1:8085",
        "https://127.9.8.7",
        "http://[::1]:8085",
        "http://[::ffff:127.0.0.1]",
    ],
)
@pytest.mark.parametrize("value", ["http://px:3128", "no..sense", "socks5://px:1"])
def test_a_loopback_address_goes_past_every_proxy(url: str, value: str) -> None:
    """Also past one that is written wrongly, or of another kind."""
    assert proxy(url, HTTP_PROXY=value, HTTPS_PROXY=value, ALL_PROXY=value) is None


@pytest.mark.parametrize(
    ("host", "exceptions"),
    [
        ("api.ringostat.net", "*"),
        ("api.ringostat.net", "api.ringostat.net"),
        ("api.ringostat.net", "API.Ringostat.NET"),
        ("api.ringostat.net", "ringostat.net"),
        ("api.ringostat.net", ".ringostat.net"),
        ("api.ringostat.net", "*.ringostat.net"),
        ("api.ringostat.net", "ringostat.net."),
        ("api.ringostat.net", "localhost,127.0.0.1, net"),
        ("api.ringostat.net", "localhost ringostat.net"),
        ("api.ringostat.net", "api.ringostat.net:443"),
        ("10.1.2.3", "10.1.2.3"),
        ("10.1.2.3", "10.0.0.0/8"),
        ("[2001:db8::1]", "2001:DB8:0::1"),
        ("[2001:db8::1]", "[2001:db8::1]"),
        ("[2001:db8::1]", "2001:db8::/32"),
    ],
)
def test_a_host_that_no_proxy_names_is_reached_directly(host: str, exceptions: str) -> None:
    """By itself, by its domain, by its number, by a range of numbers."""
    for name in ("NO_PROXY", "no_proxy"):
        assert proxy(f"https://{host}", **{"HTTPS_PROXY": "px:3128", name: exceptions}) is None


@pytest.mark.parametrize(
    ("host", "exceptions"),
    [
        ("api.ringostat.net", ""),
        ("api.ringostat.net", ","),
        ("api.ringostat.net", "."),
        ("api.ringostat.net", "stat.net"),
        ("api.ringostat.net", "other.api.ringostat.net"),
        ("api.ringostat.net", "api.ringostat.net:8443"),
        ("api.ringostat.net", "10.0.0.0/8,::1"),
        ("10.1.2.3", "1.2.3"),
        ("10.1.2.3", "10.1.2.30/32"),
        ("10.1.2.3", "2001:db8::/32"),
        ("[2001:db8::1]", "2001:db8::2"),
    ],
)
def test_other_hosts_are_reached_through_it(host: str, exceptions: str) -> None:
    """A name that only ends alike is another one."""
    assert proxy(f"https://{host}", HTTPS_PROXY="px:3128", NO_PROXY=exceptions) == PX


@pytest.mark.parametrize(
    "value",
    [
        "http://u:hunter2@ss@px:3128",
        "http://u:hunter2/x@px:3128",
        "http://u:hunter2?x@px:3128",
        "http://u:hunter2#x@px:3128",
        "http://u:12#hunter2@px:3128",
        "http://u:hunter2@px:99999",
        "http://u:hunter2@px:0",
        "http://u:hunter2@p..x:3128",
        "http://u:hunter2@",
        "http://u:hunter2@px:3128/path",
        "http://u:hunter 2@px:3128",
        "http://u:hunter[2@px:3128",
        "socks5://u:hunter2@px:1080",
        "ftp://u:hunter2@px:21",
        "://hunter2",
    ],
)
def test_a_proxy_that_is_written_wrongly_is_told_without_its_password(value: str) -> None:
    """One line, with the variable that counts."""
    with pytest.raises(ConfigError) as caught:
        proxy(https_proxy=value)

    assert str(caught.value).startswith("https_proxy must ")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_proxy_that_does_not_count_may_be_written_wrongly() -> None:
    """It may be meant for other programs."""
    assert proxy(HTTP_PROXY="socks5://px:1", ALL_PROXY="socks5://px:1", HTTPS_PROXY="px:3128") == PX
    assert proxy(HTTPS_PROXY="socks5://px:1", NO_PROXY="ringostat.net") is None


def test_a_network_printed_shows_no_password() -> None:
    """Neither the proxy's nor that of its address."""
    assert "hunter2" not in repr(read_network({"HTTPS_PROXY": "u:hunter2@px:3128"}, URL))


def test_certificates_are_named_in_capitals() -> None:
    """As OpenSSL has it; empty ones count as unset."""
    environment = {"SSL_CERT_FILE": "ca.pem", "SSL_CERT_DIR": ""}

    assert read_network(environment, URL) == Network(cert_file="ca.pem")


@given(st.text(), st.text())
def test_no_variable_is_too_strange(value: str, exceptions: str) -> None:
    """It is a proxy, none, or a wrong setting."""
    try:
        found = proxy(HTTPS_PROXY=value, NO_PROXY=exceptions)
    except ConfigError:
        return
    assert found is None or 0 < found.port < 65536
