"""`/_sandbox/...`: faults, the request log and the contact book as JSON."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec
from tornado.web import HTTPError

from worker.local.sandbox.answers import Answer, failed
from worker.local.sandbox.faults import rule_of
from worker.local.sandbox.handlers import Handler
from worker.local.sandbox.view import details, page

MOST_REQUESTS = 10_000
MOST_SHOWN = 200


class ControlHandler(Handler):
    """Answers JSON; a page of another origin may change nothing here."""

    def prepare(self) -> None:
        """Refuses what another site's script sends."""
        super().prepare()
        origin = self.request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != self.request.host:
            raise HTTPError(403)

    def json(self, value: object, status: int = 200) -> None:
        """Answers a value."""
        self.answer(Answer(status, msgspec.json.encode(value)))

    def number(self, name: str, otherwise: int | None = None) -> int | None:
        """An integer of the query string; 400 if it is none."""
        value = self.get_query_argument(name, "")
        if not value:
            return otherwise
        if not (value.isascii() and value.isdecimal() and len(value) < 19):
            raise HTTPError(400)
        return int(value)


class FaultsHandler(ControlHandler):
    """`/_sandbox/faults`: POST puts a rule in force, GET lists them, DELETE clears all, or one by `?id=`."""

    def post(self) -> None:
        """Answers 201 with the rule's id; 400 with the reason where it is no rule."""
        try:
            rule_id = self.desk.faults.add(rule_of(self.request.body))
        except (ValueError, RecursionError) as error:
            self.answer(failed(400, str(error)))
            return
        self.json({"id": rule_id}, 201)

    def get(self) -> None:
        """The rules in force."""
        self.json({"faults": self.desk.faults.listed()})

    def delete(self) -> None:
        """Takes rules out of force; 404 for an id that there is not."""
        rule_id = self.number("id")
        if rule_id is None:
            self.desk.faults.clear()
        elif not self.desk.faults.remove(rule_id):
            raise HTTPError(404)
        self.json({"success": True})


class RequestsHandler(ControlHandler):
    """`GET /_sandbox/requests?since=N&limit=M`: the requests after number N, the oldest first."""

    def get(self) -> None:
        """`last` is the number to go on from."""
        since = self.number("since", 0) or 0
        found = self.desk.requests.since(since, self.number("limit", MOST_REQUESTS))
        last = found[-1].number if found else max(since, self.desk.requests.last)
        self.json({"requests": found, "last": last, "totals": self.desk.requests.totals()})


class ContactsHandler(ControlHandler):
    """`GET /_sandbox/contacts.json?project=`: the last accepted documents, the newest first."""

    def get(self) -> None:
        """All of them; the book's limits are the machine's."""
        found = self.desk.book.contacts(self.number("project"))
        self.json({"total": len(found), "contacts": found})


class OrganizationsHandler(ControlHandler):
    """`GET /_sandbox/organizations.json?project=`: as for contacts."""

    def get(self) -> None:
        """All of them."""
        found = self.desk.book.organizations(self.number("project"))
        self.json({"total": len(found), "organizations": found})


class ClearHandler(ControlHandler):
    """`POST /_sandbox/clear`: forgets contacts, organizations, requests and faults."""

    def post(self) -> None:
        """The sandbox is as it was when it started."""
        self.desk.book.clear()
        self.desk.requests.clear()
        self.desk.faults.clear()
        self.json({"success": True})


class HealthHandler(ControlHandler):
    """`GET /_sandbox/health`."""

    def get(self) -> None:
        """200 as long as it answers at all."""
        contacts, organizations = self.desk.book.counts()
        totals = self.desk.requests.totals()
        self.json({"status": "ok", "contacts": contacts, "organizations": organizations, "totals": totals})


class ViewHandler(ControlHandler):
    """`GET /_sandbox/view?q=&project=&version=`: what the page shows; without contacts if nothing changed."""

    def get(self) -> None:
        """At most `MOST_SHOWN` contacts."""
        text = self.get_query_argument("q", "")[:200]
        seen = self.get_query_argument("version", "")
        self.json(page(self.desk, text, self.number("project"), MOST_SHOWN, seen))


class DetailsHandler(ControlHandler):
    """`GET /_sandbox/view/N`: one contact of the page, with its last accepted document."""

    def get(self, number: str) -> None:
        """404 if there is none: it may have been cleared, or have joined another."""
        record = self.desk.book.record(int(number))
        if record is None:
            raise HTTPError(404)
        self.json(details(self.desk.book, record))
