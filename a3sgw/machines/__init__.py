"""Policies as values: outcomes and the time go in, decisions come out; no socket, no clock, no task."""
