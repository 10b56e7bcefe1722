"""Chaos and measurement of the whole suite as processes, on a real broker and database."""
