"""How a refund is paid, and what is asked when its outcome is not known: REF-08, REF-11, REF-12."""

from __future__ import annotations

from datetime import timedelta

from services.refund.policies.profiles import ASK_AT, Profile

PAID_BY_HAND = "by_hand"  # a person pays and records the reference
_AUTOMATIC = frozenset({"stripe"})
# Shorter than the lease of a job: whoever takes a job over from a process that died asks before it sends.
ASK_FIRST_AFTER = timedelta(seconds=20)
# Stripe forgets a key after 24 hours: later than this the same key would pay again.
KEY_HONOURED_FOR = timedelta(hours=23)


def provider_of(payment_provider: str, instrument: str, instant: bool) -> str:
    """Who pays: the provider of the payment where we can call it, else a person. `instant` is for benchmarks."""
    if instrument != "original":
        return PAID_BY_HAND
    if instant:
        return "instant"
    return payment_provider if payment_provider in _AUTOMATIC else PAID_BY_HAND


def paid_at_once(profile: Profile, provider: str) -> bool:
    """REF-08: executed by itself as soon as it is approved."""
    return profile.execution == "automatic" and provider != PAID_BY_HAND


def next_question(asked: int) -> timedelta | None:
    """How long to wait after `asked` questions before the next; None when it was asked often enough."""
    if asked >= len(ASK_AT):
        return None
    return ASK_AT[asked] - (ASK_AT[asked - 1] if asked else timedelta())
