"""From what the operator writes to frozen, checked values: HCL, models, diagnostics."""
