"""How a refund will go, from the switches that strike the call and the test card the payment was made with."""

from collections.abc import Mapping

from services.simulator.ledger import Course
from services.simulator.records import Payment

SOON = 1.0  # seconds until a test card's refund moves by itself; long enough to see it pending on a page


def course_of(payment: Payment, effects: Mapping) -> Course:
    """The course of a new refund; a switch wins over the test card.

    The cards are Stripe's: docs.stripe.com/testing#refunds (4000000000007726 pends, 4000000000005126 fails later).
    """
    if "mode" in effects or "settle_after" in effects:
        return _switched(effects)
    if payment.method == "pm_card_pendingRefund":
        return Course("pending", SOON, "succeeded")
    if payment.method == "pm_card_refundFail":
        return Course("succeeded", SOON, "failed")
    return Course()


def _switched(effects: Mapping) -> Course:
    status = "succeeded" if effects.get("mode") == "instant" else "pending"
    if "settle_after" not in effects:
        return Course(status)
    settle_as = effects.get("settle_as", "succeeded")
    return Course(status) if settle_as == status else Course(status, effects["settle_after"], settle_as)
