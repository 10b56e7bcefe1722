"""From a wish to its verdicts, amounts and payments: the same for a quote, a request and an explanation."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from services.refund import queries
from services.refund.access import rules_of
from services.refund.model import ClaimFacts, Payment, RefundLedger, ReturnFacts, Wish
from services.refund.model.refusals import FundingNotAllowed, ReturnRequired
from services.refund.policies import (
    EVERYWHERE,
    VELOCITY_WINDOW,
    Asked,
    Case,
    Given,
    Profile,
    Verdict,
    check,
    funded,
    judge,
    limits,
    of_return,
    plan,
    refused,
    split,
    still_there,
    units_of,
)
from shared.kernel.errors import NotFound, Refusal
from shared.kernel.principal import Principal
from shared.runtime.unit_of_work import Context


@dataclass(frozen=True, slots=True)
class Wanted:
    """A refund that somebody wants: what of the order, why, how paid, for which claim or return.

    funding: who bears it (M21). asked_at: when it was first asked for, where this is a retry or follows a claim.
    quote_id: of the quote that it must be equal to (REF-01).
    """

    asked: Asked
    reason_code: str
    instrument: str = "original"
    claim_id: str | None = None
    refund_id: str | None = None
    retry_of: str | None = None
    return_id: str | None = None
    funding: list[dict[str, Any]] = field(default_factory=list)
    asked_at: datetime | None = None
    quote_id: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What the rules say: which payment pays which wishes, and who bears each part."""

    profile: Profile
    verdicts: list[Verdict]
    parts: list[tuple[Payment, list[Wish]]]
    funding: list[list[dict[str, Any]]]

    @property
    def amount(self) -> int:
        return sum(wish.amount for _, wishes in self.parts for wish in wishes)


def decide(
    ctx: Context,
    ledger: RefundLedger,
    who: Principal,
    wanted: Wanted,
    claim: ClaimFacts | None,
    wishes: list[Wish] | None = None,
) -> Decision:
    """Raises the refusal of the first rule that says no. wishes: those of a refund that is tried anew (REF-13)."""
    profile = rules_of(ctx, ledger.profile)
    verdicts = check(_case(ctx, ledger, profile, who, wanted, claim))
    if wishes is None:
        wishes = plan(ledger, profile, _of_return(ctx, wanted))
    else:
        wishes = _tried_anew(ctx, ledger, wanted, wishes)
    amount = sum(wish.amount for wish in wishes)
    verdicts += limits(ledger, profile, who, wanted.asked.kind, amount, _given(ctx, who, wanted.asked.kind))
    parts = split(ledger, profile, wishes, wanted.instrument)
    _check_bearers(ledger, who, wanted)
    amounts = [sum(wish.amount for wish in mine) for _, mine in parts]
    return Decision(profile, verdicts, parts, funded(wanted.funding, amounts))


def explain(ctx: Context, ledger: RefundLedger, who: Principal, wanted: Wanted) -> list[Verdict]:
    """N4: what each rule says to `who` now, refusals included."""
    profile = rules_of(ctx, ledger.profile)
    verdicts = judge(_case(ctx, ledger, profile, who, wanted, None))
    try:
        wishes = plan(ledger, profile, wanted.asked)
    except Refusal as refusal:
        return [*verdicts, refused(refusal, facts={"available": ledger.available})]
    amount = sum(wish.amount for wish in wishes)
    verdicts.append(Verdict("M9", True, {"amount": amount, "available": ledger.available}))
    return verdicts + limits(ledger, profile, who, wanted.asked.kind, amount, _given(ctx, who, wanted.asked.kind))


def _case(
    ctx: Context, ledger: RefundLedger, profile: Profile, who: Principal, wanted: Wanted, claim: ClaimFacts | None
) -> Case:
    contacted = None
    if wanted.reason_code == "malfunction" and profile.limit_months:
        contacted = queries.after_sales_since(ctx, ledger.id)
    asked_at = wanted.asked_at or ctx.now
    zone = ctx.settings.zone(ledger.marketplace) if profile.limit_months else EVERYWHERE
    return Case(ledger, profile, who, asked_at, claim, wanted.instrument, wanted.reason_code, contacted, zone)


def _given(ctx: Context, who: Principal, kind: str) -> Given | None:
    """Only gestures are counted: the other kinds end at what was bought."""
    if kind != "commercial_gesture" or who.role == "system":
        return None
    return Given(*queries.gestures_since(ctx, who.id, ctx.now - VELOCITY_WINDOW))


def _of_return(ctx: Context, wanted: Wanted) -> Asked:
    """E6. Raises ReturnRequired, and NotFound for a return that is not closed or of another order."""
    if wanted.asked.kind != "return":
        return wanted.asked
    if wanted.return_id is None:
        raise ReturnRequired()
    found = ctx.get(ReturnFacts, wanted.return_id)
    if found is None:
        raise NotFound(kind="return", id=wanted.return_id)
    taken = queries.units_of_return(ctx, found.id)
    return of_return(wanted.asked, {line: units - taken.get(line, 0) for line, units in found.units.items()})


def _tried_anew(ctx: Context, ledger: RefundLedger, wanted: Wanted, wishes: list[Wish]) -> list[Wish]:
    """E1 and E6 as they stand today, not as they stood when the refund was asked for first."""
    if units := units_of(wishes):
        _of_return(ctx, replace(wanted, asked=replace(wanted.asked, lines=units)))
    return still_there(ledger, wanted.asked.kind, wishes)


def _check_bearers(ledger: RefundLedger, who: Principal, wanted: Wanted) -> None:
    """M21: a seller does not spend the platform's money. Raises FundingNotAllowed."""
    if who.is_staff or who.role == "system":
        return
    if any((share["party"], share["id"]) != ("seller", ledger.seller_id) for share in wanted.funding):
        raise FundingNotAllowed()
