"""The stand-in for Ringostat's API: its published rules over real HTTP, faults on request, a contact book."""

from worker.local.sandbox.server import Sandbox, serve

__all__ = ["Sandbox", "serve"]
