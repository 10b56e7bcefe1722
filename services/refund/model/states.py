"""The states of a refund and the only ways between them (REF-01 to REF-15)."""

from __future__ import annotations

# (state, action) → next state; the only ways a refund may go
TRANSITIONS: dict[tuple[str, str], str] = {
    ("requested", "approve"): "approved",  # REF-03, by policy
    ("requested", "await_approval"): "pending_approval",  # REF-04
    ("pending_approval", "approve"): "approved",  # REF-05
    ("pending_approval", "reject"): "rejected",  # REF-06
    ("requested", "cancel"): "cancelled",  # REF-07
    ("pending_approval", "cancel"): "cancelled",
    ("approved", "cancel"): "cancelled",
    ("approved", "execute"): "processing",  # REF-08
    ("processing", "succeed"): "succeeded",  # REF-09
    ("processing", "fail"): "failed",  # REF-10
    ("processing", "lose_sight"): "unknown",  # REF-11
    ("unknown", "lose_sight"): "unknown",  # REF-12, still open
    ("unknown", "succeed"): "succeeded",
    ("unknown", "fail"): "failed",
    ("succeeded", "reverse"): "reversed",  # REF-14
}
IN_FLIGHT = frozenset({"requested", "pending_approval", "approved", "processing", "unknown"})
FINAL = frozenset({"rejected", "cancelled", "failed", "succeeded", "reversed"})
