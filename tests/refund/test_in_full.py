"""Whatever the parts: when an order was given back in full, so was each of its taxes, to the cent (I2)."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from tests.suite import agent

VAT_20 = {"code": "FR_VAT_20", "rate": "20"}
VAT_5 = {"code": "FR_VAT_5", "rate": "5.5"}
ECO = {"code": "ECO", "rate": "1.37"}


def awkward(number):
    """Prices, quantities and rates that divide by nothing; a discount over all of it: 337.67 with shipping."""
    made = ((3, 3333, [VAT_20]), (7, 1249, [VAT_5, ECO]), (11, 1401, [VAT_20, ECO]))
    product = {"product_id": "prd_lamp", "sku": "LAMP", "title": "Lamp"}
    lines = [
        {**product, "line_id": f"lin_{number}_{n}", "quantity": quantity, "unit_price": price, "taxes": taxes}
        for n, (quantity, price, taxes) in enumerate(made)
    ]
    shipping = [{"shipment_id": f"shp_{number}", "gross": 491, "taxes": [VAT_20]}]
    total = sum(line["quantity"] * line["unit_price"] for line in lines) - 877 + 491
    return {"lines": lines, "shipping": shipping, "discount": 877, "total": total}


def a_part(dice, order):
    """Some units of a line, an amount of one, or a gesture."""
    line = dice.choice(order["lines"])
    how = dice.random()
    if how < 0.2:
        return "commercial_gesture", {"amount": {"amount": dice.randint(1, 999), "currency": "EUR"}}
    if how < 0.4:
        return "post_shipment_lines", {"lines": [{"line_id": line["line_id"], "amount": dice.randint(1, 700)}]}
    return "post_shipment_lines", {"lines": [{"line_id": line["line_id"], "qty": dice.randint(1, 3)}]}


@pytest.mark.capability("I2")
@pytest.mark.parametrize("seed", range(6))
def test_an_order_given_back_part_by_part_gave_back_every_tax_to_the_cent(shop, seed):
    dice = random.Random(seed)
    order = shop.order("1001", shipped=True, **awkward("1001"))
    for _ in range(10):
        kind, args = a_part(dice, order)
        asked = {"order_id": order["id"], "kind": kind, "reason_code": "damaged_items", **args}
        shop.suite.call("refund.request", agent(), f"key-{dice.random()}", **asked)  # more than is left is refused
        shop.suite.settle()
    shop.request(order, "post_shipment_order", agent(), shipping=True)
    shop.suite.settle()

    seen = shop.envelope(order)
    assert (seen["succeeded"], seen["available"], seen["reserved"]) == (order["total"]["amount"], 0, 0)
    sold = {tax["code"]: tax["amount"] for tax in seen["taxes"]}
    assert len(sold) == 3
    assert {tax["code"]: tax["succeeded"] for tax in seen["taxes"]} == sold
    notes = [note.data for note in shop.suite.events("refund", "credit_note.issued")]
    assert len(notes) > 5
    assert sum(note["total"]["amount"] for note in notes) == order["total"]["amount"]
    credited = Counter()
    for note in notes:
        credited.update({tax["code"]: tax["amount"] for tax in note["taxes"]})
    assert credited == sold
