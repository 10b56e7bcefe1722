"""The refund service's decisions as data and pure functions: who may, how much, from which payment, who must agree."""

from services.refund.policies.amounts import Asked, AskedLine, of_return, plan, subscriptions_of
from services.refund.policies.approval import Given, limits, must_be_approved
from services.refund.policies.eligibility import EVERYWHERE, Case, accepted, check, judge, reason_known, synced
from services.refund.policies.execution import (
    ASK_FIRST_AFTER,
    IN_HOUSE,
    PAID_BY_HAND,
    next_question,
    paid_when_approved,
    provider_of,
)
from services.refund.policies.payments import funded, split
from services.refund.policies.permissions import is_inside, may, sees
from services.refund.policies.profiles import (
    APPROVAL_WITHIN,
    ASK_AT,
    DEDUCTIONS,
    PROFILES,
    QUOTE_VALID_FOR,
    REASONS,
    VELOCITY_WINDOW,
    Limits,
    Profile,
    changed,
    profile_of,
)
from services.refund.policies.retrying import still_there, units_of, wishes_of
from services.refund.policies.verdicts import Verdict, explained, refused

__all__ = [
    "APPROVAL_WITHIN",
    "ASK_AT",
    "ASK_FIRST_AFTER",
    "DEDUCTIONS",
    "EVERYWHERE",
    "IN_HOUSE",
    "PAID_BY_HAND",
    "PROFILES",
    "QUOTE_VALID_FOR",
    "REASONS",
    "VELOCITY_WINDOW",
    "Asked",
    "AskedLine",
    "Case",
    "Given",
    "Limits",
    "Profile",
    "Verdict",
    "accepted",
    "changed",
    "check",
    "explained",
    "funded",
    "is_inside",
    "judge",
    "limits",
    "may",
    "must_be_approved",
    "next_question",
    "of_return",
    "paid_when_approved",
    "plan",
    "profile_of",
    "provider_of",
    "reason_known",
    "refused",
    "sees",
    "split",
    "still_there",
    "subscriptions_of",
    "synced",
    "units_of",
    "wishes_of",
]
