"""Who sees which claims."""
