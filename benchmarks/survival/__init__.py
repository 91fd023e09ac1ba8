"""What clients notice when one of ten endpoints is killed, stopped, breaks, or is slow."""
