"""Rules tried on decisions of the past, by the facts that were stored with them (N9)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from services.refund.model import Refund
from services.refund.policies.approval import NO_LIMIT
from services.refund.policies.profiles import Profile
from services.refund.policies.verdicts import APPROVAL, PASSED, REFUSED
from shared.kernel.calendar import months_end, zone_named
from shared.kernel.clock import moment
from shared.kernel.money import exponent


def decided_by(profile: Profile, refund: Refund, facts: dict[str, dict[str, Any]]) -> str:
    """passed (policy alone approves), approval (a second person) or refused, under these rules.

    facts: what each rule saw. What no number of the rules changes (E1, E2, M9) was accepted then and is so here.
    """
    role = refund.requested_by["type"]
    if role not in profile.requesters or _too_late(profile, facts.get("E3")):
        return REFUSED
    chosen = profile.instruments.get(role, ())
    if refund.instrument != "original" and refund.instrument not in chosen:
        return REFUSED
    allowed, unit = profile.limits.get(role, NO_LIMIT), 10 ** exponent(refund.currency)
    amount = facts.get("REF-03", {}).get("amount", refund.amount)
    waits = amount > allowed.refund * unit
    if order := facts.get("T20"):
        waits = waits or order["gestures"] > allowed.gestures * unit
    if day := facts.get("T20-V"):
        waits = waits or day["count"] > allowed.daily_count or day["amount"] > allowed.daily * unit
    waits = waits or refund.requested_by.get("via") == "email" or _disputed(facts.get("E7", {}))
    return APPROVAL if waits else PASSED


def _disputed(seen: dict[str, Any]) -> bool:
    """E7 is about open disputes; a lost one took its money and stops nothing. Old decisions tell the amount alone."""
    return bool(seen.get("open", seen.get("chargeback")))


def _too_late(profile: Profile, window: dict[str, Any] | None) -> bool:
    """E3 with other months; a refund that was decided without a window has no date to judge by."""
    if not profile.limit_months or window is None:
        return False
    until = months_end(moment(window["bought"]), profile.limit_months, zone_named(window["zone"]))
    return moment(window["asked"]) > until


@dataclass(slots=True)
class Outcomes:
    """Of one seller: how many refunds and how much money, under the rules in force and under those tried."""

    now: dict[str, list[int]] = field(default_factory=lambda: {word: [0, 0] for word in (PASSED, APPROVAL, REFUSED)})
    then: dict[str, list[int]] = field(default_factory=lambda: {word: [0, 0] for word in (PASSED, APPROVAL, REFUSED)})
    changed: int = 0

    def count(self, amount: int, before: str, after: str) -> None:
        for side, word in ((self.now, before), (self.then, after)):
            side[word][0] += 1
            side[word][1] += amount
        self.changed += before != after

    def data(self) -> dict[str, Any]:
        """change: (tried − in force) of what policy alone lets out, and of what is refused, in minor units."""
        sides = {
            name: {word: {"count": found[0], "amount": found[1]} for word, found in side.items()}
            for name, side in (("in_force", self.now), ("tried", self.then))
        }
        change = {word: self.then[word][1] - self.now[word][1] for word in (PASSED, APPROVAL, REFUSED)}
        return {**sides, "changed": self.changed, "change": change}
