"""Answers that are being written: kept on the server, seen by colleagues, and not sent past one another (B15)."""
