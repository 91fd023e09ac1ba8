"""HTTP as values and bytes: no socket, no clock."""
