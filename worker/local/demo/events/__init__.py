"""Everything that can happen in the demo CRM, and how often."""

from __future__ import annotations

from collections.abc import Callable

from worker.local.demo.crm import Crm, Ids
from worker.local.demo.events import contacts, directions, sales

Event = Callable[[Crm], Ids | None]

# Out of a hundred. As many contacts go (deleted, merged) as come (converted leads), and so with leads and deals.
WEIGHTS: dict[Event, int] = {
    contacts.call_logged: 18,
    contacts.note_written: 7,
    contacts.contact_renamed: 8,
    contacts.contact_handed_over: 3,
    contacts.contact_hidden: 2,
    contacts.contact_shown: 2,
    contacts.contact_deleted: 3,
    contacts.contacts_merged: 2,
    contacts.company_renamed: 2,
    directions.phone_added: 8,
    directions.phone_removed: 5,
    directions.phone_respelt: 5,
    directions.email_changed: 4,
    sales.lead_arrived: 8,
    sales.lead_taken: 6,
    sales.lead_converted: 5,
    sales.lead_dropped: 2,
    sales.deal_opened: 4,
    sales.deal_moved: 3,
    sales.deal_lost: 1,
    sales.deal_archived: 2,
}
