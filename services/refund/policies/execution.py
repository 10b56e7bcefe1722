"""How a refund is paid, and what is asked when its outcome is not known: REF-08, REF-11, REF-12."""

from __future__ import annotations

from datetime import timedelta

from services.refund.model import Refund
from services.refund.policies.eligibility import PROMISES
from services.refund.policies.profiles import ASK_AT, Profile

PAID_BY_HAND = "by_hand"  # a person pays and records the reference
IN_HOUSE = "in_house"  # a coupon or store credit: nobody outside is called
_AUTOMATIC = frozenset({"stripe", "paypal"})
# Shorter than the lease of a job: whoever takes a job over from a process that died asks before it sends.
ASK_FIRST_AFTER = timedelta(seconds=20)


def provider_of(payment_provider: str, instrument: str, instant: bool) -> str:
    """Who pays: the provider of the payment where we can call it, else a person. `instant` is for benchmarks."""
    if instrument in PROMISES:
        return IN_HOUSE
    if instrument not in ("original", "paypal") or (instrument == "paypal" and payment_provider != "paypal"):
        return PAID_BY_HAND
    if instant:
        return "instant"
    return payment_provider if payment_provider in _AUTOMATIC else PAID_BY_HAND


def paid_when_approved(profile: Profile, refund: Refund) -> bool:
    """REF-08: executed by itself as soon as it is approved. Where the merchant executes, his own wish is that.

    A subscription follows its product's refund (M14).
    """
    if refund.kind == "linked_subscription" or refund.provider == PAID_BY_HAND or profile.execution == "platform":
        return False
    return profile.execution == "automatic" or refund.requested_by["type"] in ("seller", "integrator", "system")


def next_question(asked: int) -> timedelta | None:
    """How long to wait after `asked` questions before the next; None when it was asked often enough."""
    if asked >= len(ASK_AT):
        return None
    return ASK_AT[asked] - (ASK_AT[asked - 1] if asked else timedelta())
