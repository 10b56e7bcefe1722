"""The outside of the order service: one file per provider."""
