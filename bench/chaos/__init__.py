"""`make chaos`: kill everything under load, then count what it did to the books."""
