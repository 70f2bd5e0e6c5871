"""What happens between a first call and a sale: leads and deals."""

from __future__ import annotations

from worker.local.demo import invent, names
from worker.local.demo.crm import Crm, Ids
from worker.local.demo.population import amount

_NEXT_STAGE = {"new": "offer", "offer": "contract", "contract": "won"}


def lead_arrived(crm: Crm) -> Ids | None:
    """Somebody new asks for something; nobody has taken it up yet."""
    if crm.count("leads") >= crm.most_contacts:
        return None
    who = invent.person(crm.dice)
    lead = crm.value(
        "INSERT INTO crm.leads (name, phone, email, channel, status, google_client_id)"
        " VALUES (%(name)s, %(phone)s, %(email)s, %(channel)s, 'new', %(google_client_id)s) RETURNING id",
        name=f"{who.first_name} {who.last_name}" if crm.dice.random() < 0.6 else who.first_name,
        phone=invent.mobile(crm.dice),
        email=invent.email(who.last_name, who.first_name, crm.dice) if crm.dice.random() < 0.4 else None,
        channel=crm.dice.choice(names.CHANNELS),
        google_client_id=invent.google_client_id(crm.dice) if crm.dice.random() < 0.5 else None,
    )
    return {"lead": lead}


def lead_taken(crm: Crm) -> Ids | None:
    """An employee takes a lead up."""
    lead, employee = crm.pick("leads", "t.status = 'new'"), crm.anyone()
    if lead is None or employee is None:
        return None
    crm.change(
        "UPDATE crm.leads SET status = 'in_work', staff_id = %(employee)s, updated_at = now() WHERE id = %(lead)s",
        lead=lead,
        employee=employee,
    )
    return {"lead": lead, "staff": employee}


def lead_converted(crm: Crm) -> Ids | None:
    """A lead becomes a contact, with the number by which it came."""
    lead = crm.pick("leads", "t.status = 'in_work'")
    if lead is None or crm.count("contacts") >= crm.most_contacts:
        return None
    contact = crm.value(_CONTACT_OF_LEAD, lead=lead)
    crm.change(_PHONE_OF_LEAD, lead=lead, contact=contact)
    crm.change(_EMAIL_OF_LEAD, lead=lead, contact=contact)
    crm.change(
        "UPDATE crm.leads SET status = 'converted', contact_id = %(contact)s, updated_at = now() WHERE id = %(lead)s",
        lead=lead,
        contact=contact,
    )
    return {"lead": lead, "contact": contact}


_CONTACT_OF_LEAD = """
    INSERT INTO crm.contacts (first_name, last_name, staff_id, channel, google_client_id)
    SELECT split_part(name, ' ', 1), nullif(split_part(name, ' ', 2), ''), staff_id, channel, google_client_id
    FROM crm.leads WHERE id = %(lead)s
    RETURNING id
"""

_PHONE_OF_LEAD = """
    INSERT INTO crm.phones (contact_id, kind, number)
    SELECT %(contact)s, 'mobile', phone FROM crm.leads WHERE id = %(lead)s
"""

_EMAIL_OF_LEAD = """
    INSERT INTO crm.emails (contact_id, kind, address)
    SELECT %(contact)s, 'personal', email FROM crm.leads WHERE id = %(lead)s AND email IS NOT NULL
"""


def lead_dropped(crm: Crm) -> Ids | None:
    """A lead was a wrong number, or an advertisement."""
    lead = crm.pick("leads", "t.status <> 'converted'")
    if lead is None:
        return None
    crm.change("DELETE FROM crm.leads WHERE id = %(lead)s", lead=lead)
    return {"lead": lead}


def deal_opened(crm: Crm) -> Ids | None:
    """A contact wants to buy something."""
    if crm.count("deals") >= crm.most_contacts:
        return None
    contact = crm.pick(
        "contacts",
        "NOT EXISTS (SELECT FROM crm.deals d WHERE d.contact_id = t.id AND d.stage NOT IN ('won', 'lost'))",
    )
    if contact is None:
        return None
    deal = crm.value(
        "INSERT INTO crm.deals (contact_id, title, stage, amount) VALUES (%(contact)s, %(title)s, 'new', %(amount)s)"
        " RETURNING id",
        contact=contact,
        title=crm.dice.choice(names.DEALS),
        amount=amount(crm.dice),
    )
    return {"contact": contact, "deal": deal}


def deal_moved(crm: Crm) -> Ids | None:
    """A deal goes one stage on, and is won in the end."""
    deal = crm.pick("deals", "t.stage NOT IN ('won', 'lost')")
    if deal is None:
        return None
    stage = crm.value("SELECT stage FROM crm.deals WHERE id = %(deal)s", deal=deal)
    return _move(crm, deal, _NEXT_STAGE[stage])


def deal_lost(crm: Crm) -> Ids | None:
    """Somebody else was cheaper."""
    deal = crm.pick("deals", "t.stage NOT IN ('won', 'lost')")
    return None if deal is None else _move(crm, deal, "lost")


def _move(crm: Crm, deal: int, stage: str) -> Ids:
    contact = crm.value(
        "UPDATE crm.deals SET stage = %(stage)s, updated_at = now() WHERE id = %(deal)s RETURNING contact_id",
        deal=deal,
        stage=stage,
    )
    return {"contact": contact, "deal": deal}


def deal_archived(crm: Crm) -> Ids | None:
    """A deal that is over leaves the CRM."""
    deal = crm.pick("deals", "t.stage IN ('won', 'lost')")
    if deal is None:
        return None
    contact = crm.value("DELETE FROM crm.deals WHERE id = %(deal)s RETURNING contact_id", deal=deal)
    return {"contact": contact, "deal": deal}
