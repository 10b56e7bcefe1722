"""Which refunds wait for a second person: REF-03 or REF-04."""

from __future__ import annotations

from services.refund.model import RefundLedger
from services.refund.policies.profiles import Limits, Profile
from services.refund.policies.verdicts import Verdict
from shared.kernel.money import exponent
from shared.kernel.principal import Principal

NO_LIMIT = Limits(refund=0, gestures=0)


def limits(ledger: RefundLedger, profile: Profile, who: Principal, kind: str, amount: int) -> list[Verdict]:
    """REF-03, T20: the limits of the role in this profile, and whether the request came by a door that can be forged.

    What the suite itself owes (a refused line, a cancelled order) has no limit: nobody chose the amount.
    """
    if who.role == "system":
        return [Verdict("REF-03", True, {"requested_by": "system"})]
    allowed, unit = profile.limits.get(who.role, NO_LIMIT), 10 ** exponent(ledger.currency)
    verdicts = [
        Verdict("REF-03", amount <= allowed.refund * unit, {"amount": amount, "limit": allowed.refund * unit}),
        Verdict("REF-04", who.via != "email", {"via": who.via}),
    ]
    if kind == "commercial_gesture":
        gestures = ledger.gestured + amount
        facts = {"gestures": gestures, "limit": allowed.gestures * unit}
        verdicts.append(Verdict("T20", gestures <= allowed.gestures * unit, facts))
    return verdicts


def must_be_approved(verdicts: list[Verdict]) -> list[str]:
    """The rules that ask for a second person; empty when policy alone approves."""
    return [verdict.rule for verdict in verdicts if not verdict.passed]
