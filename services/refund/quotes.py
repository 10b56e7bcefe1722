"""What could be done, without doing it: the quote (REF-01) and the explanation (N4)."""

from __future__ import annotations

from typing import Any

from services.refund.access import asked_of, claim_for, ledger_for, rules_of, seen_ledger
from services.refund.decision import Wanted, decide, explain
from services.refund.handlers.requests import wanted_of
from services.refund.model import Refund, RefundLedger, Slice
from services.refund.model.credit_note import shipment_data, tax_table
from services.refund.model.refund import line_data
from services.refund.policies import (
    QUOTE_VALID_FOR,
    Verdict,
    explained,
    is_inside,
    may,
    must_be_approved,
    reason_known,
    sees,
    split,
    subscriptions_of,
)
from services.refund.quoting import quote_id
from shared.kernel.clock import stamp
from shared.kernel.errors import Forbidden, NotFound
from shared.kernel.money import Money
from shared.runtime.unit_of_work import Context


def quote_refund(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """REF-01, B10: what the same request would do now, reserving nothing; refused where the request would be."""
    ledger = ledger_for(ctx, args["order_id"], "request")
    if "reason_code" in args:
        reason_known(args["reason_code"])
    wanted = wanted_of(ctx, ledger, args)
    decision = decide(ctx, ledger, ctx.principal, wanted, claim_for(ctx, ledger, args.get("claim_id")))
    parts, slices = [], []
    for payment, mine in decision.parts:
        slices += ledger.reserve("quote", payment.id, mine, ctx.now)  # this ledger is a copy that is never saved
        parts.append({"payment_id": payment.id, "amount": sum(wish.amount for wish in mine)})
    until = (ctx.now + QUOTE_VALID_FOR).replace(microsecond=0)
    return {
        "quote_id": quote_id(ledger, wanted, decision, until),
        "order_id": ledger.id,
        "kind": wanted.asked.kind,
        "instrument": args["instrument"],
        "amount": Money(decision.amount, ledger.currency).data(),
        "tax_total": sum(piece.tax for piece in slices),
        "lines": [line_data(piece) for piece in slices if piece.kind == "line"],
        "shipping": [shipment_data(piece) for piece in slices if piece.kind == "shipment"],
        "taxes": tax_table(slices),
        "deductions": args["deductions"],
        "payments": parts,
        "linked": _linked(ctx, ledger, wanted, [wish for _, mine in decision.parts for wish in mine]),
        "eligible": _eligible(decision.verdicts),
        "available_after": ledger.available,
        "approval_required_by": must_be_approved(decision.verdicts),
        "verdicts": [verdict.data() for verdict in decision.verdicts],
        "valid_until": stamp(until),
    }


def _linked(ctx: Context, ledger: RefundLedger, wanted: Wanted, named: list[Any]) -> list[dict[str, Any]]:
    """M14: the subscriptions that would be refunded with it."""
    wishes = subscriptions_of(ledger, wanted.asked.kind, named)
    slices: list[Slice] = []
    for payment, mine in split(ledger, rules_of(ctx, ledger.profile), wishes, wanted.instrument):
        slices += ledger.reserve("quote", payment.id, mine, ctx.now)
    return [line_data(piece) for piece in slices]


def _eligible(verdicts: list[Verdict]) -> str | None:
    """E4: by right or at the seller's discretion; None where the profile knows no such right."""
    return next((verdict.facts["eligible"] for verdict in verdicts if verdict.rule == "E4"), None)


def explain_refund(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """N4: the rules as they were when this refund was decided, with what they saw."""
    refund = ctx.need(Refund, args["refund_id"])
    if not sees(ctx.principal, refund.seller_id, refund.customer_ref):
        raise NotFound(kind="refund", id=args["refund_id"])
    if not is_inside(ctx.principal):
        raise Forbidden(action="refund.explain")
    return {
        "refund_id": refund.id,
        "order_id": refund.order_id,
        "action": "refund",
        "decided_at": stamp(refund.decided_at or refund.requested_at),
        "state": refund.state,
        "rules": [explained(verdict) for verdict in refund.verdicts],
    }


def explain_order(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """N4: what each rule says now to whoever asks; a customer learns what the order's seller could do for him."""
    ledger = seen_ledger(ctx, args["order_id"])
    if not may(ctx.principal, "request", ledger.seller_id):
        raise Forbidden(action="refund.request")
    wanted = Wanted(asked_of(ledger, args), args.get("reason_code", "other"), args["instrument"])
    rules = [explained(verdict.data()) for verdict in explain(ctx, ledger, ctx.principal, wanted)]
    return {
        "order_id": ledger.id,
        "action": args["action"],
        "kind": args["kind"],
        "asked_at": stamp(ctx.now),
        "allowed": not any(rule["verdict"] == "refused" for rule in rules),
        "rules": rules,
    }
