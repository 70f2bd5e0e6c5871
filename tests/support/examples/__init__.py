"""The CRMs of `examples/`: what a day does to them, and what should then be on the telephone."""
