"""Asking for refunds: by command, by retry, and for the reactions that owe one."""

from __future__ import annotations

from typing import Any

from services.refund import queries
from services.refund.access import asked_of, claim_for, ledger_for
from services.refund.decision import Decision, Wanted, decide
from services.refund.handlers.paying import pay_with, start_paying
from services.refund.model import ClaimFacts, Payment, Refund, RefundLedger, ReturnFacts, Wish
from services.refund.model.refusals import AlreadyRetried
from services.refund.policies import (
    APPROVAL_WITHIN,
    Asked,
    must_be_approved,
    paid_when_approved,
    provider_of,
    reason_known,
    split,
    subscriptions_of,
    wishes_of,
)
from services.refund.quoting import hold_to
from services.refund.showing import shown
from services.refund.storage import save_ledger
from shared.kernel.errors import NotFound, NotInThisState
from shared.kernel.principal import Principal
from shared.runtime.unit_of_work import Context


def request_refund(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """REF-02, S0-18…20: reserve, then approve by policy or wait for a second person; the answer is the refund.

    An order paid by several payments is refunded in several refunds, one per payment: `parts` names them all (M11),
    those of linked subscriptions included (M14).
    """
    ledger = ledger_for(ctx, args["order_id"], "request")
    reason_known(args["reason_code"])
    claim = claim_for(ctx, ledger, args.get("claim_id"))
    made = begin(ctx, ledger, ctx.principal, wanted_of(ctx, ledger, args), claim)
    return {**shown(ctx, made[:1])[0], "parts": [one.id for one in made]}


def wanted_of(ctx: Context, ledger: RefundLedger, args: dict[str, Any]) -> Wanted:
    """The arguments of a request or a quote. Raises NotFound for a return of another order."""
    return_id = args.get("return_id")
    if return_id is not None:
        found = ctx.get(ReturnFacts, return_id)
        if found is None or found.order_id != ledger.id:
            raise NotFound(kind="return", id=return_id)
    return Wanted(
        asked_of(ledger, args),
        args.get("reason_code", "other"),
        args["instrument"],
        args.get("claim_id"),
        return_id=return_id,
        funding=args["funding"],
        quote_id=args.get("quote_id"),
    )


def retry_refund(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """REF-13: a new refund of the same parts and amounts, with a reservation and a key of its own.

    Once: whoever tries it a second time would pay a second time. Raises AlreadyRetried with the refund that stands.
    """
    failed = ctx.get_for_change(Refund, args["refund_id"])
    ledger = ledger_for(ctx, failed.order_id, "retry")
    if failed.state != "failed":
        raise NotInThisState(kind="refund", state=failed.state, action="retry")
    if retry_id := queries.retries_of(ctx, [failed.order_id]).get(failed.id):
        raise AlreadyRetried(refund_id=retry_id)
    deductions = tuple((one["code"], one["amount"]) for one in failed.deductions)
    wanted = Wanted(
        Asked(failed.kind, deductions=deductions),
        failed.reason_code,
        args.get("instrument", failed.instrument),
        failed.claim_id,
        retry_of=failed.id,
        return_id=failed.return_id,
        funding=failed.shares,
        asked_at=failed.requested_at,
    )
    claim = claim_for(ctx, ledger, failed.claim_id)
    made = begin(ctx, ledger, ctx.principal, wanted, claim, wishes_of(failed.slices))
    return {**shown(ctx, made[:1])[0], "parts": [one.id for one in made]}


def begin(
    ctx: Context,
    ledger: RefundLedger,
    who: Principal,
    wanted: Wanted,
    claim: ClaimFacts | None,
    wishes: list[Wish] | None = None,
) -> list[Refund]:
    """Check, reserve, decide and save: one refund per payment that takes part. Raises the refusal of any rule."""
    decision = decide(ctx, ledger, who, wanted, claim, wishes)
    if wanted.quote_id is not None:
        hold_to(wanted.quote_id, ledger, wanted, decision, wanted.asked_at or ctx.now)
    made: list[Refund] = []
    for (payment, mine), shares in zip(decision.parts, decision.funding, strict=True):
        made.append(_reserve(ctx, ledger, who, wanted, payment, mine, made[0].id if made else None, shares))
    made += _subscriptions(ctx, ledger, who, wanted, decision, made[0])
    head, verdicts = made[0], [verdict.data() for verdict in decision.verdicts]
    head.children = [one.id for one in made[1:]]
    rules = must_be_approved(decision.verdicts)
    for refund in made:
        refund.verdicts = verdicts
        _decide(ctx, ledger, decision, refund, rules)
    if head.state == "succeeded":  # a coupon: there is nobody to wait for
        pay_with(ctx, ledger, made[1:])
    for refund in made:
        ctx.save(refund)
    save_ledger(ctx, ledger)
    return made


def _subscriptions(
    ctx: Context, ledger: RefundLedger, who: Principal, wanted: Wanted, decision: Decision, head: Refund
) -> list[Refund]:
    """M14, S3-14: reserved with their product's refund, paid once that has succeeded."""
    named = [wish for _, wishes in decision.parts for wish in wishes]
    wishes = subscriptions_of(ledger, wanted.asked.kind, named)
    if not wishes:
        return []
    own = Wanted(Asked("linked_subscription"), "linked_subscription", wanted.instrument, wanted.claim_id)
    parts = split(ledger, decision.profile, wishes, wanted.instrument)
    return [_reserve(ctx, ledger, who, own, payment, mine, head.id, []) for payment, mine in parts]


def _reserve(
    ctx: Context,
    ledger: RefundLedger,
    who: Principal,
    wanted: Wanted,
    payment: Payment,
    wishes: list[Wish],
    parent_id: str | None,
    shares: list[dict[str, Any]],
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
        return_id=wanted.return_id,
        kind=wanted.asked.kind,
        instrument=wanted.instrument,
        provider=provider_of(payment.provider, wanted.instrument, ctx.settings.instant_provider),
        payment_id=payment.id,
        payment_ref=payment.provider_ref,
        reason_code=wanted.reason_code,
        requested_by=who.actor,
        deductions=_deductions(wanted) if parent_id is None else [],
        shares=shares,
    )


def _deductions(wanted: Wanted) -> list[dict[str, Any]]:
    """Named once, on the first part: they were kept of the whole."""
    return [{"code": code, "amount": amount} for code, amount in wanted.asked.deductions]


def _decide(ctx: Context, ledger: RefundLedger, decision: Decision, refund: Refund, rules: list[str]) -> None:
    """REF-03 or REF-04; what policy approves is paid at once where the profile says so."""
    if rules:
        refund.await_approval(ledger, rules)
        ctx.schedule("approval_expired", refund.id, ctx.now + APPROVAL_WITHIN)
        return
    refund.approve_by_policy(ledger, ctx.now)
    if paid_when_approved(decision.profile, refund):
        start_paying(ctx, ledger, refund)
