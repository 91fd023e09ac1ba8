"""A named group of endpoints and how one is chosen."""
