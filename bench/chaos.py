"""Kill every process and the broker under load, then count what was lost, doubled, invented or reordered."""
