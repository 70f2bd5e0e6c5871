"""Collect: what changed becomes batches."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.support.engine import PROJECT, Engine, document
from worker.collect.collector import BEHIND, CALM, UNDER_WAY
from worker.local.sandbox.faults import Status


def batches_of(engine: Engine) -> dict[str, int]:
    """The batch in which each contact is in flight."""
    return dict(engine.sql("SELECT key, batch_id FROM ringostat_sync.in_flight"))


def test_contacts_waiting_together_make_as_few_requests_as_fit(engine: Engine) -> None:
    """Changes of N contacts, however many, make N / batch size requests rounded up, and each contact is sent once."""
    engine.contacts(1, 250)
    engine.change(*[1 + n % 250 for n in range(2000)])
    engine.drain()

    assert [len(ids) for ids in engine.posted()] == [100, 100, 50]
    assert engine.lane().sent == 250
    assert len(engine.names()) == 250


def test_the_newest_state_wins(engine: Engine) -> None:
    """Of several documents of one contact the last is sent, and the others are not counted."""
    for number in range(5):
        engine.payload(1, document(f"Version {number}"))
    engine.drain()

    assert engine.history(1) == ["Version 4"]
    assert engine.lane().sent == 1


def test_the_highest_id_wins_whenever_it_comes(engine: Engine) -> None:
    """Ids precede commits: a row that comes later with a lower id does not replace a higher one that waits."""
    engine.payload(1, document("New"), outbox_id=200)
    engine.pause()
    engine.collect()
    engine.payload(1, document("Old"), outbox_id=100)
    engine.collect()
    engine.resume()
    engine.drain()

    assert engine.history(1) == ["New"]


def test_a_change_frees_a_contact_that_waits_for_its_next_try(engine: Engine) -> None:
    """Claiming the newer change supersedes the older one, due or not, and starts with a clean slate."""
    engine.sandbox.faults.add(Status(status=500))
    engine.contacts(1, 1, "Old")
    engine.change(1)
    engine.push()
    engine.sql("UPDATE ringostat_sync.pending SET due_at = now() + interval '1 hour', attempts = 7")
    engine.contacts(1, 1, "New")
    engine.change(1)
    engine.push()

    assert engine.history(1) == ["New 1"]
    assert engine.waiting() == {}
    assert engine.lane().sent == 1


def test_a_contact_in_flight_is_left_alone(engine: Engine) -> None:
    """A change of a contact that is in flight waits until that is settled, and then goes."""
    engine.contacts(1, 2, "Old")
    engine.change(1)
    [batch] = engine.collect()
    engine.change(1, 2)
    engine.push()
    assert engine.posted() == [["2"]]

    engine.wiring.pusher.push(batch)
    engine.contacts(1, 1, "New")
    engine.drain()
    assert engine.history(1) == ["Old 1", "New 1"]


def test_what_came_while_a_contact_was_in_flight_survives_its_failure(engine: Engine) -> None:
    """The newer row that waits is kept, as it was, when the older one comes back."""
    engine.sandbox.faults.add(Status(status=500))
    engine.payload(1, document("Old"))
    [batch] = engine.collect()
    engine.payload(1, document("New"))
    engine.collect()
    engine.wiring.pusher.push(batch)

    assert engine.waiting()["1"].payload["fullName"] == "New"
    assert engine.waiting()["1"].attempts == 0
    engine.drain()
    assert engine.history(1) == ["New"]


def test_an_older_row_that_came_late_does_not_replace_the_one_that_failed(engine: Engine) -> None:
    """The one in flight has the higher id: when it comes back, it wins."""
    engine.sandbox.faults.add(Status(status=500))
    engine.payload(1, document("New"), outbox_id=200)
    [batch] = engine.collect()
    engine.payload(1, document("Old"), outbox_id=100)
    engine.collect()
    engine.wiring.pusher.push(batch)
    engine.drain()

    assert engine.history(1) == ["New"]


def test_a_contact_of_two_sources_is_one_contact(engine: Engine) -> None:
    """Project, method, identity and key name it, not the source that said so: it is in flight once."""
    engine.remap('[[sources]]\nname = "vips"\nmethod = "contacts"\nquery = "contacts.sql"\n')
    engine.contacts(1, 1)
    engine.change(1)
    [batch] = engine.collect()
    engine.change(1, source="vips")
    assert engine.collect() == []

    engine.wiring.pusher.push(batch)
    engine.drain()
    assert (engine.lane().sent, engine.lane().unchanged) == (1, 1)


def test_a_lead_and_a_contact_of_one_key_are_two(engine: Engine) -> None:
    """The same key under the other identity is another contact."""
    engine.change(1)
    engine.change(1, source="leads")
    engine.collect()

    assert engine.lane().in_flight == 2


def test_organizations_go_before_contacts(engine: Engine) -> None:
    """Within a round, a contact's batch follows the organizations' in the same message."""
    engine.contacts(1, 1)
    engine.sql("INSERT INTO crm.companies VALUES (1, 'ТОВ «Ромашка»')")
    engine.change(1)
    engine.change(1, source="companies")
    [message] = engine.wiring.collector.round(PROJECT).messages
    methods = dict(engine.sql("SELECT id, method::text FROM ringostat_sync.batches"))

    assert [[methods[batch] for batch in group] for group in message] == [["organizations"], ["contacts"]]


def test_one_collector_at_a_time(engine: Engine) -> None:
    """While somebody else collects a project's contacts, a round takes nothing in and cuts nothing of them."""
    engine.contacts(1, 1)
    engine.change(1)
    with psycopg.connect(engine.database_url) as other:
        other.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"ringostat-sync collect {PROJECT} contacts"]
        )
        assert engine.collect() == []

    assert len(engine.collect()) == 1


def test_many_collectors_claim_each_contact_once(engine: Engine) -> None:
    """Four at once, with changes coming in: each batch has as many as it was cut for, and nobody is forgotten."""
    with ThreadPoolExecutor(6) as pool:
        writers = [pool.submit(lambda: [engine.change(*range(1, 301)) for _ in range(5)]) for _ in range(2)]
        rounds = [pool.submit(lambda: [engine.collect() for _ in range(15)]) for _ in range(4)]
        for future in [*writers, *rounds]:
            future.result()
    engine.collect()

    found = engine.sql(
        "SELECT key FROM ringostat_sync.pending UNION SELECT key FROM ringostat_sync.in_flight ORDER BY key"
    )
    assert sorted(int(key) for (key,) in found) == list(range(1, 301))
    cut = dict(engine.sql("SELECT id, size FROM ringostat_sync.batches"))
    assert dict(engine.sql("SELECT batch_id, count(*) FROM ringostat_sync.in_flight GROUP BY batch_id")) == cut


def test_live_changes_go_before_a_backfill(engine: Engine) -> None:
    """They overtake what a backfill of their own project has put into the queue before them."""
    engine.contacts(1, 1000)
    engine.backfill()
    engine.change(999, 1000)
    first, *others = engine.collect()

    assert [batches_of(engine)[key] for key in ("999", "1000")] == [first, first]
    assert others


def test_a_backfill_leaves_room_while_live_changes_come(make_engine: Callable[..., Engine]) -> None:
    """Alone it has as many batches under way as there may be; after a live change a few, and all again when it has been calm."""
    engine = make_engine(RINGOSTAT_BATCH_SIZE="10")
    engine.contacts(1, 1000)
    engine.backfill()
    assert len(engine.collect()) == UNDER_WAY

    def end() -> None:
        engine.sql("DELETE FROM ringostat_sync.in_flight")
        engine.sql("DELETE FROM ringostat_sync.batches")

    end()
    engine.change(1000)
    assert len(engine.collect()) == BEHIND + 1
    end()
    assert len(engine.collect()) == BEHIND
    end()
    later = time.monotonic() + CALM
    engine.wiring.collector._clock = lambda: later
    assert len(engine.collect()) == UNDER_WAY


def test_a_live_change_of_a_backfilled_contact_is_live(engine: Engine) -> None:
    """A contact that waits behind is called forward when it changes itself."""
    engine.contacts(1, 150)
    engine.backfill()
    engine.change(150)
    first, _ = engine.collect()

    assert batches_of(engine)["150"] == first
    assert engine.sql("SELECT priority FROM ringostat_sync.in_flight WHERE key = '150'") == [(0,)]


def test_within_a_priority_first_come_is_first_served(engine: Engine) -> None:
    """Changes leave in the order in which they came."""
    engine.contacts(1, 300)
    engine.change(*range(300, 0, -1))
    batches = engine.collect()

    assert [batches_of(engine)[str(key)] for key in (300, 200, 100)] == batches


def test_no_more_is_cut_than_the_quota_lets_out_soon(make_engine: Callable[..., Engine]) -> None:
    """With two requests a second nobody waits inside a worker's slot for ten of them."""
    engine = make_engine(RINGOSTAT_RATE_LIMIT="2/s", RINGOSTAT_BATCH_SIZE="10")
    engine.contacts(1, 100)
    engine.change(*range(1, 101))
    engine.collect()
    engine.collect()

    assert engine.lane().in_flight <= 20
    assert engine.lane().pending >= 80


def test_nothing_is_cut_while_the_quota_is_spent(make_engine: Callable[..., Engine]) -> None:
    """Changes are ingested, and wait as rows; the round says how long it makes no sense to look."""
    engine = make_engine(RINGOSTAT_RATE_LIMIT="1/m")
    engine.contacts(1, 2)
    engine.change(1)
    engine.push()
    engine.change(2)
    found = engine.wiring.collector.round(PROJECT)

    assert found.messages == ()
    assert 50 < found.rest < 63
    assert list(engine.waiting()) == ["2"]


def test_a_contact_that_failed_twice_travels_in_half_the_company(engine: Engine) -> None:
    """From the third try on the company is halved; fresh contacts keep to themselves."""
    engine.contacts(1, 200)
    engine.change(*range(1, 201))
    engine.pause()
    engine.collect()
    engine.sql("UPDATE ringostat_sync.pending SET attempts = 2 WHERE key::int <= 100")
    engine.resume()
    engine.collect()

    assert sorted(engine.sql("SELECT size FROM ringostat_sync.batches")) == [(50,), (50,), (100,)]


def test_changes_are_taken_in_during_a_pause(engine: Engine) -> None:
    """The outbox does not grow while a project is paused; its contacts wait, once each."""
    engine.pause()
    engine.change(1, 2, 1, 2)

    assert engine.collect() == []
    assert engine.sql("SELECT count(*) FROM ringostat_sync.outbox") == [(0,)]
    assert sorted(engine.waiting()) == ["1", "2"]


def test_rows_of_a_source_that_nobody_knows_stay(engine: Engine) -> None:
    """A producer's typing error, or a source taken out of the mapping for a while, loses nothing."""
    engine.change(1, source="contcats")
    engine.collect()

    assert engine.sql("SELECT source, key FROM ringostat_sync.outbox") == [("contcats", "1")]


@pytest.mark.parametrize("count", [5_000, 5_001, 12_000])
def test_a_round_takes_in_a_burst(engine: Engine, count: int) -> None:
    """A large import is ingested by few statements, whole."""
    engine.change(*range(count))
    engine.collect()

    assert engine.sql("SELECT count(*) FROM ringostat_sync.outbox") == [(0,)]
    assert engine.lane().pending + engine.lane().in_flight == count
