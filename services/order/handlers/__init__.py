"""Everything the order service does, on one screen."""

from __future__ import annotations

from typing import Any

from services.order import queries
from services.order.aftersales import queries as customers
from services.order.aftersales.replacements import place_replacement
from services.order.handlers import configuring, entitling, fulfilling, placing, reminding, settling
from services.order.invoicing import handlers as invoicing
from services.order.model import Order, Settlement
from services.order.paying import handlers as paying
from services.order.timeline import timeline
from shared.contracts import customer, entitlement, marketplace
from shared.contracts import order as contracts
from shared.contracts.timeline import OF_ORDER
from shared.runtime.tables import Command, Contents, Query, Reaction
from shared.runtime.unit_of_work import Context


def _order_and_settlement(data: dict[str, Any]) -> list[tuple[type, str]]:
    id = data.get("order_id")
    return [(Order, id), (Settlement, id)] if id else []


def _order(data: dict[str, Any]) -> list[tuple[type, str]]:
    return [(Order, data["order_id"])]


def _orders(data: dict[str, Any]) -> list[tuple[type, str]]:
    named = [entry["order_id"] for entry in data["orders"] if isinstance(entry.get("order_id"), str)]
    return [(entity, id) for id in named for entity in (Order, Settlement)]


def follow_paid_refund(ctx: Context, event: Any) -> None:
    """SET-08, ENT-05, S4-29: money went back to the customer."""
    refund = event.data
    settling.count_refund(ctx, refund)
    order = ctx.get(Order, refund["order_id"])
    if order is not None:
        entitling.follow(ctx, order, event.type, refund)
        reminding.follow_refund(ctx, order, refund)


def follow_reversed_refund(ctx: Context, event: Any) -> None:
    """REF-14: the money is with the seller again; what was paid back with it counts as paid back no more."""
    refund = event.data
    settling.take_refund_back(ctx, event)
    order = ctx.get(Order, refund["order_id"])
    if order is not None:
        entitling.follow(ctx, order, event.type, refund)
        reminding.take_refund_back(ctx, order, refund["refund_id"])


def follow_return(ctx: Context, event: Any) -> None:
    """RET-08, S4-29: units came back."""
    closed = event.data
    order = ctx.get(Order, closed["order_id"])
    if order is not None:
        for line in closed["lines"]:
            order.take_back(line["line_id"], line["received"])
        ctx.save(order)
        reminding.follow_return(ctx, order)


FOLLOW_CLAIM = Reaction(settling.follow_claim, loads=_order_and_settlement)
FOLLOW_REFUND = Reaction(entitling.follow_refund, loads=_order)

CONTENTS = Contents(
    commands=(
        Command(contracts.PLACE, placing.place_order),
        Command(contracts.PLACE_MANY, placing.place_many),
        Command(contracts.CAPTURE_PAYMENT, placing.capture_payment, _order_and_settlement),
        Command(contracts.ADD_LINE, placing.add_line, _order_and_settlement),
        Command(contracts.WITHDRAW_LINE, placing.withdraw_line, _order_and_settlement),
        Command(contracts.VALIDATE_LINES, fulfilling.validate_lines, _order_and_settlement),
        Command(contracts.VALIDATE_MANY, fulfilling.validate_many, _orders),
        Command(contracts.SHIP, fulfilling.ship_order, _order_and_settlement),
        Command(contracts.SET_TRACKING, fulfilling.set_tracking, _order_and_settlement),
        Command(contracts.DELIVER, fulfilling.deliver_order, _order_and_settlement),
        Command(contracts.COMPLETE, fulfilling.complete_order, _order_and_settlement),
        Command(contracts.CANCEL, fulfilling.cancel_order, _order_and_settlement),
        Command(contracts.SET_PUBLIC_STATE, fulfilling.set_public_state, _order_and_settlement),
        Command(contracts.SET_INTERNAL_STATE, fulfilling.set_internal_state, _order_and_settlement),
        Command(contracts.SETTLE, settling.settle_order, _order_and_settlement),
        Command(marketplace.CONFIGURE, configuring.configure),
        Command(entitlement.GRANT, entitling.grant_entitlement, _order),
        Command(entitlement.CHOOSE_REMINDERS, reminding.choose_reminders),
        Command(entitlement.STOP_BY_LINK, reminding.stop_by_link),
        *invoicing.COMMANDS,
        *paying.COMMANDS,
    ),
    queries=(
        Query(contracts.GET, queries.get_order),
        Query(contracts.LIST, queries.list_orders),
        Query(customer.LIST, customers.list_customers),
        Query(customer.GET, customers.is_address_of),
        Query(OF_ORDER, timeline),
        Query(marketplace.GET, configuring.get_marketplace),
        Query(entitlement.LIST, queries.list_entitlements),
        *invoicing.QUERIES,
        *paying.QUERIES,
    ),
    reactions={
        **dict.fromkeys(settling.OPENING | settling.ENDING | {"claim.state_set"}, FOLLOW_CLAIM),
        "claim.resolution_chosen": Reaction(place_replacement, narrow=True),
        "claim.settlement_cleared": Reaction(settling.settle_when_cleared, loads=_order_and_settlement),
        "claim.settlement_blocked": Reaction(settling.hold_when_blocked, loads=_order_and_settlement),
        **dict.fromkeys((*entitling.PENDING, *entitling.GIVEN_UP), FOLLOW_REFUND),
        "return.closed": Reaction(follow_return, loads=_order),
        "refund.succeeded": Reaction(follow_paid_refund, loads=_order_and_settlement),
        "refund.external_recorded": Reaction(settling.count_external_refund, loads=_order_and_settlement),
        "refund.reversed": Reaction(follow_reversed_refund, loads=_order_and_settlement),
    },
    timers={
        settling.CLEARANCE: settling.give_up_clearance,
        fulfilling.COMPLETION: fulfilling.complete_by_itself,
        entitling.END: entitling.end_by_itself,
        reminding.BEGIN: reminding.begin_without_news,
        reminding.REMIND: reminding.remind,
        **paying.TIMERS,
    },
    jobs=paying.JOBS,
)
