"""The desk beside the list of claims: many at once, counts, oversight, the module's switches, reasons, offers."""

from __future__ import annotations

from functools import partial
from typing import Any

from services.gateway import desk_views, views
from services.gateway.compose import named_requesters, order_list
from services.gateway.inquiry import Inquiry
from services.gateway.table import Route
from shared.contracts import claim_desk as contract
from shared.contracts import claim_lists as lists
from shared.contracts import order
from shared.kernel.calls import Answer
from shared.kernel.errors import NotFound

read = partial(Route, "GET", tag="desk", scope="claims:read")
write = partial(Route, tag="desk", scope="claims:write")
VIEW = "/v1/desk/views/{key}"
MODULE = "/v1/claim-modules/{marketplace}/{profile}"


def reported(gateway: Any, inquiry: Inquiry) -> Answer:
    """S2-04: the orders about which a problem was reported, whether it is solved or not."""
    inquiry.args.setdefault("has_claims", True)
    return order_list(gateway, inquiry)


def oversight(gateway: Any, inquiry: Inquiry) -> Answer:
    """The queue of every seller, with the requesters' names."""
    return named_requesters(gateway, inquiry, gateway.clients.call("claim", inquiry.call()))


def part_of_order(list_name: str, key: str) -> Any:
    """S1-20: one delivery or product of an order, by a link of its own."""

    def answer(gateway: Any, inquiry: Inquiry) -> Answer:
        wanted = inquiry.args.pop(key)
        found = gateway.clients.call("order", inquiry.call())
        if not found.ok:
            return found
        for part in found.body[list_name]:
            if part[key] == wanted:
                return Answer(200, {**part, "order_id": found.body["id"], "order_number": found.body["number"]})
        raise NotFound(kind=key.removesuffix("_id"), id=wanted)

    return answer


class OfDelivery(order.OfOrder):
    """A delivery of an order."""

    parcel_id = order.Id(required=True)


class OfProduct(order.OfOrder):
    """A product of an order."""

    product_id = order.Id(required=True)


ROUTES = (
    write(
        "POST",
        "/v1/claims:bulk",
        "Do the same to many claims, each by itself",
        contract.BULK_CHANGE,
        view=views.Results(),
    ),
    write("POST", "/v1/claims/{claim_id}:rate", "Rate how the claim was handled", contract.RATE, view=views.Claim()),
    read("/v1/desk/counts", "How many claims are not over", contract.COUNTS, view=desk_views.Counts()),
    read("/v1/desk/count", "How many claims these filters leave", lists.COUNT, view=desk_views.Count()),
    read("/v1/desk/views", "Saved views, one's own and shared ones", lists.VIEWS_OF, view=desk_views.SavedViews()),
    write("PUT", VIEW, "Keep filters under a name", lists.SAVE_VIEW, view=desk_views.SavedView()),
    write("DELETE", VIEW, "Throw a saved view away", lists.REMOVE_VIEW, view=desk_views.RemovedView()),
    read(
        "/v1/oversight/claims",
        "Problems of every seller, the longest untouched first",
        contract.OVERSIGHT,
        view=views.listing(views.Claim),
        answer=oversight,
    ),
    read(
        "/v1/reported-issues",
        "Orders about which a problem was reported",
        order.LIST,
        view=views.listing(views.OrderRow),
        answer=reported,
    ),
    read("/v1/claim-reasons", "The reasons that the caller may give now", contract.REASONS, view=desk_views.Profiles()),
    read(MODULE, "The customer-service switches of a marketplace", contract.GET_MODULE, view=desk_views.Module()),
    write(
        "PUT",
        MODULE,
        "Switch customer service off, on, or on with the main supplier",
        contract.CONFIGURE,
        view=desk_views.Module(),
    ),
    read("/v1/offers/{offer_id}", "An offer that can be asked about", contract.GET_OFFER, view=desk_views.Offer()),
    write("PUT", "/v1/offers/{offer_id}", "Tell of an offer", contract.RECORD_OFFER, view=desk_views.Offer()),
    Route(
        "GET",
        "/v1/orders/{order_id}/deliveries/{parcel_id}",
        "A delivery of an order",
        order.GET,
        scope="orders:read",
        view=desk_views.OrderPart(),
        schema=OfDelivery(),
        answer=part_of_order("parcels", "parcel_id"),
        tag="orders",
    ),
    Route(
        "GET",
        "/v1/orders/{order_id}/products/{product_id}",
        "A product of an order",
        order.GET,
        scope="orders:read",
        view=desk_views.OrderPart(),
        schema=OfProduct(),
        answer=part_of_order("lines", "product_id"),
        tag="orders",
    ),
)
