"""Filters that somebody keeps under a name."""
