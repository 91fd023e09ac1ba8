"""The rule language: text in, predicates over requests out; no socket and no clock."""
