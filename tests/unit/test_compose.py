"""docker-compose.yml, held against the compose schema and against what `up` runs: there is no engine to try it with."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from rich.console import Console
from ruamel.yaml import YAML

from worker.config.settings import Settings
from worker.up.servers import Surroundings
from worker.up.up import parts_of

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = YAML(typ="safe").load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
ONE_SHOT = {"migrate", "capture", "demo-backfill"}
LASTING = sorted(set(SERVICES) - ONE_SHOT)


def test_the_file_is_valid() -> None:
    """It fits the compose specification's own schema."""
    schema = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    jsonschema.validate(COMPOSE, json.loads(schema.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", LASTING)
def test_lasting_services_come_back_and_end_in_order(name: str) -> None:
    """Each is restarted always, has a health check, and time for an orderly end."""
    service = SERVICES[name]

    assert service["restart"] == "always"
    assert service["healthcheck"]["test"]
    assert int(service["stop_grace_period"].rstrip("s")) >= 20


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_nobody_is_root(name: str) -> None:
    """Every service names a user, and it is not root."""
    assert SERVICES[name]["user"] not in {"", "0", "root"}


def test_secrets_come_by_file() -> None:
    """No password or key stands in the environment."""
    for service in SERVICES.values():
        for variable in service.get("environment", {}):
            secret = any(word in variable for word in ("PASSWORD", "KEY", "AUTH", "DATABASE_URL", "REDIS_URL"))
            assert not secret or variable.endswith("_FILE")


def test_every_variable_is_a_setting() -> None:
    """What our services are told is what the settings know."""
    for variable in SERVICES["worker"]["environment"]:
        assert variable.removesuffix("_FILE").lower() in Settings.model_fields


def test_ports_are_loopback_only() -> None:
    """What is published is published to this machine."""
    for service in SERVICES.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_the_commands_are_those_of_up() -> None:
    """The long-running parts of `up` and of compose are the same commands."""
    around = Surroundings(Settings(), {}, has_sandbox=True, has_demo_crm=True)
    up = {part.name: part.arguments[0] for part in parts_of(around, {}, Console(quiet=True))}

    assert {name: SERVICES[name]["command"][0] for name in up} == up
