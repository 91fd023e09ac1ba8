"""Same-host comparison of the gateway with other proxies."""
