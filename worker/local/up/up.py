"""`up`: everything in one process tree, from nothing to a running job, and back."""

from __future__ import annotations

import random
import shlex
import shutil
import signal
import time
from collections.abc import Mapping
from contextlib import ExitStack
from threading import Event

from pydantic import SecretStr
from rich.console import Console
from rich.live import Live
from rich.text import Text

import migrations
from worker.backfill.backfill import Backfill
from worker.capture import install
from worker.config.settings import libpq_url
from worker.database.connect import capture_session
from worker.database.place import Place
from worker.local import demo
from worker.local.up.embedded.postgres import server_binary
from worker.local.up.figures import figures
from worker.local.up.parts import Part
from worker.local.up.servers import Surroundings, surround
from worker.wiring import Wiring

TICK = 0.5
FIGURES, QUIET_FIGURES = 2.0, 10.0
"""Seconds between figures: on a terminal, which keeps one line alive, and where each is a line of its own."""
REST = 20.0
"""To count a large backlog takes a while, and is followed by a rest of so many times as long."""
DEMO_PACE = "1"
NO_KEY = "No auth key is set: everything goes to the sandbox, nothing to Ringostat."
# Of somebody who is on the telephone: the demo hides and removes contacts.
RENAME = "UPDATE crm.contacts SET last_name = 'Новенко' WHERE id = (SELECT min(id) FROM crm.contacts WHERE NOT hidden);"
PASTED = ("DATABASE_URL", "REDIS_URL", "SYNC_CONFIG", "RINGOSTAT_PROJECT_ID", "RINGOSTAT_BASE_URL")
"""What `dead-letters`, `pause`, `contact` and others need in another terminal."""


def run(environment: Mapping[str, str]) -> None:
    """Bring everything up, keep it up until SIGINT or SIGTERM, and take it down. Raises ConfigError, RefusedError."""
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    console = Console(stderr=True, highlight=False)
    with ExitStack() as stack:
        console.print("Bringing everything up …")
        surroundings = surround(stack, environment)
        wiring = Wiring.of(surroundings.settings)
        prepare(surroundings, wiring)
        parts = parts_of(surroundings, environment, console)
        for part in parts:
            stack.callback(part.end)
            part.start()
        if surroundings.has_demo_crm:
            fill_the_telephone(wiring)
        announce(surroundings, console)
        watch(surroundings, wiring, parts, console, stop)
        console.print("Taking everything down …")
    console.print("Everything is down.")


def prepare(surroundings: Surroundings, wiring: Wiring) -> None:
    """Migrations, the demo CRM's tables if there is one, and capture."""
    settings = surroundings.settings
    migrations.upgrade(settings.require_database_url())
    crm_url = libpq_url(settings.require_crm_database_url())
    if surroundings.has_demo_crm:
        demo.install(crm_url, dice=random.Random())  # noqa: S311 - it makes up names
    if wiring.place_of_crm() is not Place.ELSEWHERE:
        with capture_session(settings.require_database_url()) as session:
            install(session, wiring.mapping)


def parts_of(surroundings: Surroundings, environment: Mapping[str, str], console: Console) -> list[Part]:
    """Our own commands, in the order in which they start; they end in the opposite order."""
    settings = surroundings.settings
    commands: dict[str, tuple[str, ...]] = {}
    if surroundings.has_sandbox:
        commands["sandbox"] = ("sandbox",)
    commands["worker"] = ("worker",)
    commands["beat"] = ("beat",)
    commands["listen"] = ("listen",)
    commands["console"] = ("console",)
    commands["flower"] = ("flower", "--database", str(settings.sync_home / "flower"))
    if surroundings.has_demo_crm:
        commands["demo-crm"] = ("demo-crm", "--pace", DEMO_PACE)

    def say(name: str, line: str) -> None:
        console.print(Text(f"{name:>9} │ {line}"), soft_wrap=True)

    everything = {**environment, **surroundings.environment}
    return [Part(name, arguments, everything, say) for name, arguments in commands.items()]


def fill_the_telephone(wiring: Wiring) -> None:
    """The sandbox forgets when it ends, so the demo sends everything at each start."""
    for source in wiring.mapping.sources.values():
        for _ in Backfill(wiring.engine, wiring.crm, wiring.mapping, source, forced=True).run():
            pass


def announce(surroundings: Surroundings, console: Console) -> None:
    """Where to look, and what to paste."""
    console.print()
    for line in told(surroundings):
        console.print(Text(f"  {line}"), soft_wrap=True)
    console.print()


def told(surroundings: Surroundings) -> list[str]:
    """What a person needs to know of what is up: a line for each address, and for each thing to try."""
    settings, lines = surroundings.settings, []
    flower, console = _told(settings.flower_basic_auth), _told(settings.console_basic_auth)
    if surroundings.has_sandbox:
        lines += [NO_KEY, f"The telephone's contact book   http://127.0.0.1:{settings.sandbox_port}/"]
    lines.append(f"The console: how the job is    http://127.0.0.1:{settings.console_port}/   ({console})")
    lines.append(f"Flower: its tasks              http://127.0.0.1:{settings.flower_port}/   ({flower})")
    if surroundings.postgres is not None:
        address = libpq_url(settings.require_database_url())
        lines.append(f"The CRM's database             {psql()} {address}")
    if surroundings.has_demo_crm:
        lines.append(f"Change a name, and look        {RENAME}")
    if brought := {name: surroundings.environment[name] for name in PASTED if name in surroundings.environment}:
        exports = " ".join(f"{name}={shlex.quote(value)}" for name, value in brought.items())
        lines.append(f"For other commands             export {exports}")
    lines.append(f"Ctrl-C stops all of it; the data stay in {settings.sync_home}")
    return lines


def _told(credentials: SecretStr | None) -> str:
    return credentials.get_secret_value() if credentials else ""


def psql() -> str:
    """The psql of this machine, or else the one that comes with the embedded PostgreSQL."""
    return "psql" if shutil.which("psql") else shlex.quote(str(server_binary().with_name("psql")))


def watch(surroundings: Surroundings, wiring: Wiring, parts: list[Part], console: Console, stop: Event) -> None:
    """Keep every part alive, and the figures on the screen, until `stop`."""
    last, due = "", 0.0
    with Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else ExitStack() as screen:
        while not stop.wait(TICK):
            keep_alive(surroundings, parts)
            begun = time.monotonic()
            if begun < due:
                continue
            now = figures(wiring.engine, wiring.mapping)
            if isinstance(screen, Live):
                screen.update(Text(now, style="bold"), refresh=True)
            elif now != last:
                console.print(now, soft_wrap=True)
            pause = FIGURES if isinstance(screen, Live) else QUIET_FIGURES
            last, due = now, begun + max(pause, (time.monotonic() - begun) * REST)


def keep_alive(surroundings: Surroundings, parts: list[Part]) -> None:
    """Start again what has died: servers first, as the parts need them."""
    for server in (surroundings.postgres, surroundings.valkey):
        if server is not None and not server.alive():
            server.start()
    for part in parts:
        part.keep_alive()
