"""`contact`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from worker.cli.outbox import in_one_line
from worker.cli.session import begin, print_json, printable
from worker.operate.contact import Story, read_story
from worker.operate.known import known_source
from worker.projects.addresses import Address
from worker.read.reader import Reader
from worker.wiring import Wiring


def contact(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A source of `sync.toml`.")],
    key: Annotated[str, typer.Argument(metavar="KEY", help="The contact's key in the CRM.")],
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
) -> None:
    """Say why a contact is (not) on the telephone.

    Shows what the mapping returns for it now, where it waits, and when it was last accepted.
    """
    wiring = Wiring.of(begin(), need_keys=False)
    known = known_source(wiring.mapping, source)
    with in_one_line(), wiring.engine.begin() as connection:
        address = Address(wiring.engine, wiring.settings.ringostat_base_url).id
        story = read_story(connection, wiring.mapping, known, key, Reader(wiring.crm).read, address)
    if as_json:
        print_json(story.as_json())
        return
    for line in lines(story):
        typer.echo(printable(line))


def lines(story: Story) -> list[str]:
    """The story as a person reads it; its last line is the answer."""
    told = story.as_json()
    rows = [
        (
            "contact",
            f"{story.key} of source {story.source.name}, project {story.source.project}, {story.source.method}",
        ),
        ("in the CRM", f"{story.state}{f': {story.detail}' if story.detail else ''}"),
        ("waiting", "yes" if told["waiting"] else "no"),
        ("being sent", "yes" if told["in_flight"] else "no"),
    ]
    if told["accepted"]:
        equal = "equals" if told["accepted"]["same"] else "does not equal"
        rows.append(("accepted", f"{told['accepted']['at']}, which {equal} what it is now"))
    if told["letter"]:
        rows.append(("dead letter", f"{told['letter']['id']}, {told['letter']['reason']}: {told['letter']['detail']}"))
    document = [] if story.document is None else json.dumps(story.document, ensure_ascii=False, indent=2).splitlines()
    return [
        *(f"{name:>12}  {value}" for name, value in rows),
        *(f"{'':>12}  {line}" for line in document),
        told["verdict"],
    ]
