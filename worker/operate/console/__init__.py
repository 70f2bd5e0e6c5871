"""The page of the real job, and beside it `/metrics`, `/healthz` and `/readyz`."""
