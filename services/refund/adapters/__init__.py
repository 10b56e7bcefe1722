"""The outside of the refund service: one file per provider."""
