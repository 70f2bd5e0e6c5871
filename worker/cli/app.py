"""The commands, in the order in which one meets them."""

from __future__ import annotations

import typer

from worker.cli import backfill, capture, check, dead_letters, forget, pause, running, schema, stand_ins, status, up

app = typer.Typer(
    name="ringostat-sync",
    help="Keeps the Ringostat Smart Phone contact book equal to your CRM.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.command("up")(up.up)
app.command("migrate")(schema.migrate)
app.add_typer(capture.app, name="capture")
app.command("check")(check.check)
app.command("backfill")(backfill.backfill)
app.command("worker")(running.worker)
app.command("beat")(running.beat)
app.command("listen")(running.listen)
app.command("flower")(running.flower)
app.command("status")(status.status)
app.add_typer(dead_letters.app, name="dead-letters")
app.command("pause")(pause.pause)
app.command("resume")(pause.resume)
app.command("forget")(forget.forget)
app.command("sandbox")(stand_ins.sandbox)
app.command("demo-crm", hidden=True)(stand_ins.demo_crm)
