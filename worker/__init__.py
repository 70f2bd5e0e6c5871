"""From a row changed in the CRM to a contact on the telephone."""

__version__ = "0.2.0"
