"""Faults, done to the whole job as it runs, and what became of every contact: `make chaos`."""
