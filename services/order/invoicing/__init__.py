"""Invoices: who sells, who is billed, gapless numbers, and the document's content (ORD-14)."""
