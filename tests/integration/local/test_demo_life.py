"""The demo CRM as it is lived in: every event, and the program that lets them happen."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import psycopg
import pytest

from tests.support.demo_crm import documents, installed, mapped, mapping, read
from tests.support.waiting import wait_until
from worker.errors import ConfigError
from worker.local.demo import live, run
from worker.local.demo.crm import FEWEST_CONTACTS, Crm
from worker.local.demo.events import WEIGHTS, Event, contacts, directions, sales
from worker.local.demo.life import choose, happen

COMES_TO_NOTHING = [contacts.call_logged, contacts.note_written, directions.phone_respelt]
SELDOM_SEEN = [
    sales.deal_moved,
    sales.deal_lost,
]  # the newest open deal of a contact mostly stays what it was
SEEN = [event for event in WEIGHTS if event not in {*COMES_TO_NOTHING, *SELDOM_SEEN}]

RUN = "import sys; from worker.local.demo import run; run(sys.argv[1], 50)"
ROOT = Path(__file__).parents[3]


@pytest.fixture
def crm(empty_database_url: str) -> Iterator[Crm]:
    with installed(empty_database_url, size=100) as installed_crm:
        yield installed_crm


def row_of(crm: Crm, table: str, key: int) -> dict[str, object]:
    """A row as PostgreSQL's own JSON; empty where there is none."""
    return crm.value(f"SELECT to_jsonb(t) FROM crm.{table} t WHERE id = %(key)s", key=key) or {}


@pytest.mark.parametrize("event", WEIGHTS, ids=lambda event: event.__name__)
def test_every_event_leaves_a_readable_crm(crm: Crm, event: Event):
    """Each can happen in a fresh CRM, and no key comes twice after it has happened ten times."""
    happened = [happen(crm, event) for _ in range(10)]

    assert happened[0]
    for source in mapping.sources:
        keys = [row["key"] for row in mapped(crm, source)]
        assert len(keys) == len(set(keys))


@pytest.mark.parametrize("event", SEEN, ids=lambda event: event.__name__)
def test_what_the_telephones_show_changes(crm: Crm, event: Event):
    """Sooner or later the event makes another document of something, or adds or takes one."""
    before = documents(crm)

    assert any(happen(crm, event) and documents(crm) != before for _ in range(20))


@pytest.mark.parametrize("event", COMES_TO_NOTHING, ids=lambda event: event.__name__)
def test_noise_changes_no_document(crm: Crm, event: Event):
    """A call, a note and another spelling of a number leave every document as it is."""
    before = documents(crm)
    happened = [happen(crm, event) for _ in range(20)]

    assert all(happened)
    assert documents(crm) == before


def test_a_converted_lead_goes_on_as_a_contact(crm: Crm):
    """It leaves the leads; its contact carries its id and its number."""
    ids = sales.lead_converted(crm)
    assert ids is not None
    lead = row_of(crm, "leads", ids["lead"])
    contact = read(crm, "contacts", ids["contact"])

    assert read(crm, "leads", ids["lead"]) is None
    assert contact is not None
    assert contact["leadId"] == ids["lead"]
    assert contact["fullName"].split() == list(reversed(str(lead["name"]).split()))
    assert contact["contactDirections"][0]["value"] == lead["phone"]


def test_merged_contacts_keep_all_numbers(crm: Crm):
    """The survivor has the numbers of both, and the other is gone."""
    numbers = crm.count("phones")
    ids = contacts.contacts_merged(crm)
    assert ids is not None

    assert row_of(crm, "contacts", ids["contact"])
    assert row_of(crm, "contacts", ids["gone"]) == {}
    assert crm.count("phones") == numbers


def test_nobody_loses_the_last_number(crm: Crm):
    """Numbers are removed until each contact has one left that is no fax, and no further."""
    reachable = "SELECT count(DISTINCT contact_id) FROM crm.phones WHERE kind <> 'fax'"
    before = crm.value(reachable)
    while happen(crm, directions.phone_removed):
        pass

    assert crm.value(reachable) == before
    assert crm.count("phones", "kind <> 'fax'") == before


def test_hidden_and_shown_again(crm: Crm):
    """A hidden contact leaves the mapping, and comes back when it is shown."""
    ids = contacts.contact_hidden(crm)
    assert ids is not None
    hidden = read(crm, "contacts", ids["contact"])
    while contacts.contact_shown(crm):
        pass

    assert hidden is None
    assert read(crm, "contacts", ids["contact"]) is not None


@pytest.mark.parametrize("event", [contacts.contact_deleted, contacts.contacts_merged])
def test_the_last_contacts_stay(empty_database_url: str, event: Event):
    """Where there are few contacts left, none of them goes."""
    with installed(empty_database_url, size=FEWEST_CONTACTS) as crm:
        assert not happen(crm, event)


def test_it_stays_within_its_bounds(empty_database_url: str):
    """However long it lives, contacts, leads, deals and numbers become neither too few nor too many."""
    with installed(empty_database_url, size=60, most_contacts=70) as crm:
        for _ in range(1000):
            happen(crm, choose(crm.dice))
            assert FEWEST_CONTACTS <= crm.count("contacts") <= crm.most_contacts
        counts = [crm.count(table) for table in ("leads", "deals")]

    assert max(counts) <= 70


@contextmanager
def living(url: str) -> Iterator[threading.Event]:
    """`live` in a thread, at a hundred events a second."""
    stop = threading.Event()
    thread = threading.Thread(target=live, args=[url], kwargs={"dice": Random(4), "pace": 100, "stop": stop})
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


def test_life_goes_on(crm: Crm, empty_database_url: str):
    """Events happen until somebody says stop."""
    calls = crm.count("calls")
    with living(empty_database_url):
        wait_until(lambda: crm.count("calls") > calls + 2)


def test_life_survives_a_lost_connection(crm: Crm, empty_database_url: str):
    """After its connection is cut it makes another, and goes on."""
    with living(empty_database_url):
        first = wait_until(lambda: backend(crm))
        crm.value("SELECT pg_terminate_backend(%(pid)s)", pid=first)
        wait_until(lambda: backend(crm) not in {None, first})
        calls = crm.count("calls")
        wait_until(lambda: crm.count("calls") > calls)


def backend(crm: Crm) -> int | None:
    """The process that serves the life in this database."""
    return crm.value(
        "SELECT pid FROM pg_stat_activity"
        " WHERE application_name = 'ringostat-sync demo CRM' AND datname = current_database()"
    )


def test_its_process_installs_lives_and_ends(empty_database_url: str):
    """`run` brings the CRM, lets things happen, logs nothing but events and ids, and ends well on SIGTERM."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, empty_database_url],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        with psycopg.connect(empty_database_url, autocommit=True) as connection:
            crm = Crm(connection, Random(1))
            wait_until(lambda: crm.value("SELECT to_regclass('crm.calls')"))
            calls = crm.count("calls")
            wait_until(lambda: crm.count("calls") > calls + 5)
        process.send_signal(signal.SIGTERM)
        lines = process.communicate(timeout=10)[0].splitlines()
    finally:
        process.kill()
        process.wait()
    events = [re.sub(r"\x1b\[\d*m", "", line) for line in lines]

    assert process.returncode == 0
    assert events
    assert [line for line in events if not re.fullmatch(r"[\d:. -]+ \[info *\] \w+( +\w+=\d+)+", line)] == []


@pytest.mark.parametrize("pace", [0, -1, float("nan"), 1001])
def test_a_pace_must_be_one(pace: float):
    """Nothing happens at a pace of nothing, nor at one that nobody could follow."""
    with pytest.raises(ConfigError, match="pace"):
        run("postgresql://nowhere.invalid/crm", pace)
