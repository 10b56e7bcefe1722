"""Returns, RET-01 to RET-09: goods on their way back, counted unit by unit."""
