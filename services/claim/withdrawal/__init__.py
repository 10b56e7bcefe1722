"""Withdrawing from a contract: stated, confirmed, receipted."""
