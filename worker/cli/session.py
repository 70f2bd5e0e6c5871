"""What most commands begin with: settings, mapping, and what a person gave them."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from worker.config.mapping import load_mapping
from worker.config.model import Mapping
from worker.config.settings import Settings, load_settings
from worker.logs import set_up_logs

if TYPE_CHECKING:
    from rich.console import Console


def begin() -> Settings:
    """Settings, with logs going to standard error."""
    settings = load_settings()
    set_up_logs(settings.sync_log_level, settings.sync_log_format)
    return settings


def mapping_of(settings: Settings) -> Mapping:
    """The mapping, for a command that does not post."""
    return load_mapping(settings, need_keys=False)


def print_json(value: Any) -> None:
    """JSON, alone on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")


def printable(text: object) -> str:
    """A text of the CRM's or the API's as a terminal may show it: what would steer the terminal is spelt out, but for newlines."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in str(text))


def wide_console() -> Console:
    """Standard output; if it is no terminal, wide enough that no column is cut."""
    from rich.console import Console  # noqa: PLC0415 - long-running parts do without

    return Console() if sys.stdout.isatty() else Console(width=240)
