"""The process that owns sockets, configuration and workers, and carries no traffic itself."""
