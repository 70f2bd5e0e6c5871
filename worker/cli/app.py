"""The commands, in the order in which one meets them. Each stands in a module of its own, which is loaded when it is asked for."""

from __future__ import annotations

from importlib import import_module

import typer

COMMANDS = {
    "up": "up",
    "migrate": "schema",
    "capture": "capture",
    "check": "check",
    "backfill": "backfill",
    "worker": "worker",
    "beat": "beat",
    "listen": "listen",
    "flower": "flower",
    "status": "status",
    "console": "console",
    "health": "health",
    "contact": "contact",
    "dead-letters": "dead_letters",
    "pause": "pause",
    "resume": "pause",
    "forget": "forget",
    "sandbox": "stand_ins",
    "demo-crm": "stand_ins",
}
"""By name, the module in this folder: it has an `app` of sub-commands, or a function of the command's name."""
HIDDEN = {"demo-crm"}


def make_app(asked: str | None = None) -> typer.Typer:
    """The application; with the `asked` command alone, where there is such a one: the others are slow to load."""
    app = typer.Typer(
        name="ringostat-sync",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(_about)
    for name in [asked] if asked in COMMANDS else COMMANDS:
        module = import_module(f"worker.cli.{COMMANDS[name]}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name)
        else:
            app.command(name, hidden=name in HIDDEN)(getattr(module, name.replace("-", "_")))
    return app


def _about() -> None:
    """Keeps the Ringostat Smart Phone contact book equal to your CRM."""
