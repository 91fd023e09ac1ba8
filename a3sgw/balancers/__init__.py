"""One way to choose an endpoint per file; the file name is the strategy (`round_robin.py` is ``round-robin``)."""
