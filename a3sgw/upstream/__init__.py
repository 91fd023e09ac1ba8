"""The endpoint's side of the gateway: addresses, pooled connections, and what they say."""
