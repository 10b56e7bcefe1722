"""The refund service's decisions as data and pure functions: who may, how much, from which payment, who must agree."""

from services.refund.policies.amounts import Asked, AskedLine, plan, split
from services.refund.policies.approval import limits, must_be_approved
from services.refund.policies.eligibility import check, reason_known, synced
from services.refund.policies.execution import (
    ASK_FIRST_AFTER,
    KEY_HONOURED_FOR,
    PAID_BY_HAND,
    next_question,
    paid_at_once,
    provider_of,
)
from services.refund.policies.permissions import is_inside, may, sees
from services.refund.policies.profiles import (
    APPROVAL_WITHIN,
    ASK_AT,
    QUOTE_VALID_FOR,
    REASONS,
    Profile,
    profile_of,
)
from services.refund.policies.verdicts import Verdict

__all__ = [
    "APPROVAL_WITHIN",
    "ASK_AT",
    "ASK_FIRST_AFTER",
    "KEY_HONOURED_FOR",
    "PAID_BY_HAND",
    "QUOTE_VALID_FOR",
    "REASONS",
    "Asked",
    "AskedLine",
    "Profile",
    "Verdict",
    "check",
    "is_inside",
    "limits",
    "may",
    "must_be_approved",
    "next_question",
    "paid_at_once",
    "plan",
    "profile_of",
    "provider_of",
    "reason_known",
    "sees",
    "split",
    "synced",
]
