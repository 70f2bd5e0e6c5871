"""The commands, in the order in which one meets them. Each is in a module of its own, which is loaded when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, NamedTuple

import typer

from worker import __version__

HELP, VERSION = "--help", "--version"


class Command(NamedTuple):
    """What the list of commands says of one; a test holds it against the command's own help."""

    module: str
    """In this folder; it has an `app` of sub-commands, or a function of the command's name."""
    line: str
    is_hidden: bool = False


COMMANDS = {
    "init": Command("init", "Write a mapping to start from into this folder."),
    "up": Command("up", "Run everything in one process tree."),
    "migrate": Command("schema", "Bring our tables to the newest version."),
    "capture": Command("capture", "The triggers that write changes into the outbox."),
    "check": Command("check", "Check settings, connections and mapping."),
    "backfill": Command("backfill", "Send every contact of a source."),
    "reconcile": Command("reconcile", "Compare every contact with what was last accepted."),
    "worker": Command("worker", "Collect and push."),
    "beat": Command("beat", "Wake the collector every few seconds."),
    "listen": Command("listen", "Wake the collector as soon as a change commits."),
    "flower": Command("flower", "Show Celery's tasks in a browser."),
    "status": Command("status", "Show what waits, what arrived, what is paused."),
    "health": Command("health", "Say what is wrong; exit code 0 if nothing is."),
    "contact": Command("contact", "Say why a contact is (not) on the telephone."),
    "console": Command("console", "Show the state of the job in a browser."),
    "dead-letters": Command("dead_letters", "Contacts that could not be sent."),
    "pause": Command("pause", "Send nothing for a project until `resume`."),
    "resume": Command("pause", "Lift any pause of a project."),
    "forget": Command("forget", "Remove all that is stored of one contact."),
    "sandbox": Command("stand_ins", "Run the stand-in for Ringostat's API."),
    "demo-crm": Command("stand_ins", "Fill the CRM's database with a demo that changes.", is_hidden=True),
}


def make_app(asked: str | None = None) -> typer.Typer:
    """The application. `asked`: the first word of the command line.

    A command that is asked for is loaded alone, and for help or the version none is: all of them take a second.
    """
    app = typer.Typer(
        name="ringostat-sync",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(_about)
    for name in [asked] if asked in COMMANDS else COMMANDS:
        if asked in {HELP, VERSION}:
            _list(app, name)
        else:
            _load(app, name)
    return app


def _list(app: typer.Typer, name: str) -> None:
    command = COMMANDS[name]
    app.command(name, hidden=command.is_hidden, help=command.line)(_listed)


def _listed() -> None:
    """In the place of a command in the list; it is never called."""


def _load(app: typer.Typer, name: str) -> None:
    command = COMMANDS[name]
    module = import_module(f"worker.cli.{command.module}")
    if hasattr(module, "app"):
        app.add_typer(module.app, name=name)
    else:
        app.command(name, hidden=command.is_hidden)(getattr(module, name.replace("-", "_")))


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"ringostat-sync {__version__}")
        raise typer.Exit


def _about(
    _version: Annotated[
        bool, typer.Option(VERSION, help="Show the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Keeps the Ringostat Smart Phone contact book equal to your CRM."""
