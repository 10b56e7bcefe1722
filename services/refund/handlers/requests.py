"""Asking for refunds: by command, by retry, and for the reactions that owe one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from services.refund.access import asked_of, claim_for, ledger_for
from services.refund.handlers.paying import start_paying
from services.refund.model import ClaimFacts, Payment, Refund, RefundLedger, Wish
from services.refund.policies import (
    APPROVAL_WITHIN,
    Asked,
    Profile,
    check,
    limits,
    must_be_approved,
    paid_at_once,
    plan,
    profile_of,
    provider_of,
    reason_known,
    split,
)
from services.refund.storage import save_ledger
from services.refund.views import refund_view
from shared.kernel.errors import NotInThisState
from shared.kernel.principal import Principal
from shared.runtime.unit_of_work import Context


@dataclass(frozen=True, slots=True)
class Wanted:
    """A refund that somebody wants: what of the order, why, how paid, for which claim."""

    asked: Asked
    reason_code: str
    instrument: str = "original"
    claim_id: str | None = None
    refund_id: str | None = None
    retry_of: str | None = None


def request_refund(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """REF-02, S0-18…20: reserve, then approve by policy or wait for a second person; the answer is the refund.

    An order paid by several payments is refunded in several refunds, one per payment: `parts` names them all (M11).
    """
    ledger = ledger_for(ctx, args["order_id"], "request")
    reason_known(args["reason_code"])
    claim = claim_for(ctx, ledger, args.get("claim_id"))
    wanted = Wanted(asked_of(ledger, args), args["reason_code"], args["instrument"], args.get("claim_id"))
    made = begin(ctx, ledger, ctx.principal, wanted, claim)
    return {**refund_view(made[0], ctx.principal), "parts": [one.id for one in made]}


def retry_refund(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """REF-13: a new refund of the same parts and amounts, with a reservation and a key of its own."""
    failed = ctx.get_for_change(Refund, args["refund_id"])
    ledger = ledger_for(ctx, failed.order_id, "retry")
    if failed.state != "failed":
        raise NotInThisState(kind="refund", state=failed.state, action="retry")
    wishes = [
        Wish(piece.kind, piece.part_id, piece.amount, piece.before, piece.after, piece.goodwill)
        for piece in failed.slices
    ]
    wanted = Wanted(
        Asked(failed.kind),
        failed.reason_code,
        args.get("instrument", "original"),
        failed.claim_id,
        retry_of=failed.id,
    )
    claim = claim_for(ctx, ledger, failed.claim_id)
    made = begin(ctx, ledger, ctx.principal, wanted, claim, wishes)
    return {**refund_view(made[0], ctx.principal), "parts": [one.id for one in made]}


def begin(
    ctx: Context,
    ledger: RefundLedger,
    who: Principal,
    wanted: Wanted,
    claim: ClaimFacts | None,
    wishes: list[Wish] | None = None,
) -> list[Refund]:
    """Check, reserve, decide and save: one refund per payment that takes part. Raises the refusal of any rule."""
    profile = profile_of(ledger.profile)
    verdicts = check(ledger, profile, who, claim, wanted.instrument)
    wishes = plan(ledger, profile, wanted.asked) if wishes is None else wishes
    verdicts += limits(ledger, profile, who, wanted.asked.kind, sum(wish.amount for wish in wishes))
    made: list[Refund] = []
    for payment, mine in split(ledger, profile, wishes):
        made.append(_reserve(ctx, ledger, who, wanted, payment, mine, made[0].id if made else None))
    for refund in made:
        refund.verdicts = [verdict.data() for verdict in verdicts]
        _decide(ctx, ledger, profile, refund, must_be_approved(verdicts))
        ctx.save(refund)
    save_ledger(ctx, ledger)
    return made


def _reserve(
    ctx: Context,
    ledger: RefundLedger,
    who: Principal,
    wanted: Wanted,
    payment: Payment,
    wishes: list[Wish],
    parent_id: str | None,
) -> Refund:
    own_id = wanted.refund_id if parent_id is None else None
    return Refund.request(
        ledger,
        wishes,
        ctx.now,
        id=own_id or ctx.new_id("rfd"),
        claim_id=wanted.claim_id,
        parent_id=parent_id,
        retry_of=wanted.retry_of,
        kind=wanted.asked.kind,
        instrument=wanted.instrument,
        provider=provider_of(payment.provider, wanted.instrument, ctx.settings.instant_provider),
        payment_id=payment.id,
        payment_ref=payment.provider_ref,
        reason_code=wanted.reason_code,
        requested_by=who.actor,
    )


def _decide(ctx: Context, ledger: RefundLedger, profile: Profile, refund: Refund, rules: list[str]) -> None:
    """REF-03 or REF-04; what policy approves is paid at once where the profile says so."""
    if rules:
        refund.await_approval(ledger, rules)
        ctx.schedule("approval_expired", refund.id, ctx.now + APPROVAL_WITHIN)
        return
    refund.approve_by_policy(ledger, ctx.now)
    if paid_at_once(profile, refund.provider):
        start_paying(ctx, ledger, refund)
