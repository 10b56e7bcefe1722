"""Orders: placing, paying, shipping, states, settlement; reporting an issue about one."""

from __future__ import annotations

from functools import partial

from services.gateway import views
from services.gateway.compose import order_list, order_page
from services.gateway.table import Route
from shared.contracts import claim, refund
from shared.contracts import order as contract

read = partial(Route, "GET", tag="orders", scope="orders:read")
write = partial(Route, tag="orders", scope="orders:write", view=views.Order())
ONE = "/v1/orders/{order_id}"

ROUTES = (
    write("POST", "/v1/orders", "Place an order", contract.PLACE, status=201, location="/v1/orders/{id}"),
    read(
        "/v1/orders",
        "List orders, newest change first",
        contract.LIST,
        view=views.listing(views.OrderRow),
        answer=order_list,
    ),
    read(
        ONE,
        "An order with its claims and what can still be refunded",
        contract.GET,
        view=views.OrderPage(),
        answer=order_page,
    ),
    write("POST", f"{ONE}/payments", "Record a captured payment", contract.CAPTURE_PAYMENT),
    write("POST", f"{ONE}/lines:validate", "Accept, refuse and ship lines in one call", contract.VALIDATE_LINES),
    write("POST", f"{ONE}:ship", "Ship all that is left, or some lines", contract.SHIP),
    write("POST", f"{ONE}:deliver", "Tell that the order was delivered", contract.DELIVER),
    write("POST", f"{ONE}:complete", "Complete the order", contract.COMPLETE),
    write("POST", f"{ONE}:cancel", "Cancel an order of which nothing was shipped", contract.CANCEL),
    write("POST", f"{ONE}:settle", "Propose to pay the seller out", contract.SETTLE),
    write("POST", f"{ONE}/tracking", "Set the tracking of the order, or of some products", contract.SET_TRACKING),
    write("PUT", f"{ONE}/public-state", "Set the state that the customer sees", contract.SET_PUBLIC_STATE),
    write("PUT", f"{ONE}/internal-state", "Set the state that only staff and seller see", contract.SET_INTERNAL_STATE),
    Route(
        "POST",
        f"{ONE}/issues",
        "Report an issue about the order: opens a claim",
        claim.OPEN,
        scope="claims:write",
        view=views.Claim(),
        status=201,
        location="/v1/claims/{id}",
        tag="orders",
    ),
    Route(
        "GET",
        f"{ONE}/refund-envelope",
        "What can still be refunded, and why not when it cannot",
        refund.ENVELOPE,
        scope="refunds:read",
        view=views.RefundEnvelope(),
        tag="orders",
    ),
)
