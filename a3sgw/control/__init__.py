"""What the control plane and the workers say to each other."""
