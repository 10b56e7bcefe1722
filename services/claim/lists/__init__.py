"""How pages of claims are read."""
