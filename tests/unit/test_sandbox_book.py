"""The sandbox's contact book: who a document belongs to, what is found, what the page is given."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.sandbox_bodies import HEADERS, PROJECT, contact, organization
from worker.config.model import Method
from worker.local.sandbox.book import Book
from worker.local.sandbox.rules import decide
from worker.local.sandbox.view import link, shown


def accept(book: Book, *entries: dict[str, Any], method: Method = Method.CONTACTS, project: int = PROJECT) -> None:
    """Has the book accept what the rules let through."""
    body = json.dumps({method.value: [entry | {"projectId": project} for entry in entries]}).encode()
    verdict = decide(method, HEADERS | {"x-project-id": str(project)}, body)
    assert verdict.posted is not None
    assert verdict.refusal is None
    book.accept(project, verdict.posted, verdict.ids)


def names(book: Book, text: str = "", project: int | None = None, limit: int = 200) -> list[str]:
    """The names that a search finds, the newest first."""
    return [record.entry.full_name for record in book.find(text, project, limit)[0]]


def test_the_last_accepted_state_counts() -> None:
    """A contact posted again is the same contact in its newer state."""
    book = Book()

    accept(book, contact("1", fullName="Old"))
    accept(book, contact("1", fullName="New"))

    assert book.contacts() == [contact("1", fullName="New")]
    assert book.contact(PROJECT, external_id="1") == contact("1", fullName="New")


def test_a_contact_is_found_by_either_id() -> None:
    """Both ids lead to the one document."""
    book = Book()

    accept(book, contact("1", "2"))

    assert book.contact(PROJECT, external_id="1") == book.contact(PROJECT, lead_id="2") == contact("1", "2")
    assert book.contact(PROJECT, external_id="2") is None


def test_a_contact_with_both_ids_joins_the_lead() -> None:
    """The lead that was known by its leadId alone has become a contact."""
    book = Book(history=True)

    accept(book, contact(None, "2", fullName="Lead"), contact("1", None, fullName="Contact"))
    accept(book, contact("1", "2", fullName="Both"))

    assert names(book) == ["Both"]
    assert [state["fullName"] for state in book.history(PROJECT, lead_id="2")] == ["Lead", "Contact", "Both"]


def test_a_lead_becomes_a_contact_and_stays_one() -> None:
    """After both ids came, either alone is the same contact."""
    book = Book()

    for external_id, lead_id in ((None, "2"), ("1", "2"), (None, "2"), ("1", None)):
        accept(book, contact(external_id, lead_id))

    assert book.counts() == (1, 0)


def test_a_lead_changes_hands() -> None:
    """A lead that another contact has had makes no one person of the two, however often it comes and goes."""
    book = Book()

    accept(book, contact("1", "9", fullName="One"), contact("2", None, fullName="Two"))
    accept(book, contact("2", "9", fullName="Two"))
    assert book.contact(PROJECT, lead_id="9") == contact("2", "9", fullName="Two")
    accept(book, contact("1", "9", fullName="One"))

    assert book.contact(PROJECT, lead_id="9") == contact("1", "9", fullName="One")
    assert book.counts() == (2, 0)


def test_projects_are_apart() -> None:
    """The same id in two projects is two contacts."""
    book = Book()

    accept(book, contact("1"))
    accept(book, contact("1"), project=107)

    assert book.projects() == [106, 107]
    assert book.counts() == (2, 0)
    assert book.counts(107) == (1, 0)
    assert [one["projectId"] for one in book.contacts(107)] == [107]


def test_a_history_is_kept_where_it_is_wanted() -> None:
    """Otherwise the book would grow with every request."""
    kept, bare = Book(history=True), Book()

    for book in (kept, bare):
        accept(book, organization("1", name="Old"), method=Method.ORGANIZATIONS)
        accept(book, organization("1", name="New"), method=Method.ORGANIZATIONS)

    assert [one["name"] for one in kept.organization_history(PROJECT, "1")] == ["Old", "New"]
    assert bare.organization_history(PROJECT, "1") == []
    assert bare.organization(PROJECT, "1") == organization("1", name="New")


def test_an_organization_completes_its_contacts() -> None:
    """What was accepted last names it: the organization, or the contact that mentions it."""
    book = Book()
    accept(book, contact("1", organizations=[organization("5", name="In the contact")]))
    accept(book, organization("5", name="By itself"), method=Method.ORGANIZATIONS)
    record = book.find("", None, 1)[0][0]
    assert shown(book, record).organizations == ["By itself"]

    accept(book, contact("1", organizations=[organization("5", name="Newer in the contact")]))

    assert shown(book, record).organizations == ["Newer in the contact"]


def test_the_newest_comes_first() -> None:
    """A contact that is posted again moves to the head."""
    book = Book()

    accept(book, contact("1", fullName="A"), contact("2", fullName="B"))
    accept(book, contact("1", fullName="A"))

    assert names(book) == ["A", "B"]
    assert names(book, limit=1) == ["A"]


@pytest.mark.parametrize(
    "text",
    [
        "франко",
        "ІВАН ФР",
        "франко іван",
        "50 111",
        "+38 (050) 111-22-33",
        "IVAN@",
        "ext-77",
        "lead-88",
        "boss",
        "ромаш",
    ],
)
def test_a_search_finds_what_a_person_would_type(text: str) -> None:
    """Part of a name, a number with its blanks, an address, an id, an organization, in any case."""
    book = Book()
    accept(book, contact("ext-77", "lead-88", responsible="boss", organizations=[organization("5")]))

    assert names(book, text) == ["Іван Франко"]


@pytest.mark.parametrize("text", ["леся", "іван леся", "050 999", "ivan@example.org"])
def test_a_search_finds_nobody_else(text: str) -> None:
    """All words must occur."""
    book = Book()
    accept(book, contact("1"))

    assert names(book, text) == []


def test_a_search_knows_an_organizations_newest_name() -> None:
    """Its contacts need not have been posted again."""
    book = Book()
    accept(book, contact("1", organizations=[organization("5")]))
    accept(book, organization("5", name="Волошка"), method=Method.ORGANIZATIONS)

    assert names(book, "волош") == ["Іван Франко"]


def test_a_search_sees_a_change() -> None:
    """What a contact was called before finds it no more."""
    book = Book()
    accept(book, contact("1", fullName="Old"))
    assert names(book, "old") == ["Old"]

    accept(book, contact("1", fullName="New"))

    assert names(book, "old") == []
    assert names(book, "new") == ["New"]


def test_a_search_says_how_many_there_are() -> None:
    """However few are shown."""
    book = Book()
    accept(book, *(contact(str(number)) for number in range(10)))

    assert book.find("франко", None, 3)[1] == 10
    assert book.find("", 106, 3)[1] == 10
    assert book.find("", 107, 3)[1] == 0


def test_a_cleared_book_is_empty_and_says_that_it_changed() -> None:
    """The page asks for what has changed since a revision."""
    book = Book()
    accept(book, contact("1"))
    before = book.revision

    book.clear()

    assert book.counts() == (0, 0)
    assert book.revision > before


@pytest.mark.parametrize(
    ("url", "active"),
    [
        ("https://crm.example.com/1", True),
        ("http://crm.local:8080/1?a=b#c", True),
        (None, False),
        ("", False),
        ("javascript:alert(1)", False),
        (" javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("//crm.example.com/1", False),
        ("https://", False),
        ("https://[broken", False),
    ],
)
def test_only_http_links_lead_anywhere(url: str | None, active: bool) -> None:
    """A link comes from outside, and a script in it would run in the page."""
    assert (link("contact", url).url == url and url is not None) is active
