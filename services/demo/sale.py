"""The sale that the story tells, to the cent. The figures are worked out by hand from the rules named beside them."""

from __future__ import annotations

from typing import Any

VAT_20, VAT_5_5 = {"code": "FR_VAT_20", "rate": "20"}, {"code": "FR_VAT_5_5", "rate": "5.5"}

# 2 × 45.00 + 3 × 12.90 − 7.50 + 4.90
TOTAL = 12610
# The discount of 7.50 is spread by largest remainder: 5.24 and 2.26 (M4), so the lines are 84.76 and 36.44.
# One of two lamps is ⌊84.76 / 2⌋, one of three teas ⌊36.44 / 3⌋ (M5): 42.38 + 12.14.
REFUND = 5452
# 84.76 holds 14.13 at 20 %, 36.44 holds 1.90 at 5.5 % (M3). Half of the one and a third of the other, half up (M6).
TAXES = {"FR_VAT_20": 707, "FR_VAT_5_5": 63}
LEFT = TOTAL - REFUND

COMPLAINT = {
    "fr": "Bonjour, une des deux lampes est cassée et une boîte de thé est trempée.",
    "en": "Hello, one of the two lamps is broken and one box of tea is soaked.",
}
ANSWER = {
    "fr": "Je suis désolée. Nous vous remboursons la lampe et le thé, vous n'avez rien à renvoyer.",
    "en": "I am sorry. We refund the lamp and the tea, and you need not send anything back.",
}

MAILS: dict[str, list[tuple[str, str]]] = {
    "placed": [("customer", "order_placed"), ("seller", "order_placed")],
    "paid": [("customer", "order_state_changed")],
    "shipped": [("customer", "order_state_changed"), ("customer", "parcel_added")],
    "delivered": [("customer", "order_state_changed")],
    "reported": [("customer", "claim_opened"), ("seller", "claim_opened")],
    "answered": [("customer", "message_posted")],
    "agreed": [
        ("customer", "credit_note_issued"),
        ("customer", "refund_succeeded"),
        ("customer", "resolution_chosen"),
        ("seller", "refund_succeeded"),
    ],
    "confirmed": [("customer", "claim_resolved"), ("seller", "claim_resolved")],
}
"""Who is told what at each step (spec 5.6), and nobody else."""


def order(number: str, customer: dict[str, str], seller_id: str) -> dict[str, Any]:
    """Two lamps and three boxes of tea, two tax rates, a discount over the lines, and shipping."""
    lamp = {"product_id": "prd_lamp", "sku": "LAMP", "title": "Brass lamp", "quantity": 2, "unit_price": 4500}
    tea = {"product_id": "prd_tea", "sku": "TEA", "title": "Green tea, 100 g", "quantity": 3, "unit_price": 1290}
    return {
        "number": number,
        "marketplace": "story",
        "profile": "issue",
        "seller_id": seller_id,
        "customer": customer,
        "currency": "EUR",
        "lines": [
            {"line_id": f"lin_{number}_1", "taxes": [VAT_20], **lamp},
            {"line_id": f"lin_{number}_2", "taxes": [VAT_5_5], **tea},
        ],
        "discount": 750,
        "shipping": [{"gross": 490, "taxes": [VAT_20]}],
        "total": TOTAL,
    }


def damaged(number: str) -> list[dict[str, Any]]:
    """One unit of each line."""
    return [{"line_id": f"lin_{number}_1", "qty": 1}, {"line_id": f"lin_{number}_2", "qty": 1}]


def decimal(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"


def euros(minor: int) -> str:
    return f"{decimal(minor)} EUR"
