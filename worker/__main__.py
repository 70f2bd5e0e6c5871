"""The one command, `ringostat-sync`."""

from __future__ import annotations

import sys

from worker import logs  # noqa: F401 - before anybody else loads structlog
from worker.cli.app import make_app
from worker.errors import SyncError, sentence


def main() -> None:
    """Run the command; an error of ours is one line on standard error, and its exit code."""
    try:
        make_app(sys.argv[1] if len(sys.argv) > 1 else None)()
    except SyncError as error:
        print(f"ringostat-sync: {sentence(error)}", file=sys.stderr)  # noqa: T201 - a person's answer, not a log line
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
