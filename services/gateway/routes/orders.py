"""Orders: placing, paying, shipping, states, settlement; reporting an issue about one."""

from __future__ import annotations

from functools import partial

from services.gateway import order_views, views
from services.gateway.compose import order_list, order_page
from services.gateway.table import Route
from shared.contracts import claim, entitlement, marketplace, refund
from shared.contracts import order as contract

read = partial(Route, "GET", tag="orders", scope="orders:read")
write = partial(Route, tag="orders", scope="orders:write", view=views.Order())
ONE = "/v1/orders/{order_id}"

ROUTES = (
    write("POST", "/v1/orders", "Place an order", contract.PLACE, status=201, location="/v1/orders/{id}"),
    write(
        "POST",
        "/v1/orders:bulk",
        "Place many orders, each by itself",
        contract.PLACE_MANY,
        schema=contract.PlaceMany(),
        view=order_views.OrderResults(),
    ),
    write(
        "POST",
        "/v1/orders:validate",
        "Accept, refuse and ship lines of many orders, each order by itself",
        contract.VALIDATE_MANY,
        schema=contract.ValidateMany(),
        view=order_views.OrderResults(),
    ),
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
    write("POST", f"{ONE}/lines", "Add a line that is paid later", contract.ADD_LINE, status=201),
    write("DELETE", f"{ONE}/lines/{{line_id}}", "Take an added line back that was not paid", contract.WITHDRAW_LINE),
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
    read(
        "/v1/marketplaces/{marketplace}",
        "States, stock, parcels, delays and tax codes of a marketplace",
        marketplace.GET,
        view=order_views.Marketplace(),
    ),
    write(
        "PUT",
        "/v1/marketplaces/{marketplace}",
        "Configure a marketplace; what is left out stays",
        marketplace.CONFIGURE,
        view=order_views.Marketplace(),
    ),
    read(
        "/v1/entitlements",
        "Subscriptions to support",
        entitlement.LIST,
        view=views.listing(order_views.Entitlement),
    ),
    write(
        "POST",
        f"{ONE}/entitlements",
        "Tie a subscription that was bought elsewhere to a line",
        entitlement.GRANT,
        view=order_views.Entitlement(),
        status=201,
    ),
    write(
        "PUT",
        "/v1/customers/{customer_ref}/reminders",
        "Whether a customer wants to be reminded before a product is used up",
        entitlement.CHOOSE_REMINDERS,
        view=order_views.Reminders(),
    ),
)
