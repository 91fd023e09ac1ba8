"""The data plane: a connection on each side and the exchange between them."""
