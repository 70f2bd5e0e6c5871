"""What `make bench` runs: the product beside a floor and beside its peers, in one run, on one machine."""
