"""Metrics: what a scrape says is what happened."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from tests.support.engine import PROJECT, Engine
from worker.local.sandbox.faults import Refuse, Status
from worker.operate.metrics import exposition, read_totals
from worker.operate.report import read_report
from worker.upkeep.purge import purge

FAMILIES = {
    "pending": "gauge",
    "in_flight": "gauge",
    "oldest_pending_seconds": "gauge",
    "rate_used_ratio": "gauge",
    "contacts": "counter",
    "requests": "counter",
    "dead_letters": "gauge",
    "delivery_seconds": "histogram",
    "paused": "gauge",
    "part_last_seen_seconds": "gauge",
    "capture_broken": "gauge",
    "drift_contacts": "gauge",
    "lease_recoveries": "counter",
    "problems": "gauge",
}


def page(engine: Engine) -> str:
    with engine.wiring.engine.connect() as connection:
        return exposition(read_report(connection, engine.wiring.mapping, []), read_totals(connection)).decode()


def samples(engine: Engine) -> dict[tuple[str, tuple[str, ...]], float]:
    """Values by name and labels' values, in the order of the labels' names."""
    return {
        (sample.name.removeprefix("ringostat_sync_"), tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(page(engine))
        for sample in family.samples
    }


def test_every_family_is_there_before_anything_happened(engine: Engine) -> None:
    """With its help and its type."""
    found = {
        family.name.removeprefix("ringostat_sync_"): family.type
        for family in text_string_to_metric_families(page(engine))
    }

    assert found == FAMILIES


def test_a_scrape_counts_what_was_sent(engine: Engine) -> None:
    """Contacts by how they ended, requests by outcome, deliveries by their time; also after a purge."""
    engine.contacts(1, 4)
    engine.sandbox.faults.add(Refuse(ids=["4"]))
    engine.change(1, 1, 2, 3, 4, 99)
    engine.drain()
    engine.change(1)
    engine.drain()
    contacts = {
        result: value
        for (name, labels), value in samples(engine).items()
        if name == "contacts_total"
        for result in [labels[-1]]
    }
    assert contacts == {"sent": 3, "unchanged": 1, "absent": 1, "superseded": 1, "buried": 1}

    before = samples(engine)
    purge(engine.wiring.engine)
    assert {key: value for key, value in samples(engine).items() if "oldest" not in key[0]} == {
        key: value for key, value in before.items() if "oldest" not in key[0]
    }
    lane = ("contacts", str(PROJECT))
    assert before["delivery_seconds_count", lane] == 3
    assert sum(value for (name, _), value in before.items() if name == "requests_total") == len(engine.sandbox.requests)
    assert before["dead_letters", (*lane, "refused")] == 1


def test_counters_go_on_after_each_purge(engine: Engine) -> None:
    """Folded twice, they are sums of both."""
    for number in range(2):
        engine.contacts(1, 2, f"Name {number}")
        engine.change(1, 2)
        engine.drain()
        purge(engine.wiring.engine)

    assert samples(engine)["contacts_total", ("contacts", str(PROJECT), "sent")] == 4
    assert samples(engine)["delivery_seconds_count", ("contacts", str(PROJECT))] == 4


def test_a_pause_is_there_while_it_lasts(engine: Engine) -> None:
    """By project and reason."""
    engine.sandbox.faults.add(Status(status=401))
    engine.contacts(1, 1)
    engine.change(1)
    engine.push()
    assert samples(engine)["paused", (str(PROJECT), "unauthorized")] == 1

    engine.resume()
    assert not [key for key in samples(engine) if key[0] == "paused"]
