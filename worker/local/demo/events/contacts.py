"""What happens to contacts and the companies they work for.

Each event runs in a transaction of its own and returns the ids that it touched, or None if the CRM holds nobody
to whom it could happen.
"""

from __future__ import annotations

from worker.local.demo import invent, names
from worker.local.demo.crm import FEWEST_CONTACTS, Crm, Ids


def contact_renamed(crm: Crm) -> Ids | None:
    """Somebody marries, or a misspelt surname is put right."""
    contact = crm.pick("contacts")
    if contact is None:
        return None
    first_name = crm.value("SELECT first_name FROM crm.contacts WHERE id = %(contact)s", contact=contact)
    crm.change(
        "UPDATE crm.contacts SET last_name = %(surname)s, updated_at = now() WHERE id = %(contact)s",
        contact=contact,
        surname=invent.surname_for(first_name, crm.dice),
    )
    return {"contact": contact}


def contact_handed_over(crm: Crm) -> Ids | None:
    """Another employee takes care of a contact."""
    contact, employee = crm.pick("contacts"), crm.anyone()
    if contact is None or employee is None:
        return None
    crm.change(
        "UPDATE crm.contacts SET staff_id = %(employee)s, updated_at = now() WHERE id = %(contact)s",
        contact=contact,
        employee=employee,
    )
    return {"contact": contact, "staff": employee}


def contact_hidden(crm: Crm) -> Ids | None:
    """A contact shall no longer appear on the telephones."""
    return _show(crm, crm.pick("contacts", "NOT t.hidden"), hidden=True)


def contact_shown(crm: Crm) -> Ids | None:
    """A hidden contact shall appear again."""
    return _show(crm, crm.pick("contacts", "t.hidden"), hidden=False)


def _show(crm: Crm, contact: int | None, *, hidden: bool) -> Ids | None:
    if contact is None:
        return None
    crm.change(
        "UPDATE crm.contacts SET hidden = %(hidden)s, updated_at = now() WHERE id = %(contact)s",
        contact=contact,
        hidden=hidden,
    )
    return {"contact": contact}


def contact_deleted(crm: Crm) -> Ids | None:
    """A contact asks to be forgotten: everything that hangs on it goes too."""
    if crm.count("contacts") <= FEWEST_CONTACTS:
        return None
    contact = crm.pick("contacts")
    if contact is None:
        return None
    crm.change("DELETE FROM crm.contacts WHERE id = %(contact)s", contact=contact)
    return {"contact": contact}


def contacts_merged(crm: Crm) -> Ids | None:
    """Two contacts turn out to be one person: the survivor takes over all that the other had."""
    if crm.count("contacts") <= FEWEST_CONTACTS:
        return None
    survivor = crm.pick("contacts")
    gone = crm.pick("contacts", "t.id <> %(survivor)s", survivor=survivor)
    if survivor is None or gone is None:
        return None
    for table in ("phones", "emails", "leads", "deals", "calls"):
        crm.change(
            f"UPDATE crm.{table} SET contact_id = %(survivor)s WHERE contact_id = %(gone)s",
            survivor=survivor,
            gone=gone,
        )
    crm.change(_TAKE_OVER, survivor=survivor, gone=gone)
    crm.change("DELETE FROM crm.contacts WHERE id = %(gone)s", gone=gone)
    return {"contact": survivor, "gone": gone}


_TAKE_OVER = """
    UPDATE crm.contacts survivor
    SET company_id = coalesce(survivor.company_id, gone.company_id),
        google_client_id = coalesce(survivor.google_client_id, gone.google_client_id),
        updated_at = now()
    FROM crm.contacts gone
    WHERE survivor.id = %(survivor)s AND gone.id = %(gone)s
"""


def company_renamed(crm: Crm) -> Ids | None:
    """A company takes another name, which all of its contacts show."""
    company = crm.pick("companies", "EXISTS (SELECT FROM crm.contacts c WHERE c.company_id = t.id)")
    if company is None:
        return None
    crm.change(
        "UPDATE crm.companies SET name = %(name)s, updated_at = now() WHERE id = %(company)s",
        company=company,
        name=invent.company(crm.dice),
    )
    return {"company": company}


def note_written(crm: Crm) -> Ids | None:
    """An employee writes something down that the telephones do not show."""
    contact = crm.pick("contacts")
    if contact is None:
        return None
    crm.change(
        "UPDATE crm.contacts SET notes = %(note)s, updated_at = now() WHERE id = %(contact)s",
        contact=contact,
        note=crm.dice.choice(names.NOTES),
    )
    return {"contact": contact}


def call_logged(crm: Crm) -> Ids | None:
    """A call ends: the commonest thing in a CRM, and nothing that the telephones need to learn."""
    contact, employee = crm.pick("contacts"), crm.anyone()
    if contact is None or employee is None:
        return None
    call = crm.value(
        "INSERT INTO crm.calls (contact_id, staff_id, direction, seconds)"
        " VALUES (%(contact)s, %(employee)s, %(direction)s, %(seconds)s) RETURNING id",
        contact=contact,
        employee=employee,
        direction=crm.dice.choice(("in", "out")),
        seconds=crm.dice.randrange(900),
    )
    crm.change(
        "UPDATE crm.contacts SET last_call_at = now(), updated_at = now() WHERE id = %(contact)s",
        contact=contact,
    )
    crm.change("DELETE FROM crm.calls WHERE id <= %(call)s - %(kept)s", call=call, kept=_CALLS_KEPT)
    return {"contact": contact, "call": call}


_CALLS_KEPT = 5_000
