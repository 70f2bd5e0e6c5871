"""Alert: one POST of a sentence when a problem begins, and one when it ends."""

from __future__ import annotations

import json
import urllib.request
from urllib.error import URLError

import structlog

log = structlog.get_logger()

PATIENCE = 10.0
"""Seconds that the receiver may take."""


def send_alert(url: str, text: str) -> bool:
    """POST `{"text": …}`, the form that Slack, Mattermost and many bots take; False if it did not arrive. Never raises for the receiver."""
    body = json.dumps({"text": text}, ensure_ascii=False).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - the settings allow http(s) only
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE):  # noqa: S310 - see above
            return True
    except (URLError, OSError, ValueError) as error:
        log.warning("alert_failed", kind=type(error).__name__)
        return False
