"""E-mail addresses: syntax alone decides, and the quick way says what the library says."""

import email_validator
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.document import addresses
from worker.document.addresses import addresses_in, normalized
from worker.document.left_out import Why


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("ivan@example.com", "ivan@example.com"),
        ("  ivan@example.com\n", "ivan@example.com"),
        ("\u202aivan@example.com\u202c", "ivan@example.com"),
        ("iv\u00adan@exam\u200bple.com", "ivan@example.com"),
        ("Ivan.Petrenko@Example.COM", "Ivan.Petrenko@example.com"),
        ("INFO@example.com", "info@example.com"),
        ("ivan+crm@example.com", "ivan+crm@example.com"),
        ("o'brien@example.com", "o'brien@example.com"),
        ("іван@приклад.укр", "іван@приклад.укр"),
        ("ivan@xn--80aikifvh.xn--j1amh", "ivan@приклад.укр"),
        ("cafe\u0301@example.com", "caf\u00e9@example.com"),
    ],
)
def test_an_address_comes_out_in_its_normal_form(written, expected):
    """The domain in lower case, the letters composed, the invisible gone; the local part as written."""

    assert normalized(written) == expected


@pytest.mark.parametrize(
    "domain",
    [
        "example.test",
        "mail.test",
        "localhost.localdomain",
        "nas.local",
        "nowhere.invalid",
        "x.onion",
    ],
)
def test_a_special_use_domain_is_accepted(domain):
    """A contact book may hold addresses that only work inside a company or a test bench."""

    assert normalized(f"ivan@{domain}") == f"ivan@{domain}"


@pytest.mark.parametrize(
    "written",
    [
        "",
        "ivan",
        "ivan@",
        "@example.com",
        "ivan@@example.com",
        "ivan petrenko@example.com",
        "ivan@example.com, olena@example.com",
        "ivan..petrenko@example.com",
        ".ivan@example.com",
        "ivan@-example.com",
        "ivan@example..com",
        "ivan@ab--cd.com",
        "ivan@exam ple.com",
        "Ivan <ivan@example.com>",
        "ivan@localhost",
        "a@b",
        "info@com",
        "ivan@укр",
        "ivan@example.com.",
        "ivan@192.168.1.1",
        "ivan@[192.168.1.1]",
        "ivan@[IPv6:2001:db8::1]",
        "ivan@[2001:db8::1]",
        "ivan@127.1",
        "ivan@mail.0x7f",
        "ivan@2130706433",
        "ivan\x00@example.com",
        "+380671112233",
        "a" * 250 + "@example.com",
        "a" * 1_000_000,
    ],
)
def test_what_breaks_the_syntax_is_none(written):
    """No address, two of them, one with a name around it, a single label or an IP address instead of a domain."""

    assert normalized(written) is None


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("a@example.com, b@example.com", ["a@example.com", "b@example.com"]),
        ("a@example.com;b@example.com", ["a@example.com", "b@example.com"]),
        ("a@example.com b@example.com", ["a@example.com", "b@example.com"]),
        ("a@example.com\nb@example.com\n", ["a@example.com", "b@example.com"]),
        ("a@example.com / b@example.com", ["a@example.com", "b@example.com"]),
        ("a@example.com/b@example.com", ["a@example.com", "b@example.com"]),
        ("a@example.com | b@example.com", ["a@example.com", "b@example.com"]),
        ("a@example.com або b@example.com", ["a@example.com", "b@example.com"]),
        ("a@example.com та b@example.com", ["a@example.com", "b@example.com"]),
        ("a@example.com or b@example.com", ["a@example.com", "b@example.com"]),
        ("a@example.com, A@EXAMPLE.com, a@example.com", ["a@example.com", "A@example.com"]),
        ("Іван <a@example.com>", ["a@example.com"]),
        ("Іван Петренко <a@example.com>, Олена <b@example.com>", ["a@example.com", "b@example.com"]),
        ('"Петренко, Іван" <a@example.com>', ["a@example.com"]),
        ("<a@example.com>", ["a@example.com"]),
        ("{a@example.com,b@example.com}", ["a@example.com", "b@example.com"]),
        ("a@example.com & b@example.com", ["a@example.com", "b@example.com"]),
        ("a@example.com + b@example.com", ["a@example.com", "b@example.com"]),
        ("mailto:a@example.com?subject=Hello", ["a@example.com"]),
        ("mailto:a@example.com", ["a@example.com"]),
        ("e-mail: a@example.com", ["a@example.com"]),
        ("Email: a@example.com, пошта: b@example.com", ["a@example.com", "b@example.com"]),
        ("a@example.com (робоча)", ["a@example.com"]),
        ("a@example.com.", ["a@example.com"]),
        ("a@example.com,", ["a@example.com"]),
        ("a&#64;example.com", ["a@example.com"]),
        ("a@example.com&nbsp;", ["a@example.com"]),
        ("a@example.com, ivan@localhost", ["a@example.com"]),
        ("a@example.com, b@10.0.0.1", ["a@example.com"]),
        # What stands beside it may belong to it: `ivan.petrenko@…` was meant.
        ("ivan petrenko@example.com", []),
        ("a@example.com мама", []),
        ("a @example.com", []),
        ("a@ example.com", []),
        ("немає", []),
        ("@ivan", []),
        ("0671112233", []),
    ],
)
def test_a_field_may_hold_several(written, expected):
    """Each is an address of its own; words beside an address make it doubtful."""
    found = addresses_in(written)

    assert list(found.addresses) == expected
    assert found.left_out or expected


def test_those_that_are_no_address_are_counted():
    """One bad one of three takes none along."""

    assert addresses_in("a@example.com; b@localhost; c@example.com").left_out == (Why.NO_ADDRESS,)


LABELS = st.text("az09-", min_size=1, max_size=65)
DOMAINS = st.lists(LABELS, min_size=1, max_size=4).map(".".join)
LOCALS = st.one_of(st.text("aZ0._+-'", max_size=8), st.sampled_from(["info", "www", "Sales"]))


@given(LOCALS, DOMAINS)
def test_the_quick_way_agrees_with_the_library(local, domain):
    """What looks plain is what the library would return unchanged."""
    address = f"{local}@{domain}"
    plain = len(address) <= 254 and addresses._is_plain(address)

    assert not plain or by_library(address) == address


def by_library(address: str) -> str:
    found = email_validator.validate_email(address, check_deliverability=False, globally_deliverable=False)
    return found.normalized


def test_the_quick_way_knows_the_usual_addresses():
    """It would be of no use if it left them to the library."""

    assert addresses._is_plain("ivan.petrenko+crm@mail.example.com.ua")


@given(st.one_of(st.text(), st.text('ab@."<>[]: \\\u0338\u200d٠', max_size=30), st.emails()))
def test_any_text_is_addresses_or_a_reason(written):
    """Nothing raises, and what comes out stays as it is."""
    found = addresses_in(written)

    assert found.addresses or found.left_out
    assert [normalized(address) for address in found.addresses] == list(found.addresses)
