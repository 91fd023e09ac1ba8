"""What the control plane finds out about endpoints by asking: their addresses, and whether they are well."""
