"""Logs: one wide line an event, with a stable event name, to standard error. Ids and counts only."""

from __future__ import annotations

import logging
import sys
from typing import Literal

import structlog
from structlog.typing import Processor

from worker.config.model import LogLevel

TALKATIVE = {
    "sqlalchemy.engine": logging.INFO,  # below, it prints every row that it reads
    "httpcore": logging.INFO,  # below, it prints the answer's headers, which may echo a document
    "httpx": logging.WARNING,  # below, it prints the answer's reason, which may too
    "psycopg": logging.ERROR,  # below, it prints the server's messages, which quote rows, and addresses of databases
    "celery.worker.consumer.consumer": logging.ERROR,  # below, it tells of each try to reach Redis; we do so once a minute
}
"""Libraries that quote what they carry, or say it too often, with the lowest level at which they don't."""


def set_up_logs(name: LogLevel, form: Literal["text", "json"] | None = None) -> None:
    """Bring our lines and the libraries' into one form; `name` is the lowest level that is told.

    `form`: `text` or `json`; by default text on a terminal, else JSON.

    Libraries are heard from `warning` on, as one wide line an event is enough; at `debug`, in full, as far as they quote no values.
    """
    level = logging.getLevelNamesMapping()[name.upper()]
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer = _renderer(form or ("text" if sys.stderr.isatty() else "json"))
    structlog.configure(
        processors=[
            *shared,
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    logging.basicConfig(level=libraries_level(level), handlers=[handler], force=True)
    for library, lowest in TALKATIVE.items():
        logging.getLogger(library).setLevel(max(lowest, libraries_level(level)))


def _renderer(form: str) -> Processor:
    if form == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"], drop_missing=True)


def libraries_level(level: int) -> int:
    """From which level on libraries are heard, where we are from `level` on."""
    return level if level <= logging.DEBUG else max(level, logging.WARNING)
