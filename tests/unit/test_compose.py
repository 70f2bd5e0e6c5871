"""docker-compose.yml, held against the compose schema and against what `up` runs: there is no engine to try it with."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it ships no types
import pytest
import typer.main
from rich.console import Console
from ruamel.yaml import YAML
from typer.core import TyperGroup

from worker.cli.app import make_app
from worker.config.environment import WITH_FILE
from worker.config.settings import Settings, load_settings
from worker.local.up.servers import Surroundings
from worker.local.up.up import parts_of

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>\w+):-(?P<default>[^}]*)\})")
DEMO = dict(
    line.split("=", 1)
    for line in (ROOT / "docker" / "demo.env").read_text(encoding="utf-8").splitlines()
    if "=" in line and not line.startswith("#")
)


def interpolated(variables: Mapping[str, str]) -> dict[str, Any]:
    """The file as compose reads it with these variables: they are put into values, and `$$` stands for a dollar."""

    def text(match: re.Match[str]) -> str:
        return "$" if match["name"] is None else variables.get(match["name"]) or match["default"]

    def within(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: within(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [within(inner) for inner in value]
        return VARIABLE.sub(text, value) if isinstance(value, str) else value

    read: dict[str, Any] = within(YAML(typ="safe").load(TEXT))
    return read


COMPOSE = interpolated({})
SERVICES: dict[str, Any] = COMPOSE["services"]
ONE_SHOT = {"migrate", "capture", "demo-backfill"}
LASTING = sorted(set(SERVICES) - ONE_SHOT)
OURS = sorted(name for name, service in SERVICES.items() if service["image"] == "ringostat-sync")


def secret_names(service: Mapping[str, Any]) -> set[str]:
    """Under which names a service finds its secrets in /run/secrets."""
    return {given if isinstance(given, str) else given["target"] for given in service.get("secrets", [])}


@pytest.mark.parametrize("variables", [{}, DEMO], ids=["real", "demo"])
def test_the_file_is_valid(variables: dict[str, str]) -> None:
    """It fits the compose specification's own schema."""
    schema = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    jsonschema.validate(interpolated(variables), json.loads(schema.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", LASTING)
def test_lasting_services_come_back(name: str) -> None:
    """Each is restarted always and has a health check."""
    service = SERVICES[name]

    assert service["restart"] == "always"
    assert service["healthcheck"]["test"]


@pytest.mark.parametrize("name", OURS)
def test_our_services_have_time_for_a_request_to_end(name: str) -> None:
    """Their grace is longer than a request may take."""
    assert int(SERVICES[name]["stop_grace_period"].removesuffix("s")) > Settings().ringostat_timeout


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_nobody_is_root(name: str) -> None:
    """Every service names a user that is not root, and can gain no rights."""
    service = SERVICES[name]

    assert service["user"] not in {"", "0", "root"}
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_logs_are_bounded(name: str) -> None:
    """No service fills the disk with its log."""
    assert {"max-size", "max-file"} == SERVICES[name]["logging"]["options"].keys()


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_secrets_come_by_file(name: str) -> None:
    """No password or key stands in the environment, and each file that is named is a secret of that service."""
    for variable, given in SERVICES[name].get("environment", {}).items():
        secret = any(word in variable for word in ("PASSWORD", "KEY", "AUTH", "DATABASE_URL", "REDIS_URL"))

        assert secret == variable.endswith("_FILE")
        assert not secret or not given or Path(given).name in secret_names(SERVICES[name])


def test_the_key_is_for_workers_alone() -> None:
    """Who does not post does not hold the key."""
    assert {name for name in OURS if "RINGOSTAT_AUTH_KEY_FILE" in SERVICES[name]["environment"]} == {
        "worker",
        "demo-worker",
    }


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting(name: str) -> None:
    """What our services are told is what the settings know."""
    for variable in SERVICES[name]["environment"]:
        setting = variable.removesuffix("_FILE")

        assert setting.lower() in Settings.model_fields
        assert setting == variable or setting in WITH_FILE


@pytest.mark.parametrize("name", OURS)
def test_what_is_not_set_has_its_default(name: str) -> None:
    """Without an .env the services run with the settings' own defaults, and with no project made up for them."""
    given = {key: value for key, value in SERVICES[name]["environment"].items() if not key.endswith("_FILE")}
    loopback = {"ringostat_base_url"} if name == "demo-worker" else set()
    changed = load_settings(given).model_dump(exclude={"sync_config", *loopback})

    assert changed == Settings().model_dump(exclude={"sync_config", *loopback})


def test_ports_are_loopback_only() -> None:
    """What is published is published to this machine: the pages."""
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert {name: port for name, [port] in published.items()} == {
        "console": "127.0.0.1:8090:8090",
        "flower": "127.0.0.1:5555:5555",
        "grafana": "127.0.0.1:3000:3000",
        "sandbox": "127.0.0.1:8085:8085",
    }


def test_workers_can_be_many() -> None:
    """Nothing of a worker is there but once."""
    assert not {"container_name", "hostname", "ports", "network_mode"} & SERVICES["worker"].keys()


def test_images_are_of_a_known_major_version() -> None:
    """What others have made is pinned; our own image is built once, by one service, and pulled by none."""
    strangers = {service["image"] for service in SERVICES.values()} - {"ringostat-sync"}

    assert all(re.fullmatch(r"[a-z/]+:v?\d+(\.\d+)*(-\w+)?", image) for image in strangers)
    assert [name for name in SERVICES if "build" in SERVICES[name]] == ["migrate"]
    assert {SERVICES[name]["pull_policy"] for name in OURS} == {"never"}


def test_everybody_waits_for_the_schema() -> None:
    """All of our own services come after `migrate`, directly or through another."""

    def comes_after(name: str) -> set[str]:
        before = SERVICES[name].get("depends_on", {})
        return set(before).union(*(comes_after(other) for other in before))

    assert [name for name in OURS if "migrate" not in comes_after(name)] == ["migrate"]
    for service in SERVICES.values():
        for other, how in service.get("depends_on", {}).items():
            assert (how["condition"] == "service_completed_successfully") == (other in ONE_SHOT)


def ringostat_sync(name: str) -> list[str]:
    """What a service gives to `ringostat-sync`, without a shell around it."""
    words: list[str] = SERVICES[name]["command"]
    if "entrypoint" in SERVICES[name]:
        found = re.search(r"ringostat-sync ([^;]+);", words[0])
        assert found
        return found[1].split()
    return words


@pytest.mark.parametrize("name", OURS)
def test_every_command_exists(name: str) -> None:
    """`ringostat-sync` understands each command with its options."""
    command: Any = typer.main.get_command(make_app())
    words = ringostat_sync(name)
    while isinstance(command, TyperGroup):
        command = command.commands[words[0]]
        words = words[1:]
    command.make_context(name, list(words))


def test_the_commands_are_those_of_up() -> None:
    """The long-running parts of `up` and of compose are the same commands."""
    around = Surroundings(Settings(), {}, has_sandbox=True, has_demo_crm=True)
    up = {part.name: part.arguments[0] for part in parts_of(around, {}, Console(quiet=True))}
    lasting_ones = {name: SERVICES[name]["command"][0] for name in LASTING if name in OURS}

    assert lasting_ones == {**up, "demo-worker": up["worker"]}


def test_the_demo_leaves_the_real_job_alone() -> None:
    """No service of the demo's profile sees the real job's secrets, and its worker posts to the sandbox."""
    for service in (SERVICES[name] for name in OURS):
        if "demo" in service.get("profiles", []):
            assert all(given["source"].startswith("demo_") for given in service["secrets"])

    assert SERVICES["demo-worker"]["environment"]["RINGOSTAT_BASE_URL"] == "http://127.0.0.1:8085"


def test_the_demo_is_an_installation_of_its_own() -> None:
    """With its env-file no worker is left that would post to the real API, and all secrets are the demo's."""
    demo = interpolated(DEMO)

    assert demo["name"] != COMPOSE["name"]
    assert demo["services"]["worker"]["deploy"]["replicas"] == "0"
    assert all(secret["file"].startswith("./secrets/demo/") for secret in demo["secrets"].values())
    assert {f"${{{name}:-" in TEXT for name in DEMO} == {True}
    assert demo["services"]["worker"]["environment"]["RINGOSTAT_BASE_URL"].startswith("http://127.0.0.1")


def test_the_secrets_are_made_once(tmp_path: Path) -> None:
    """The script makes every file that compose names, readable in containers and to no stranger outside, and never again."""
    (tmp_path / "docker").mkdir()
    script = shutil.copy(ROOT / "docker" / "secrets.sh", tmp_path / "docker")

    def made() -> dict[Path, str]:
        subprocess.run(["sh", script], check=True, capture_output=True)
        return {path: path.read_text(encoding="utf-8") for path in (tmp_path / "secrets").rglob("*.txt")}

    first = made()
    files_named = {tmp_path / secret["file"] for secret in COMPOSE["secrets"].values()}

    assert first == made()
    assert files_named <= first.keys()
    assert {path.stat().st_mode & 0o777 for path in first} == {0o644}
    assert {path.parent.stat().st_mode & 0o777 for path in first} == {0o700}


def test_the_real_key_is_for_the_user_to_give(tmp_path: Path) -> None:
    """All made secrets are settings that load, but the key, which is left empty rather than made up."""
    (tmp_path / "docker").mkdir()
    script = shutil.copy(ROOT / "docker" / "secrets.sh", tmp_path / "docker")
    subprocess.run(["sh", script], check=True, capture_output=True)
    named = {f"{name}_FILE": name.lower() for name in ("DATABASE_URL", "REDIS_URL", "FLOWER_BASIC_AUTH")}

    load_settings({name: str(tmp_path / "secrets" / f"{file}.txt") for name, file in named.items()})

    assert (tmp_path / "secrets" / "auth_key.txt").read_text(encoding="utf-8") == ""


def test_the_image_holds_what_is_locked() -> None:
    """Dependencies come by the lock's hashes, the project alone beside them, and the last stage is no root's."""
    build, final = re.split(r"(?m)^FROM python:3\.\d+-slim.*$", (ROOT / "Dockerfile").read_text(encoding="utf-8"))[1:]

    assert "pip install --require-hashes -r requirements.lock" in build
    assert "pip install --no-deps ." in build
    assert SERVICES["worker"]["user"] in final.partition("USER ")[2].split()
    assert "pip" not in final.replace("slim", "")


def test_only_what_the_image_needs_goes_to_the_builder() -> None:
    """What the Dockerfile copies is let in by name; everything else, secrets above all, stays out."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    copied = re.findall(r"(?m)^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    wanted = {name for names in copied for name in names.split()}

    assert "*" in lines
    assert {line[1:] for line in lines if line.startswith("!")} == wanted
    assert all((ROOT / name).exists() for name in wanted)
