"""The one command, `ringostat-sync`."""

from __future__ import annotations

import sys

from worker.errors import SyncError, sentence

INTERRUPTED = 130
"""As the shell has it: 128, and the number of the signal."""


def main() -> None:
    """Run the command; an error of ours is one line on standard error, and its exit code."""
    try:
        from worker.cli.app import HELP, make_app  # noqa: PLC0415 - slow enough to be interrupted

        make_app(sys.argv[1] if len(sys.argv) > 1 else HELP)()
    except SyncError as error:
        print(f"ringostat-sync: {sentence(error)}", file=sys.stderr)  # noqa: T201 - a person's answer, not a log line
        sys.exit(error.exit_code)
    except KeyboardInterrupt:  # while a command is still being loaded; later ones are the command's own
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
