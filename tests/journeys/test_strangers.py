"""Whether somebody else's order exists is nobody's business (T01)."""

from __future__ import annotations

import pytest

from tests.suite import PARCEL, customer, integrator, order_args, payment_args, seller


@pytest.mark.capability("T01")
@pytest.mark.parametrize(
    ("operation", "stranger", "args"),
    [
        ("claim.open", customer("cus_2"), {"reason_code": "damaged_items", "text": "x"}),
        ("refund.quote", seller("sel_2"), {"kind": "post_shipment_order"}),
        ("refund.request", seller("sel_2"), {"kind": "post_shipment_order", "reason_code": "other"}),
        ("refund.envelope", customer("cus_2"), {}),
        ("thread.open", seller("sel_2"), {"text": "Hello"}),
        ("order.get", customer("cus_2"), {}),
        ("order.ship", seller("sel_2"), {"parcel": PARCEL}),
    ],
)
def test_a_foreign_order_is_answered_like_one_that_never_was(suite, operation, stranger, args):
    order = suite.do("order.place", integrator(), **order_args())
    suite.do("order.capture_payment", integrator(), **payment_args(order))
    suite.settle()
    foreign = suite.refused(operation, stranger, order_id=order["id"], **args)
    never = suite.refused(operation, stranger, order_id="ord_never", **args)
    assert (foreign["status"], foreign["code"]) == (never["status"], never["code"])
    assert str(foreign).replace(order["id"], "ord_never") == str(never)
