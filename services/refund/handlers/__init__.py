"""What the refund service does: load, decide, save. The last lines are its table of contents."""

from __future__ import annotations

from typing import Any

from services.refund import queries, quotes, showing
from services.refund.handlers import decisions, paying, promises, providers, reactions, reconciling, requests, rules
from services.refund.model import ClaimFacts, Refund, RefundLedger
from services.refund.timeline import timeline
from shared.contracts import coupon, reconciliation, refund_rules
from shared.contracts import refund as contracts
from shared.contracts.timeline import OF_REFUNDS
from shared.runtime.tables import Command, Contents, Job, Query, Reaction

Loads = list[tuple[type, str]]


def _ledger(data: dict[str, Any]) -> Loads:
    return [(RefundLedger, data["order_id"])]


def _refund(data: dict[str, Any]) -> Loads:
    return [(Refund, data["refund_id"])]


def _payment(data: dict[str, Any]) -> Loads:
    return [(Refund, data["key"]), (RefundLedger, data["order_id"])]


def _claim(data: dict[str, Any]) -> Loads:
    return [(ClaimFacts, data["claim_id"])]


def _claim_and_ledger(data: dict[str, Any]) -> Loads:
    return _claim(data) + _ledger(data)


CONTENTS = Contents(
    commands=(
        Command(contracts.REQUEST, requests.request_refund, _ledger),
        Command(contracts.RETRY, requests.retry_refund, _refund),
        Command(contracts.APPROVE, decisions.approve_refund, _refund),
        Command(contracts.REJECT, decisions.reject_refund, _refund),
        Command(contracts.CANCEL, decisions.cancel_refund, _refund),
        Command(contracts.EXECUTE, decisions.execute_refund, _refund),
        Command(contracts.PROVIDER_EVENT, providers.hear_provider),
        Command(coupon.REDEEM, promises.redeem_coupon),
        Command(coupon.REVOKE, promises.revoke_coupon),
        Command(refund_rules.PUT, rules.put_rules),
        Command(reconciliation.UPLOAD, reconciling.upload_statement),
        Command(reconciliation.FETCH, reconciling.fetch_statement),
    ),
    queries=(
        Query(contracts.QUOTE, quotes.quote_refund),
        Query(contracts.EXPLAIN, quotes.explain_refund),
        Query(contracts.EXPLAIN_ORDER, quotes.explain_order),
        Query(coupon.GET, queries.get_coupon),
        Query(coupon.LIST, queries.list_coupons),
        Query(refund_rules.LIST, rules.list_rules),
        Query(refund_rules.SIMULATE, rules.simulate_rules),
        Query(reconciliation.LIST, queries.list_settlement_lines),
        Query(contracts.GET, showing.get_refund),
        Query(contracts.LIST, showing.list_refunds),
        Query(contracts.ENVELOPE, queries.get_envelope),
        Query(contracts.GET_CREDIT_NOTE, queries.get_credit_note),
        Query(OF_REFUNDS, timeline),
    ),
    reactions={
        "order.placed": Reaction(reactions.open_ledger_when_order_placed, _ledger),
        "order.payment_captured": Reaction(reactions.book_captured_payment, _ledger),
        "order.line_added": Reaction(reactions.follow_added_line, _ledger),
        "order.line_withdrawn": Reaction(reactions.follow_added_line, _ledger),
        "order.shipped": Reaction(reactions.count_shipped_units, _ledger),
        "order.line_refused": Reaction(reactions.refund_when_line_refused, _ledger, prompt=True),
        "order.cancelled": Reaction(reactions.refund_when_order_cancelled, _ledger, prompt=True),
        "invoice.issued": Reaction(reactions.keep_invoice_number, _ledger),
        "entitlement.terminated": reactions.refund_subscription_of_another_order,
        "claim.opened": Reaction(reactions.keep_claim_facts, _claim),
        "claim.escalated": Reaction(reactions.follow_claim_handler, _claim),
        "claim.handed_back": Reaction(reactions.follow_claim_handler, _claim),
        "claim.appealed": Reaction(reactions.follow_claim_handler, _claim),
        "claim.resolution_chosen": Reaction(reactions.refund_when_resolution_chosen, _claim_and_ledger, prompt=True),
        "return.closed": Reaction(reactions.refund_when_return_closed, _ledger, prompt=True),
        "message.refund_agreed": Reaction(reactions.refund_when_agreed, _ledger, prompt=True),
    },
    timers={"approval_expired": decisions.reject_when_nobody_approved, "coupon_expires": promises.expire_coupon},
    jobs={
        "pay": Job(paying.pay, paying.settle_payment, loads=_payment),
        "verify": Job(providers.verify, providers.settle_verified),
        "statement": Job(reconciling.fetch, reconciling.settle_statement),
    },
)
