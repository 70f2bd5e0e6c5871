"""The alerts and the dashboard name metrics that there are, and each alert has its paragraph."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from ruamel.yaml import YAML

from worker.operate.metrics import exposition
from worker.operate.report import Report

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "docker" / "monitoring"
ALERTS = [
    rule
    for group in YAML(typ="safe").load((MONITORING / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
PANELS = json.loads((MONITORING / "dashboard.json").read_text(encoding="utf-8"))["panels"]
EXPRESSIONS = [alert["expr"] for alert in ALERTS] + [target["expr"] for panel in PANELS for target in panel["targets"]]
NAME = re.compile(r"ringostat_sync_\w+")


def names() -> set[str]:
    """Every name of a sample that a scrape may have."""
    found = set()
    for family in text_string_to_metric_families(exposition(Report([], [], [], []), []).decode()):
        endings = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}.get(family.type, [""])
        found |= {family.name + ending for ending in endings}
    return found


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_name_is_a_metric(expression: str) -> None:
    """A metric that is renamed fails here before an alert falls silent."""
    assert set(NAME.findall(expression)) <= names()


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_every_alert_has_its_paragraph(alert: dict) -> None:
    """The runbook says what it means and what to do."""
    runbook = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")

    assert f"### {alert['alert']}\n" in runbook
    assert alert["annotations"]["runbook_url"].endswith(f"#{alert['alert'].lower()}")


@pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool on this machine")
def test_prometheus_loads_the_rules() -> None:
    """By its own tool."""
    subprocess.run(["promtool", "check", "rules", MONITORING / "alerts.yml"], check=True)
