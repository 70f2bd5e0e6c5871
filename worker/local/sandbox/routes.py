"""Which address is answered by what."""

from __future__ import annotations

from typing import Any

from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest
from tornado.routing import Router
from tornado.web import Application, RequestHandler

from worker.config.model import Method
from worker.local.sandbox import control
from worker.local.sandbox.desk import Desk
from worker.local.sandbox.handlers import UnknownHandler
from worker.local.sandbox.page import FILES, PageHandler
from worker.local.sandbox.sync import SyncRequest

METHODS = {f"/minicrm/{method}/sync": method for method in Method}


class Entrance(Router):
    """The API's methods to their own, everything else to tornado's application."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._otherwise = application(desk)

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> HTTPMessageDelegate | None:
        """Who takes the request."""
        method = METHODS.get(request.path)
        if method is None:
            return self._otherwise.find_handler(request, **kwargs)
        return SyncRequest(self._desk, method, request)


def application(desk: Desk) -> Application:
    """The sandbox but for the API's methods. No access log: addresses hold what a person searched for."""
    common = {"desk": desk}
    return Application(
        [
            (r"/_sandbox/faults", control.FaultsHandler, common),
            (r"/_sandbox/requests", control.RequestsHandler, common),
            (r"/_sandbox/contacts\.json", control.ContactsHandler, common),
            (r"/_sandbox/organizations\.json", control.OrganizationsHandler, common),
            (r"/_sandbox/clear", control.ClearHandler, common),
            (r"/_sandbox/health", control.HealthHandler, common),
            (r"/_sandbox/view", control.ViewHandler, common),
            (r"/_sandbox/view/([0-9]{1,18})", control.DetailsHandler, common),
            (rf"/({'|'.join(FILES)})?", PageHandler, common),
        ],
        default_handler_class=UnknownHandler,
        default_handler_args=common,
        log_function=_silent,
    )


def _silent(_handler: RequestHandler) -> None:
    """The journal is the log."""
