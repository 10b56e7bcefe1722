"""Which refunds wait for a second person: REF-03 or REF-04."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from services.refund.model import RefundLedger
from services.refund.policies.profiles import Limits, Profile
from services.refund.policies.verdicts import Verdict
from shared.kernel.money import exponent
from shared.kernel.principal import Principal

NO_LIMIT = Limits(refund=0, gestures=0)


@dataclass(frozen=True, slots=True)
class Given:
    """The gestures that one person gave in the last 24 hours, in minor units."""

    count: int = 0
    amount: int = 0


def limits(
    ledger: RefundLedger, profile: Profile, who: Principal, kind: str, amount: int, given: Given | None = None
) -> list[Verdict]:
    """REF-03, T20: the limits of the role in this profile, and whether the request came by a door that can be forged.

    What the suite itself owes (a refused line, a cancelled order) has no limit: nobody chose the amount.
    """
    version = profile.revision
    if who.role == "system":
        return [Verdict("REF-03", True, {"requested_by": "system"}, version)]
    allowed, unit = profile.limits.get(who.role, NO_LIMIT), 10 ** exponent(ledger.currency)
    facts = {"role": who.role, "amount": amount, "limit": allowed.refund * unit}
    verdicts = [
        Verdict("REF-03", amount <= allowed.refund * unit, facts, version),
        Verdict("REF-04", who.via != "email", {"via": who.via}),
    ]
    if kind == "commercial_gesture":
        gestures = ledger.gestured + amount
        facts = {"role": who.role, "gestures": gestures, "limit": allowed.gestures * unit}
        verdicts.append(Verdict("T20", gestures <= allowed.gestures * unit, facts, version))
        verdicts.append(_velocity(allowed, who, amount, given or Given(), unit, version))
    return verdicts


def _velocity(allowed: Limits, who: Principal, amount: int, given: Given, unit: int, version: int) -> Verdict:
    """T20: a stolen session gives many small gestures, each under every other limit."""
    count, total = given.count + 1, given.amount + amount
    facts = {
        "role": who.role,
        "count": count,
        "most": allowed.daily_count,
        "amount": total,
        "limit": allowed.daily * unit,
    }
    return Verdict("T20-V", count <= allowed.daily_count and total <= allowed.daily * unit, facts, version)


def must_be_approved(verdicts: Iterable[Verdict]) -> list[str]:
    """The rules that ask for a second person; empty when policy alone approves."""
    return [verdict.rule for verdict in verdicts if not verdict.passed]
