"""Journeys first, then each part; what servers they need is in `servers`."""
