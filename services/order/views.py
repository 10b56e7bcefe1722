"""What each audience gets to see of an order: built field by field, never by dumping the model (T08)."""

from __future__ import annotations

from typing import Any

from services.order.model import Entitlement, Marketplace, Order, Settlement
from services.order.policies import PHASES, may
from services.order.states import ISSUE_REPORTED
from shared.kernel.clock import stamp
from shared.kernel.principal import Principal


def order_view(order: Order, settlement: Settlement | None, principal: Principal) -> dict[str, Any]:
    """The order as `principal` may see it. Customers and suppliers get neither internal state nor settlement."""
    view = summary(order, principal)
    view["invoice_id"] = order.invoice_id
    view["lines"] = [line.view() for line in order.lines]
    view["shipments"] = order.shipments
    view["parcels"] = order.parcels
    view["payments"] = [
        {"payment_id": each["payment_id"], "provider": each["provider"], "amount": order.money(each["amount"])}
        for each in order.payments
    ]
    if settlement is not None and _is_inside(principal):
        view["settlement"] = {
            "state": settlement.state,
            "holds": [{"claim_id": id, **hold} for id, hold in settlement.holds.items()],
            "held": order.money(settlement.held),
            "refunded": order.money(settlement.refunded),
            "left": order.money(settlement.left),
            "paid_out": order.money(settlement.paid_out),
            "clawed_back": order.money(settlement.clawed_back),
            "payout_ref": settlement.payout_ref,
        }
    view["allowed_actions"] = allowed_actions(order, settlement, principal)
    return view


def summary(order: Order, principal: Principal) -> dict[str, Any]:
    """A row of the order list (S0-08: `has_open_claims` picks out the orders with claims)."""
    view = {
        "id": order.id,
        "number": order.number,
        "version": order.version,
        "marketplace": order.marketplace,
        "profile": order.profile,
        "seller_id": order.seller_id,
        "customer_ref": order.customer_ref,
        "phase": order.phase,
        "public_state": {"code": order.public_state, "label": order.rules.public_label(order.public_state)},
        "display_status": display_status(order),
        "open_claims": len(order.open_claims),
        "claims": order.claim_count,
        "replaces": order.replaces,
        "total": order.money(order.total),
        "captured": order.money(order.captured),
        "amount_due": order.money(order.amount_due),
        "placed_at": stamp(order.placed_at),
        "updated_at": stamp(order.updated_at),
    }
    if _is_inside(principal):
        internal = {"code": order.internal_state, "label": order.rules.internal_label(order.internal_state)}
        view["internal_state"] = internal if order.internal_state else None
        view["customer_name"] = order.customer["name"]
    return view


def _is_inside(principal: Principal) -> bool:
    return principal.role in ("seller", "integrator", "coordinator", "platform_agent", "system")


def display_status(order: Order) -> dict[str, Any]:
    """S2-05, A15: an order with an open claim shows `issue_reported`, until the last one ends."""
    if order.open_claims:
        return ISSUE_REPORTED
    return {"code": order.public_state, "label": order.rules.public_label(order.public_state)}


def allowed_actions(order: Order, settlement: Settlement | None, principal: Principal) -> list[str]:
    """The commands this caller may call now without being refused for the order's state (B11)."""
    impossible = {
        "complete": order.open_claims and not (settlement is not None and settlement.held_in_part),
        "cancel": _has_left(order) or order.being_paid,
        "make_invoice": order.invoice_id is not None or order.still_to_leave(),
        "request_payment": order.payment_request is not None or not order.amount_due,
        "capture_payment": not order.amount_due,
        "withdraw_line": not any(line.unpaid for line in order.lines),
    }
    possible = {command for command in PHASES if order.allows(command) and not impossible.get(command)}
    if order.rules.settable(order.phase):
        possible.add("set_public_state")
    possible.add("set_internal_state")
    if settlement is not None and settlement.payable:
        possible.add("settle")
    return sorted(command for command in possible if may(principal, command, order.seller_id))


def _has_left(order: Order) -> bool:
    return any(line.shipped for line in order.lines)


def marketplace_view(marketplace: Marketplace, principal: Principal) -> dict[str, Any]:
    return {
        "id": marketplace.id,
        "version": marketplace.version,
        "marketplace": marketplace.code,
        **marketplace.settings(),
        "allowed_actions": ["configure"] if may(principal, "configure_marketplace", "") else [],
    }


def entitlement_view(entitlement: Entitlement) -> dict[str, Any]:
    names = ("id", "version", "customer_ref", "seller_id", "order_id", "line_id", "product_id", "url", "state")
    found = {name: getattr(entitlement, name) for name in names}
    return {**found, "starts_at": stamp(entitlement.starts_at), "ends_at": stamp(entitlement.ends_at)}
