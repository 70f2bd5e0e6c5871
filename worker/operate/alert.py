"""Alert: one POST of a sentence when a problem begins, and one when it ends."""

from __future__ import annotations

import json

import structlog

from worker.config.network import Network

log = structlog.get_logger()

PATIENCE = 10.0
"""Seconds that an alert may take, from the look-up of the receiver's name to its answer."""


def send_alert(url: str, network: Network, text: str) -> bool:
    """POST `{"text": …}`, the form that Slack, Mattermost and many bots take; False if it did not arrive. Never raises for the receiver."""
    # A process that only watches loads this once there is something to tell.
    from worker.api.exchange import NoAnswerError  # noqa: PLC0415 - see above
    from worker.api.poster import Poster  # noqa: PLC0415 - see above

    try:
        with Poster(url, PATIENCE, network) as poster:
            status = poster.post(url, json.dumps({"text": text}, ensure_ascii=False).encode()).status
    except NoAnswerError as error:
        log.warning("alert_failed", kind=error.kind)
        return False
    if not 200 <= status < 300:
        log.warning("alert_failed", kind=f"http_{status}")
        return False
    return True
