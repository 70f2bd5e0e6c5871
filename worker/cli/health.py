"""`health`."""

from __future__ import annotations

import socket
from typing import Annotated

import typer

from worker.broker.client import redis_client
from worker.cli.outbox import outbox
from worker.cli.session import begin, mapping_of, printable
from worker.errors import ConfigError, SyncError
from worker.operate.health import find_problems, problem_of_redis, problems_of_role
from worker.operate.living import capture_of
from worker.operate.parts import read_parts
from worker.operate.problem import Problem

ROLES = ("worker", "beat", "listen", "console", "flower")


def health(
    role: Annotated[str | None, typer.Option(metavar="ROLE", help="Look only at this role, on this machine.")] = None,
) -> None:
    """Say what is wrong; exit code 0 if nothing is.

    If something is wrong, it prints a line for each problem, and the exit code is 1.
    """
    settings = begin()
    if role is not None and role not in ROLES:
        raise ConfigError(f"--role: there is no role {role!r}: use one of {', '.join(ROLES)}.")
    if role is not None:
        with outbox(settings) as connection:
            problems = problems_of_role(read_parts(connection), role, socket.gethostname())
    else:
        mapping = mapping_of(settings)
        problems = problem_of_redis(redis_client(settings.require_redis_url())) if settings.redis_url else []
        try:
            with outbox(settings) as connection:
                problems += find_problems(connection, mapping, capture_of(settings, mapping, connection))
        except ConfigError:
            raise
        except SyncError as error:
            problems.append(Problem("database", str(error)))
    for problem in problems:
        typer.echo(printable(problem.sentence))
    raise typer.Exit(1 if problems else 0)
