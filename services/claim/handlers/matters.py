"""Claims that nobody complains about: money that did not go where it should, for the coordinators alone (5.5, N10).

Neither customer nor seller sees them; they hold no order and count against no seller.
"""

from __future__ import annotations

from decimal import Decimal
from hashlib import sha256
from typing import Any

from services.claim.handlers.opening import keep_opened
from services.claim.handlers.reactions import chooses_again
from services.claim.model import Asking, Claim, Complaint, DeskModule, OrderCase, Subject, open_about
from services.claim.model.module import ENABLED
from services.claim.model.refusals import OrderNotSynced
from services.claim.policies import INTERNAL
from services.claim.profiles.activation import active_profile
from shared.kernel.money import exponent
from shared.kernel.principal import system
from shared.runtime.unit_of_work import Context

PROFILE = "coordinated"  # whose coordinators handle them
OWED, SUBSCRIPTION = "owed_to_customer", "subscription_not_refunded"
UNKNOWN, DIFFERENCE = "refund_outcome_unknown", "reconciliation_difference"
LABELS = {
    OWED: {"fr": "Dû au client : le remboursement a échoué", "en": "Owed to the customer: the refund failed"},
    SUBSCRIPTION: {
        "fr": "Abonnement non remboursé avec son produit",
        "en": "Subscription not refunded with its product",
    },
    UNKNOWN: {"fr": "Issue d'un remboursement inconnue", "en": "Outcome of a refund unknown"},
    DIFFERENCE: {"fr": "Écart de rapprochement", "en": "Reconciliation difference"},
}


def after_failed_refund(ctx: Context, event: Any) -> None:
    """CLM-06 where a claim waits for it. Else, where no person asked for it, nobody would look: a part of a refund, a
    linked subscription (M14), what is owed for refused units or a cancelled order (5.8)."""
    refund = event.data
    if chooses_again(ctx, event):
        return
    by_itself = refund["parent_id"] is not None or refund["requested_by"]["type"] == "system"
    # a rejection by a person is his decision; one that reserved nothing was the rules'
    if by_itself and (event.type == "refund.failed" or not refund["amount"]["amount"]):
        reason = SUBSCRIPTION if refund["kind"] == "linked_subscription" else OWED
        _of_refund(ctx, refund, reason)


def after_lost_refund(ctx: Context, event: Any) -> None:
    """REF-12: every question to the provider remained without answer."""
    if event.data["given_up"]:
        _of_refund(ctx, event.data, UNKNOWN)


def after_difference(ctx: Context, event: Any) -> None:
    """N10."""
    found = event.data
    money = [_money(found[name]) if found[name] else "–" for name in ("expected", "found")]
    facts = (found["kind"], found["provider"], found["provider_ref"], found["refund_id"], " / ".join(money))
    _open(ctx, found["item"], DIFFERENCE, found["order_id"], facts)


def _of_refund(ctx: Context, refund: dict[str, Any], reason: str) -> None:
    facts = (refund["refund_id"], _money(refund["amount"]), refund["kind"], refund.get("code"))
    _open(ctx, refund["refund_id"], reason, refund["order_id"], facts)


def _open(ctx: Context, about: str, reason: str, order_id: str | None, facts: tuple[Any, ...]) -> None:
    """One claim per matter, however often it is told. Raises OrderNotSynced, to be tried again."""
    id = "clm_" + sha256(f"{ctx.tenant}\n{about}".encode()).hexdigest()[:26].upper()
    if ctx.exists(Claim, id):
        return
    case = ctx.get(OrderCase, order_id) if order_id else None
    if order_id and case is None:
        raise OrderNotSynced(order_id=order_id)
    number = case.number if case else None
    text = " · ".join(str(fact) for fact in (number, *facts) if fact)
    label = LABELS[reason]
    complaint = Complaint(
        id,
        ctx.new_id("msg"),
        f"{label['en']} · {label['fr']}\n{text}",
        reason,
        f"{label['en']} · {text}"[:200],
        category=INTERNAL,
    )
    profile = active_profile(ctx, PROFILE)
    assert profile is not None  # it is shipped
    asking = Asking(system(ctx.tenant), ctx.now)
    keep_opened(ctx, open_about(asking, profile, _subject(ctx, id, case), complaint, _desk(ctx)))


def _subject(ctx: Context, id: str, case: OrderCase | None) -> Subject:
    """Of nobody: it is its own customer, so that no person's id is ever its."""
    marketplace, currency = (case.marketplace, case.currency) if case else ("none", "EUR")
    number = f"I-{id[-10:]}"
    return Subject(tenant=ctx.tenant, marketplace=marketplace, customer_ref=id, number=number, currency=currency)


def _desk(ctx: Context) -> DeskModule:
    """The reasons of these claims, which no marketplace configures."""
    reasons = [{"code": code, "handler": "coordinators", "labels": labels} for code, labels in LABELS.items()]
    return DeskModule(
        id="internal", tenant=ctx.tenant, marketplace="", profile=PROFILE, mode=ENABLED, reasons_added=reasons
    )


def _money(money: dict[str, Any]) -> str:
    return f"{Decimal(money['amount']).scaleb(-exponent(money['currency']))} {money['currency']}"
