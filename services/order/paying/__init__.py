"""Supplementary payments: a single-use link for an amount due (PAY-01 to PAY-06)."""
