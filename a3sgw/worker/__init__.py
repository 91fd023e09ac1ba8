"""A process that carries traffic and does what the supervisor says."""
