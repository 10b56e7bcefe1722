"""How many of a seller's orders get a problem reported (S2-26, S2-27), and how far he is from the limit (N7)."""
