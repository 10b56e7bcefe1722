"""What a caller may touch: the ledger, the claim and the wish of a request, or the refusal that says why not."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

from services.refund.model import ClaimFacts, RefundLedger, Rulebook
from services.refund.model.refusals import ClaimNotSynced, WrongCurrency
from services.refund.policies import Asked, AskedLine, Profile, changed, may, profile_of, sees, synced
from shared.kernel.errors import Forbidden, NotFound
from shared.runtime.unit_of_work import Context

# How long a process may go on with rules that another one has changed: reading them at each refund would cost each.
RULES_KEPT = timedelta(seconds=10)
_rules: WeakKeyDictionary[Any, dict[tuple[str, str], tuple[Profile, datetime]]] = WeakKeyDictionary()


def rules_of(ctx: Context, name: str) -> Profile:
    """The rules of a profile as this tenant has them. Raises ProfileWithoutRefunds."""
    kept = _rules.setdefault(ctx.work.connection.engine, {})
    known = kept.get((ctx.tenant, name))
    if known is not None and abs(ctx.now - known[1]) < RULES_KEPT:
        return known[0]
    shipped, book = profile_of(name), ctx.get(Rulebook, rulebook_id(ctx.tenant, name))
    found = shipped if book is None else changed(shipped, book.rules, book.revision)
    kept[ctx.tenant, name] = found, ctx.now
    return found


def rules_changed(ctx: Context) -> None:
    """This process reads them anew at once; the others within RULES_KEPT."""
    _rules.pop(ctx.work.connection.engine, None)


def rulebook_id(tenant: str, profile: str) -> str:
    return f"{tenant}:{profile}"[:64]


def seen_ledger(ctx: Context, order_id: str) -> RefundLedger:
    """The ledger to read: not there yet is E8, and a foreign one is answered the same (T01)."""
    found = ctx.get(RefundLedger, order_id)
    foreign = found is not None and not sees(ctx.principal, found.seller_id, found.customer_ref)
    return synced(None if foreign else found)


def ledger_for(ctx: Context, order_id: str, action: str) -> RefundLedger:
    """The ledger for a change; FORBIDDEN when the caller may see it and not do this."""
    ledger = seen_ledger(ctx, order_id)
    if not may(ctx.principal, action, ledger.seller_id):
        raise Forbidden(action=f"refund.{action}")
    return ledger


def claim_for(ctx: Context, ledger: RefundLedger, claim_id: str | None) -> ClaimFacts | None:
    """What E5 needs of the claim. Raises ClaimNotSynced, or NotFound for a claim of another order."""
    if claim_id is None:
        return None
    claim = ctx.get(ClaimFacts, claim_id)
    if claim is None:
        raise ClaimNotSynced()
    if claim.order_id != ledger.id:
        raise NotFound(kind="claim", id=claim_id)
    return claim


def asked_of(ledger: RefundLedger, args: dict[str, Any], kind: str | None = None) -> Asked:
    """The arguments of a command, or the wish of a claim, as the policies read them. Raises WrongCurrency (M2)."""
    amount = args.get("amount")
    if amount and amount["currency"] != ledger.currency:
        raise WrongCurrency(expected=ledger.currency, given=amount["currency"])
    return Asked(
        kind or args["kind"],
        tuple(AskedLine(line["line_id"], line.get("qty"), line.get("amount")) for line in args.get("lines", ())),
        args.get("shipping", False),
        tuple(args.get("shipment_ids", ())),
        amount["amount"] if amount else None,
        args.get("gesture_tax"),
        tuple((one["code"], one["amount"]) for one in args.get("deductions", ())),
    )
