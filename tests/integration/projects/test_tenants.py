"""Many tenants: the query's "projectId" names each row's project, and each contact is sent to its own."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from structlog.testing import capture_logs

from tests.support.engine import Engine, document
from tests.support.waiting import nothing_waits, wait_until
from worker.backfill.backfill import Backfill
from worker.capture.install import install
from worker.collect.collector import Round
from worker.operate.check import check
from worker.operate.check.finding import Finding
from worker.operate.contact import read_story
from worker.operate.forget import forget
from worker.operate.status import LaneStatus, read_status
from worker.projects import pauses
from worker.read.reader import Reader
from worker.reconcile.reconcile import Step

TENANTS = (106, 107, 108)
TOML = """
origin = "CRM"
default_responsible = "1"
"""
SOURCE = """
[[sources]]
name = "contacts"
method = "contacts"
query = "contacts.sql"
watch = [
  { table = "crm.contacts", key = "id" },
  { table = "crm.companies", keys = "SELECT c.id FROM crm.contacts c WHERE c.company_id = changed.id" },
]
"""
CONTACTS = """
SELECT c.id AS key, c.tenant AS "projectId", c.name || ' of ' || coalesce(o.name, '') AS "fullName",
    json_build_array(json_build_object('type', 'phone', 'value', c.phone)) AS "contactDirections"
FROM crm.contacts c LEFT JOIN crm.companies o ON o.id = c.company_id WHERE NOT c.hidden
"""


@pytest.fixture
def engine(make_engine: Callable[..., Engine]) -> Engine:
    """Three projects, and one source for all of them; no project is named by the environment."""
    made = make_engine()
    made.wiring.settings = made.wiring.settings.model_copy(update={"ringostat_project_id": None})
    projects = "".join(
        f'[[projects]]\nid = {project}\nauth_key_env = "RINGOSTAT_AUTH_KEY"\nrate_limit = "1000/s"\n'
        for project in TENANTS
    )
    (made.folder / "sync.toml").write_text(TOML + projects + SOURCE, encoding="utf-8")
    made.sql("ALTER TABLE crm.contacts ADD tenant text, ADD company_id bigint")
    made.remap("", contacts=CONTACTS)
    with psycopg.connect(made.database_url, autocommit=True) as connection:
        install(connection, made.wiring.mapping)
    return made


def insert(engine: Engine, *tenants: object, first: int = 1, company: int | None = None) -> None:
    """A contact for each tenant, by ids from `first` on."""
    for key, tenant in enumerate(tenants, first):
        engine.sql(
            "INSERT INTO crm.contacts (id, name, phone, tenant, company_id) VALUES (%s, %s, %s, %s, %s)",
            key,
            f"Name {key}",
            f"067{key:07}",
            None if tenant is None else str(tenant),
            company,
        )


def push(engine: Engine) -> None:
    """A round of each project, and every batch of it."""
    for project in TENANTS:
        found = engine.wiring.collector.round(project)
        push_batches(engine, found)
        if found.has_fan_outs:
            engine.wiring.fan_out.run(project)


def push_batches(engine: Engine, found: Round) -> None:
    for message in found.messages:
        for group in message:
            engine.wiring.pusher.push(*group)


def drain(engine: Engine) -> None:
    def quiet() -> bool:
        push(engine)
        return nothing_waits(engine.sql)

    wait_until(quiet, what="the queues to drain")


def lanes(engine: Engine) -> dict[int, LaneStatus]:
    with engine.wiring.engine.connect() as connection:
        return {lane.project: lane for lane in read_status(connection, engine.wiring.mapping)}


def counts(engine: Engine) -> dict[int, tuple[int, int]]:
    """How many contacts of each project were sent, and how many were absent."""
    return {project: (lane.sent, lane.absent) for project, lane in lanes(engine).items()}


def held_by(engine: Engine, key: object) -> set[int]:
    """The projects whose telephones have a contact."""
    return {project for project in TENANTS if engine.sandbox.book.contact(project, external_id=str(key))}


def reconcile(engine: Engine, **options: bool) -> tuple[int, int, int]:
    found = engine.wiring.reconciler.stretch(engine.wiring.mapping.sources["contacts"], seconds=60.0, **options)
    assert found.step in {Step.ENDED, Step.HELD}
    return found.figures.differing, found.figures.never_sent, found.figures.gone


def test_each_contact_is_sent_to_its_own_project(engine: Engine) -> None:
    """One source, one list of watches; a document names the project that its row names."""
    insert(engine, 106, 107, 108, 107)
    drain(engine)

    assert counts(engine) == {106: (1, 0), 107: (2, 0), 108: (1, 0)}
    assert held_by(engine, 2) == held_by(engine, 4) == {107}
    assert engine.sandbox.book.contact(107, external_id="2")["projectId"] == 107


def test_a_contact_that_moves_is_sent_there_and_absent_once_in_the_old_project(engine: Engine) -> None:
    """Further changes concern the new project alone."""
    insert(engine, 106)
    drain(engine)
    engine.sql("UPDATE crm.contacts SET tenant = '108' WHERE id = 1")
    drain(engine)
    engine.sql("UPDATE crm.contacts SET name = 'Again' WHERE id = 1")
    drain(engine)

    assert counts(engine) == {106: (1, 1), 107: (0, 0), 108: (2, 0)}


def test_who_looked_before_a_move_and_ingests_after_it_forgets_no_project(engine: Engine) -> None:
    """Another collector has ingested the same row meanwhile, and the move."""
    insert(engine, 106)
    source, ingest = engine.wiring.mapping.sources["contacts"], engine.wiring.collector._ingesting
    looked = ingest._arrivals(source, 0, 100)
    engine.sql("UPDATE crm.contacts SET tenant = '107' WHERE id = 1")
    drain(engine)
    assert looked is not None
    assert ingest._ingest(source, 0, 100, looked) is None

    assert engine.sql("SELECT key, project FROM ringostat_sync.routes") == [("1", 107)]


def test_a_row_that_can_not_be_computed_leaves_its_project_known(engine: Engine) -> None:
    """It is buried there, and its dead letter closes when the contact has moved."""
    bad = CONTACTS.replace(
        'c.tenant AS "projectId"', "(c.tenant::int / (c.phone <> 'zero')::int)::text AS \"projectId\""
    )
    engine.remap("", contacts=bad)
    insert(engine, 106, 107)
    drain(engine)
    engine.sql("UPDATE crm.contacts SET phone = 'zero' WHERE id = 1")
    drain(engine)
    assert [lane.dead for lane in lanes(engine).values()] == [1, 0, 0]
    engine.sql("UPDATE crm.contacts SET phone = '0670000009', tenant = '108' WHERE id = 1")
    drain(engine)

    assert [lane.dead for lane in lanes(engine).values()] == [0, 0, 0]
    assert counts(engine) == {106: (1, 1), 107: (1, 0), 108: (1, 0)}


def test_a_contact_that_moves_back_is_sent_again(engine: Engine) -> None:
    """What the old project still shows is brought up to date."""
    insert(engine, 106)
    drain(engine)
    for tenant, name in (("107", "There"), ("106", "Back")):
        engine.sql("UPDATE crm.contacts SET tenant = %s, name = %s WHERE id = 1", tenant, name)
        drain(engine)

    assert engine.sandbox.book.contact(106, external_id="1")["fullName"] == "Back of "
    assert counts(engine) == {106: (2, 1), 107: (1, 1), 108: (0, 0)}


def test_a_contact_that_moves_while_it_waits_is_sent_to_the_last_project_alone(engine: Engine) -> None:
    """It was ingested for another one."""
    insert(engine, 106)
    found = engine.wiring.collector.round(106)
    engine.sql("UPDATE crm.contacts SET tenant = '107' WHERE id = 1")
    push_batches(engine, found)
    drain(engine)

    assert held_by(engine, 1) == {107}


def test_a_deleted_contact_is_absent_in_the_project_that_had_it(engine: Engine) -> None:
    """Its row names no project any more."""
    insert(engine, 107)
    drain(engine)
    engine.sql("DELETE FROM crm.contacts WHERE id = 1")
    drain(engine)

    assert counts(engine) == {106: (0, 0), 107: (1, 1), 108: (0, 0)}


@pytest.mark.parametrize("tenant", [999, "many", None, "0107"])
def test_a_row_of_no_project_of_the_mapping_is_a_dead_letter(engine: Engine, tenant: object) -> None:
    """It is never taken for done, and closes by itself when the row names a project."""
    insert(engine, tenant)
    drain(engine)
    detail = engine.sql("SELECT reason::text, detail FROM ringostat_sync.dead_letters WHERE state = 'open'")
    engine.sql("UPDATE crm.contacts SET tenant = '107' WHERE id = 1")
    drain(engine)

    assert [reason for reason, _ in detail] == ["invalid"]
    assert detail[0][1].startswith("projectId must")
    assert held_by(engine, 1) == {107}
    assert sum(lane.dead for lane in lanes(engine).values()) == 0


def test_a_blank_project_is_the_environments(engine: Engine) -> None:
    """RINGOSTAT_PROJECT_ID is the setting that the query's column falls back to."""
    engine.wiring.settings = engine.wiring.settings.model_copy(update={"ringostat_project_id": 107})
    engine.remap("")
    insert(engine, None, "  ", 108)
    drain(engine)

    assert counts(engine) == {106: (0, 0), 107: (2, 0), 108: (1, 0)}


def test_a_payload_goes_to_the_project_that_it_names(engine: Engine) -> None:
    """And is absent in the one that had the contact before."""
    engine.payload("p", document("Payload", projectId=107))
    drain(engine)
    engine.payload("p", document("Payload", projectId="108"))
    engine.payload("q", document("Payload"))
    drain(engine)

    assert counts(engine) == {106: (0, 0), 107: (1, 1), 108: (1, 0)}
    assert engine.sql("SELECT key, reason::text FROM ringostat_sync.dead_letters") == [("q", "invalid")]


def test_a_fan_out_reaches_contacts_of_every_project(engine: Engine) -> None:
    """A company may be shared by tenants."""
    engine.sql("INSERT INTO crm.companies VALUES (5, 'Old')")
    insert(engine, 106, 107, 108, company=5)
    drain(engine)
    engine.sql("UPDATE crm.companies SET name = 'New' WHERE id = 5")
    drain(engine)

    assert [
        engine.sandbox.book.contact(project, external_id=str(key))["fullName"] for key, project in enumerate(TENANTS, 1)
    ] == [
        "Name 1 of New",
        "Name 2 of New",
        "Name 3 of New",
    ]


def test_a_backfill_puts_every_key_where_it_belongs(engine: Engine) -> None:
    """And what it has put there is known: a contact that moves later is absent in the old project."""
    insert(engine, 106, 107, 107)
    engine.sql("TRUNCATE ringostat_sync.outbox")
    wiring = engine.wiring
    list(Backfill(wiring.engine, wiring.crm, wiring.mapping, wiring.mapping.sources["contacts"]).run())
    drain(engine)
    assert counts(engine) == {106: (1, 0), 107: (2, 0), 108: (0, 0)}
    engine.sql("UPDATE crm.contacts SET tenant = '108' WHERE id = 2")
    drain(engine)

    assert counts(engine) == {106: (1, 0), 107: (2, 1), 108: (1, 0)}


def test_reconcile_finds_what_moved_unseen(engine: Engine) -> None:
    """In the new project it was never sent, in the old one it is gone; the drift of each is its own."""
    insert(engine, 106, 106, 107)
    drain(engine)
    engine.sql("ALTER TABLE crm.contacts DISABLE TRIGGER USER")
    engine.sql("UPDATE crm.contacts SET tenant = '108' WHERE id = 2")
    engine.sql("UPDATE crm.contacts SET name = 'Other' WHERE id = 3")
    assert reconcile(engine) == (1, 1, 1)
    drifts = {project: lane.drift for project, lane in lanes(engine).items()}
    drain(engine)

    assert [
        (drifts[project]["differing"], drifts[project]["never_sent"], drifts[project]["gone"]) for project in TENANTS
    ] == [
        (0, 0, 1),
        (1, 0, 0),
        (0, 1, 0),
    ]
    assert counts(engine) == {106: (2, 1), 107: (2, 0), 108: (1, 0)}
    assert reconcile(engine) == (0, 0, 0)


def test_a_poll_finds_what_moved(engine: Engine) -> None:
    """Without triggers it is the same."""
    insert(engine, 106, 107)
    drain(engine)
    engine.sql("ALTER TABLE crm.contacts DISABLE TRIGGER USER")
    engine.sql("UPDATE crm.contacts SET tenant = '108' WHERE id = 1")
    engine.wiring.reconciler.poll(engine.wiring.mapping.sources["contacts"], seconds=60.0)
    drain(engine)

    assert counts(engine) == {106: (1, 1), 107: (1, 0), 108: (1, 0)}


def test_a_poll_of_what_is_new_finds_what_moved(engine: Engine) -> None:
    """The old project needs no whole walk, and its absence counts once."""
    engine.sql("ALTER TABLE crm.contacts ADD at timestamptz NOT NULL DEFAULT now() - interval '1 hour'")
    engine.remap("poll_margin = 1", contacts=CONTACTS.replace("c.id AS key,", "c.id AS key, c.at AS watermark,"))
    engine.sql("ALTER TABLE crm.contacts DISABLE TRIGGER USER")
    insert(engine, 106, 107)
    source = engine.wiring.mapping.sources["contacts"]
    for tenant in (None, 108, 108):
        if tenant:
            engine.sql("UPDATE crm.contacts SET tenant = %s, name = name || '!', at = now() WHERE id = 1", str(tenant))
        engine.wiring.reconciler.poll(source, seconds=60.0)
        drain(engine)

    assert counts(engine) == {106: (1, 1), 107: (1, 0), 108: (2, 0)}


def test_what_is_held_is_confirmed_for_all_projects(engine: Engine) -> None:
    """The share is the source's."""
    for first in range(1, 121, 3):
        insert(engine, *TENANTS, first=first)
    drain(engine)
    engine.sql("ALTER TABLE crm.contacts DISABLE TRIGGER USER")
    engine.sql("UPDATE crm.contacts SET name = 'Other' WHERE tenant <> '106'")
    assert reconcile(engine) == (80, 0, 0)
    assert [lane.drift["held"] for lane in lanes(engine).values()] == [True, True, True]
    figures = engine.wiring.reconciler.confirm(engine.wiring.mapping.sources["contacts"])
    reconcile(engine)
    drain(engine)

    assert figures is not None
    assert (figures.known, figures.differing) == (120, 80)
    assert counts(engine) == {106: (40, 0), 107: (80, 0), 108: (80, 0)}


def test_a_paused_project_keeps_no_other_one_waiting(engine: Engine) -> None:
    """Not even the one that has what belongs to none; fan-outs go on too."""
    engine.sql("INSERT INTO crm.companies VALUES (5, 'Old')")
    insert(engine, *TENANTS, company=5)
    drain(engine)
    with engine.wiring.engine.begin() as connection:
        pauses.pause_by_hand(connection, 106, "test")
    engine.sql("UPDATE crm.companies SET name = 'New' WHERE id = 5")
    insert(engine, 107, first=4)
    wait_until(lambda: push(engine) or counts(engine)[107] == (3, 0), what="the others to go on")

    assert counts(engine) == {106: (1, 0), 107: (3, 0), 108: (2, 0)}


def test_a_contact_of_two_projects_is_sent_to_both(engine: Engine) -> None:
    """A query may return a key once for each; that is no duplicate."""
    twice = "FROM crm.contacts c CROSS JOIN (VALUES (106), (108)) AS v (t)"
    engine.remap("", contacts=CONTACTS.replace("c.tenant", "v.t").replace("FROM crm.contacts c", twice))
    insert(engine, 106)
    drain(engine)
    assert held_by(engine, 1) == {106, 108}

    assert reconcile(engine) == (0, 0, 0)


def test_keys_wait_while_their_projects_cannot_be_read(engine: Engine) -> None:
    """Nothing is taken out of the outbox, and the log says why."""
    insert(engine, 107)
    engine.sql("ALTER TABLE crm.contacts RENAME tenant TO account")
    with capture_logs() as logs:
        push(engine)
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["keys_not_routed"]
    assert lanes(engine)[106].pending == 1
    engine.sql("ALTER TABLE crm.contacts RENAME account TO tenant")
    engine.wiring.collector._ingesting._not_before.clear()  # its time has passed
    drain(engine)

    assert held_by(engine, 1) == {107}


def test_the_story_of_a_contact_is_its_projects(engine: Engine) -> None:
    """While it is there, and when it is gone."""
    insert(engine, 107)
    drain(engine)
    stories = []
    for _ in range(2):
        with engine.wiring.engine.begin() as connection:
            source = engine.wiring.mapping.sources["contacts"]
            read = Reader(engine.wiring.crm).read
            story = read_story(connection, engine.wiring.mapping, source, "1", read, engine.wiring.address.id)
            stories.append((story.as_json()["project"], story.state, story.same))
        engine.sql("DELETE FROM crm.contacts WHERE id = 1")

    assert stories == [(107, "ready", True), (107, "absent", False)]


def test_a_contact_is_forgotten_in_every_project(engine: Engine) -> None:
    """It has moved, and both have held something of it."""
    insert(engine, 106)
    drain(engine)
    engine.sql("UPDATE crm.contacts SET tenant = '107' WHERE id = 1")
    drain(engine)
    wiring = engine.wiring
    forgotten = forget(wiring.engine, wiring.mapping, wiring.mapping.sources["contacts"], "1", patience=1.0)

    assert forgotten.delivery == 2
    assert engine.sql("SELECT key FROM ringostat_sync.routes") == []
    assert engine.sql("SELECT key FROM ringostat_sync.deliveries") == []


def told(engine: Engine) -> list[str]:
    """What check says."""
    return [finding.text for finding in check(engine.wiring, 10) if isinstance(finding, Finding)]


def test_check_builds_each_row_for_its_project(engine: Engine) -> None:
    """And names the rows of none."""
    insert(engine, 106, 107, None, 999)
    lines = told(engine)

    assert "contacts: of a sample of 4, 2 can be sent" in lines
    assert any("projectId must not be null or blank (key 3); or set RINGOSTAT_PROJECT_ID" in line for line in lines)
    assert any('"projectId" is 999 in 1 rows (key 4)' in line and "correct these rows" in line for line in lines)


def test_check_tells_of_a_query_that_names_no_project(engine: Engine) -> None:
    """`*` may or may not be it; only the database knows."""
    engine.remap("", contacts="SELECT c.id AS key, c.* FROM crm.contacts c")

    assert (
        'contacts: project is missing: name one of 106, 107, 108 in the source, or have the query return "projectId"'
        in told(engine)
    )
