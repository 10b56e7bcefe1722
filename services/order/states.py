"""The states that every marketplace starts with, until it brings its own lists (S4-03, S4-04).

A public state may be bound to a phase: reaching the phase shows it. `by_hand`: people may set it, in `phases` only when
there are any. The same code may stand in both lists (A25).
"""

from __future__ import annotations

from typing import Any


def _public(code: str, fr: str, en: str, phase: str | None = None, by_hand: bool = False) -> dict[str, Any]:
    return {"code": code, "label": {"fr": fr, "en": en}, "phase": phase, "by_hand": by_hand, "phases": []}


PUBLIC_STATES = [
    _public("awaiting_payment", "En attente de paiement", "Awaiting payment", "awaiting_payment"),
    _public("fianet_inspection", "Contrôle Fianet", "Fianet inspection", by_hand=True),
    _public("awaiting_stock", "En attente de stock", "Awaiting stock", by_hand=True),
    _public("preparing", "En préparation", "In preparation", "paid", by_hand=True),
    _public("partly_sent", "Expédiée en partie", "Partly sent", "partially_shipped"),
    _public("delivery_in_progress", "En cours de livraison", "Delivery in progress", "shipped", by_hand=True),
    _public("delivered", "Livrée", "Delivered", "delivered"),
    _public("cancelled", "Annulée", "Cancelled", "cancelled"),
]
INTERNAL_STATES = [
    {"code": "fianet_inspection", "label": {"fr": "Contrôle Fianet", "en": "Fianet inspection"}},
    {"code": "fraud_inspection", "label": {"fr": "Contrôle fraude", "en": "Fraud inspection"}},
    {"code": "out_of_stock", "label": {"fr": "Rupture de stock", "en": "Out of stock"}},
    {"code": "clear", "label": {"fr": "Rien à signaler", "en": "Nothing to report"}},
]
FINAL_PHASES = frozenset({"completed", "cancelled"})
ISSUE_REPORTED = {"code": "issue_reported", "label": {"fr": "Problème signalé", "en": "Issue reported"}}
