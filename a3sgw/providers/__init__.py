"""Where configuration comes from: one source per file."""
