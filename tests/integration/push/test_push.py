"""Push: what is sent, what need not be, and what may not travel together."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from redis import Redis
from structlog.testing import capture_logs

from tests.support.engine import Engine
from worker.api.outcome import Accepted
from worker.database.engines import crm_engine
from worker.limiter.bucket import Limiter, Posted
from worker.local.sandbox.faults import ResetAfter, Status
from worker.projects.addresses import Address
from worker.read.reader import Reader


def test_the_document_is_read_after_the_claim(engine: Engine) -> None:
    """A change between collecting and pushing is already in what is sent."""
    engine.contacts(1, 1, "Old")
    engine.change(1)
    [batch] = engine.collect()
    engine.contacts(1, 1, "New")
    engine.wiring.pusher.push(batch)

    assert engine.history(1) == ["New 1"]


def test_an_unchanged_document_is_not_sent_again(engine: Engine) -> None:
    """A change that changes nothing that the API sees costs no request, and no quota."""
    engine.contacts(1, 3)
    engine.change(1, 2, 3)
    engine.drain()
    engine.contacts(2, 2, "Changed")
    engine.change(1, 2, 3)
    engine.drain()
    engine.change(1, 2, 3)
    engine.drain()

    assert engine.posted() == [["1", "2", "3"], ["2"]]
    assert (engine.lane().sent, engine.lane().unchanged) == (4, 5)


def test_a_contact_that_the_mapping_leaves_out_is_absent(engine: Engine) -> None:
    """Hidden, deleted and impossible keys are counted, without a request and without a dead letter."""
    engine.contacts(1, 1)
    engine.sql("UPDATE crm.contacts SET hidden = true")
    engine.change(1, 99, "no number", "99999999999999999999", "", "1; DROP TABLE crm.contacts", "%s", "{1}", "NULL")
    engine.drain()

    assert engine.posted() == []
    assert engine.lane().absent == 9
    assert engine.dead_letters() == []


def test_an_absent_contact_that_comes_back_is_sent(engine: Engine) -> None:
    """What the API holds was not touched by the absence, so a changed document goes, and an equal one need not."""
    engine.contacts(1, 1, "Old")
    engine.change(1)
    engine.drain()
    engine.sql("UPDATE crm.contacts SET hidden = true")
    engine.change(1)
    engine.drain()
    engine.sql("UPDATE crm.contacts SET hidden = false, name = 'New'")
    engine.change(1)
    engine.drain()

    assert engine.history(1) == ["Old 1", "New"]
    assert engine.lane().absent == 1


def test_an_invalid_contact_is_buried_before_it_is_sent(engine: Engine) -> None:
    """What breaks the API's own rules never reaches the API, and harms nobody else."""
    engine.contacts(1, 4)
    engine.sql("UPDATE crm.contacts SET name = '  ' WHERE id = 2")
    engine.sql("UPDATE crm.contacts SET phone = 'none' WHERE id = 3")
    engine.change(1, 2, 3, 4)
    engine.drain()

    assert engine.posted() == [["1", "4"]]
    assert engine.dead_letters() == [("2", "invalid"), ("3", "no_directions")]


@pytest.mark.parametrize("fault", [ResetAfter(), Status(status=500), Status(status=422, times=1)], ids=str)
def test_what_the_api_holds_is_unknown_after_anything_but_acceptance(engine: Engine, fault) -> None:
    """From A to B with B's answer lost or bad, and back to A before the next try: A is sent again."""
    engine.contacts(1, 1, "A")
    engine.change(1)
    engine.drain()
    engine.contacts(1, 1, "B")
    engine.change(1)
    engine.sandbox.faults.add(fault)
    engine.push()
    engine.contacts(1, 1, "A")
    engine.change(1)
    engine.drain()

    assert len(engine.posted()) == 3
    assert engine.names() == {"1": "A 1"}
    assert engine.lane().unchanged == 0


def test_a_forced_contact_is_sent_unchanged(engine: Engine) -> None:
    """Force overrides the comparison, for this time."""
    engine.contacts(1, 3)
    engine.change(1, 2, 3)
    engine.drain()
    engine.backfill(where="q.key <= 2", forced=True)
    engine.drain()
    engine.change(1, 2, 3)
    engine.drain()

    assert engine.posted() == [["1", "2", "3"], ["1", "2"]]


def test_force_survives_a_change(engine: Engine) -> None:
    """A live change of a contact that waits to be sent by force does not take the force away."""
    engine.contacts(1, 1)
    engine.change(1)
    engine.drain()
    engine.backfill(forced=True)
    engine.change(1)
    engine.drain()

    assert engine.posted() == [["1"], ["1"]]


def test_force_survives_coming_back(engine: Engine) -> None:
    """A forced contact that had to wait, and changed in the meantime, is still sent by force."""
    engine.contacts(1, 1)
    engine.change(1)
    engine.drain()
    engine.backfill(forced=True)
    [batch] = engine.collect()
    engine.change(1)
    engine.collect()
    engine.throttle()
    engine.wiring.pusher.push(batch)
    assert (engine.waiting()["1"].forced, engine.lane().in_flight) == (True, 0)

    engine.end_throttle()
    engine.drain()

    assert engine.posted() == [["1"], ["1"]]


def test_a_batch_is_pushed_once(engine: Engine) -> None:
    """A message that comes twice finds the batch taken, or gone, and does nothing."""
    engine.contacts(1, 1)
    engine.change(1)
    [batch] = engine.collect()
    engine.after_first_request(lambda: engine.wiring.pusher.push(batch))
    engine.wiring.pusher.push(batch)
    engine.wiring.pusher.push(batch)

    assert engine.posted() == [["1"]]
    assert engine.lane().sent == 1


def test_nothing_is_left_behind(engine: Engine) -> None:
    """When all is settled, no batch, no held id and no contact in flight remains."""
    engine.contacts(1, 120)
    engine.sql("UPDATE crm.contacts SET name = '' WHERE id %% 7 = 0")
    engine.sql("UPDATE crm.contacts SET lead = 'L' || id %% 40")
    engine.change(*range(1, 130))
    engine.drain()

    for table in ("batches", "in_flight", "reserved_ids", "pending", "outbox"):
        assert engine.sql(f"SELECT count(*) FROM ringostat_sync.{table}") == [(0,)]


def test_a_busy_redis_postpones_at_no_cost(make_engine: Callable[..., Engine]) -> None:
    """Where the limit lets nobody out within a second, the batch gives its slot back."""
    engine = make_engine(RINGOSTAT_RATE_LIMIT="1/m")
    engine.contacts(1, 2)
    engine.change(1)
    [batch] = engine.collect()
    engine.wiring.limiter.take(engine.project, 0.0)
    engine.wiring.pusher.push(batch)

    assert engine.posted() == []
    assert (engine.waiting()["1"].attempts, engine.waiting()["1"].later) == (0, True)


def test_without_redis_nothing_is_posted_and_nothing_lost(engine: Engine) -> None:
    """A limiter that does not answer permits nothing; the contacts wait, at no cost."""
    engine.contacts(1, 1)
    engine.change(1)
    [batch] = engine.collect()
    limiter = engine.wiring.limiter
    with Redis(port=1, retry=None) as away:
        engine.wiring.pusher.sender.limiter = Limiter(away, "test", lambda *_: Posted([], 0.0), time.sleep)
        engine.wiring.pusher.push(batch)
    assert engine.posted() == []
    assert engine.waiting()["1"].attempts == 0

    engine.wiring.pusher.sender.limiter = limiter
    engine.drain()
    assert engine.posted() == [["1"]]


def test_a_replica_that_is_away_costs_nothing(engine: Engine) -> None:
    """A CRM that does not answer is waited for, and nobody is called absent."""
    engine.contacts(1, 1)
    engine.change(1)
    [batch] = engine.collect()
    reader = engine.wiring.pusher.reader
    away = crm_engine(engine.database_url + "_away")
    engine.wiring.pusher.reader = Reader(away)
    engine.wiring.pusher.push(batch)
    away.dispose()
    assert (engine.waiting()["1"].attempts, engine.lane().absent, engine.lane().paused) == (0, 0, None)

    engine.wiring.pusher.reader = reader
    engine.due_now()
    engine.drain()
    assert engine.lane().sent == 1


def test_no_project_speaks_for_another(make_engine: Callable[..., Engine]) -> None:
    """Each project posts with its own id and key, its own contacts alone."""
    engine = make_engine(RINGOSTAT_PROJECT_ID="106", RINGOSTAT_AUTH_KEY="one", AUTH_KEY_2="two")
    text = (engine.folder / "sync.toml").read_text()
    (engine.folder / "sync.toml").write_text(
        text.replace('query = "contacts.sql"', 'query = "contacts.sql"\nproject = 106')
        .replace('query = "leads.sql"', 'query = "leads.sql"\nproject = 107')
        .replace('query = "companies.sql"', 'query = "companies.sql"\nproject = 106')
    )
    engine.remap(
        '[[projects]]\nid = 106\nauth_key_env = "RINGOSTAT_AUTH_KEY"\nrate_limit = "1000/s"\n'
        '[[projects]]\nid = 107\nauth_key_env = "AUTH_KEY_2"\nrate_limit = "1000/s"\n'
    )
    seen: list[tuple[int, str | None, bytes]] = []
    engine.wiring.pusher.sender.client.post = lambda project, _method, body: (  # type: ignore[method-assign]
        seen.append((project.id, project.auth_key, body)) or Accepted(200)
    )
    engine.sql("INSERT INTO crm.contacts VALUES (1, 'Іван', '0671112233', 'L1')")
    engine.change(1)
    engine.change("L1", source="leads")
    for project in (106, 107):
        for message in engine.wiring.collector.round(project).messages:
            for group in message:
                engine.wiring.pusher.push(*group)

    assert [(project, key) for project, key, _ in seen] == [(106, "one"), (107, "two")]
    assert b'"projectId":107' in seen[1][2]
    assert b'"projectId":106' not in seen[1][2]


def test_what_one_api_has_accepted_is_sent_to_another(make_engine: Callable[..., Engine]) -> None:
    """A trial against a sandbox is not the telephone: at another address nothing is unchanged, and at the same everything is."""
    engine = make_engine()
    engine.contacts(1, 3)
    engine.backfill()
    engine.drain()
    engine.backfill()
    engine.drain()
    assert (engine.lane().sent, engine.lane().unchanged) == (3, 3)

    for _ in range(2):
        engine.wiring.pusher.address = Address(engine.wiring.engine, "https://elsewhere.example.com")
        engine.backfill()
        engine.drain()
    assert (engine.lane().sent, engine.lane().unchanged) == (6, 6)


def test_what_goes_to_an_old_address_is_not_believed_at_the_new_one(make_engine: Callable[..., Engine]) -> None:
    """A worker that still posts to the sandbox while others post to the API: what it sends is sent once more."""
    engine = make_engine()
    engine.contacts(1, 4)
    here, elsewhere = engine.wiring.pusher.address, Address(engine.wiring.engine, "https://elsewhere.example.com")
    for address, keys in ((elsewhere, (1, 2)), (here, (3,)), (elsewhere, (4,))):
        engine.wiring.pusher.address = address
        engine.change(*keys)
        engine.drain()
    engine.wiring.pusher.address = here
    engine.backfill()
    engine.drain()

    assert (engine.lane().sent, engine.lane().unchanged) == (7, 1)


def test_a_line_of_the_log_names_a_pause_only_where_there_is_one(engine: Engine) -> None:
    """One wide line a request, without empty fields."""
    engine.sandbox.faults.add(Status(status=401, after=1))
    for _ in range(2):
        engine.contacts(1, 1, f"Name {len(engine.posted())}")
        engine.change(1)
        with capture_logs() as told:
            engine.push()
        [line] = [line for line in told if line["event"] == "pushed"]

        assert line.get("paused", "absent") == ("unauthorized" if line["status"] == 401 else "absent")
    assert line["status"] == 401
