"""Refunds: asking what could be given back, asking for it, deciding, following; credit notes."""

from __future__ import annotations

from functools import partial

from services.gateway import refund_views as answers
from services.gateway import views
from services.gateway.table import Route
from shared.contracts import coupon, reconciliation
from shared.contracts import refund as contract
from shared.contracts import refund_rules as rules

read = partial(Route, "GET", tag="refunds", scope="refunds:read")
write = partial(Route, "POST", tag="refunds", scope="refunds:write", view=views.Refund())
ONE = "/v1/refunds/{refund_id}"

ROUTES = (
    Route(
        "POST",
        "/v1/refunds:quote",
        "What a refund would be, to the cent, reserving nothing",
        contract.QUOTE,
        scope="refunds:read",
        view=answers.Quote(),
        tag="refunds",
    ),
    write("/v1/refunds", "Request a refund", contract.REQUEST, status=201, location="/v1/refunds/{id}"),
    read("/v1/refunds", "List refunds, newest change first", contract.LIST, view=views.listing(views.Refund)),
    read(ONE, "A refund", contract.GET, view=views.Refund()),
    write(f"{ONE}:approve", "Approve, as a second person", contract.APPROVE),
    write(f"{ONE}:reject", "Reject", contract.REJECT),
    write(f"{ONE}:cancel", "Cancel, as long as no provider was called", contract.CANCEL),
    write(f"{ONE}:execute", "Pay it out", contract.EXECUTE),
    write(f"{ONE}:retry", "Ask again for a failed refund, as a new one", contract.RETRY, status=201),
    read(f"{ONE}/explain", "The rules that decided, with what they saw", contract.EXPLAIN, view=answers.Explanation()),
    read(
        "/v1/orders/{order_id}/explain",
        "What each refund rule says to this caller now",
        contract.EXPLAIN_ORDER,
        view=answers.Explanation(),
    ),
    read("/v1/coupons", "List coupons and store credit", coupon.LIST, view=views.listing(answers.Coupon)),
    read("/v1/coupons/{coupon_id}", "A coupon or store credit", coupon.GET, view=answers.Coupon()),
    write("/v1/coupons:redeem", "Spend a coupon by its code, in part or whole", coupon.REDEEM, view=answers.Coupon()),
    write("/v1/coupons/{coupon_id}:revoke", "Take back what is unused", coupon.REVOKE, view=answers.Coupon()),
    read("/v1/refund-policies", "The refund rules in force", rules.LIST, view=answers.RefundPolicies()),
    write("/v1/refund-policies:simulate", "Try rules on the past", rules.SIMULATE, view=answers.BackTest()),
    Route(
        "PUT",
        "/v1/refund-policies/{profile}",
        "Set the tenant's refund rules of a profile",
        rules.PUT,
        scope="refunds:write",
        view=answers.RefundPolicy(),
        tag="refunds",
    ),
    write(
        "/v1/reconciliation/statements",
        "Lay a provider's statement beside our books",
        reconciliation.UPLOAD,
        view=answers.Reconciled(),
    ),
    write(
        "/v1/reconciliation/statements:fetch",
        "Ask the provider for its statement",
        reconciliation.FETCH,
        status=202,
        view=answers.StatementAsked(),
    ),
    read(
        "/v1/reconciliation/lines",
        "What differs between statements and our books",
        reconciliation.LIST,
        view=views.listing(answers.SettlementLine),
    ),
    read("/v1/credit-notes/{credit_note_id}", "A credit note", contract.GET_CREDIT_NOTE, view=answers.CreditNote()),
)
