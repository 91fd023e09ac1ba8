"""One listening protocol per file."""
