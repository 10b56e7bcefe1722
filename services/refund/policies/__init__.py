"""The refund service's decisions as data and pure functions: who may, how much, from which payment, who must agree."""

from services.refund.policies.amounts import Asked, AskedLine, plan, split
from services.refund.policies.approval import limits, must_be_approved
from services.refund.policies.eligibility import BY_HAND, check, reason_known, synced
from services.refund.policies.profiles import (
    APPROVAL_WITHIN,
    ASK_AGAIN_AFTER,
    QUOTE_VALID_FOR,
    REASONS,
    Profile,
    profile_of,
)
from services.refund.policies.verdicts import Verdict

__all__ = [
    "APPROVAL_WITHIN",
    "ASK_AGAIN_AFTER",
    "BY_HAND",
    "QUOTE_VALID_FOR",
    "REASONS",
    "Asked",
    "AskedLine",
    "Profile",
    "Verdict",
    "check",
    "limits",
    "must_be_approved",
    "plan",
    "profile_of",
    "reason_known",
    "split",
    "synced",
]
