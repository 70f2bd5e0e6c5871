"""From a row changed in the CRM to a contact on the telephone."""
