"""What happens to the numbers and addresses by which contacts are reached."""

from __future__ import annotations

from worker.document.phones.reader import numbers_in
from worker.local.demo import invent
from worker.local.demo.crm import Crm, Ids

_PHONES_AT_MOST = 4


def phone_added(crm: Crm) -> Ids | None:
    """A contact tells another number; at times it is a fax, which the telephones do not show."""
    contact = crm.pick(
        "contacts",
        "(SELECT count(*) FROM crm.phones p WHERE p.contact_id = t.id) < %(most)s",
        most=_PHONES_AT_MOST,
    )
    if contact is None:
        return None
    kind = crm.dice.choice(("mobile", "mobile", "mobile", "work", "work", "home", "fax"))
    phone = crm.value(
        "INSERT INTO crm.phones (contact_id, kind, number) VALUES (%(contact)s, %(kind)s, %(number)s) RETURNING id",
        contact=contact,
        kind=kind,
        number=invent.mobile(crm.dice) if kind == "mobile" else invent.landline(crm.dice),
    )
    return {"contact": contact, "phone": phone}


def phone_removed(crm: Crm) -> Ids | None:
    """A number is no longer in service; the contact has another one."""
    phone = crm.pick(
        "phones",
        "EXISTS (SELECT FROM crm.phones o WHERE o.contact_id = t.contact_id AND o.id <> t.id AND o.kind <> 'fax')",
    )
    if phone is None:
        return None
    contact = crm.value("DELETE FROM crm.phones WHERE id = %(phone)s RETURNING contact_id", phone=phone)
    return {"contact": contact, "phone": phone}


def phone_respelt(crm: Crm) -> Ids | None:
    """Somebody types the same number in another way: a change that comes to nothing on the telephones."""
    phone = crm.pick("phones", "t.kind = 'mobile'")
    number = crm.value("SELECT number FROM crm.phones WHERE id = %(phone)s", phone=phone)
    numbers = numbers_in(number, "UA", "possible").numbers if number else ()
    if phone is None or not numbers:
        return None
    contact = crm.value(
        "UPDATE crm.phones SET number = %(number)s WHERE id = %(phone)s RETURNING contact_id",
        phone=phone,
        number=invent.spelt(numbers[0].removeprefix("+380"), crm.dice),
    )
    return {"contact": contact, "phone": phone}


def email_changed(crm: Crm) -> Ids | None:
    """A contact has moved to another address."""
    email = crm.pick("emails")
    if email is None:
        return None
    who = invent.person(crm.dice)
    contact = crm.value(
        "UPDATE crm.emails SET address = %(address)s WHERE id = %(email)s RETURNING contact_id",
        email=email,
        address=invent.email(who.last_name, who.first_name, crm.dice),
    )
    return {"contact": contact, "email": email}
