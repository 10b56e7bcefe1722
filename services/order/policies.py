"""Decisions of the order service as data: who may do what, which states a marketplace shows, how a price is made up."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from shared.kernel.errors import Refusal
from shared.kernel.money import allocate, round_half_up
from shared.kernel.principal import Principal

SELLING = frozenset({"seller", "integrator", "platform_agent"})

# Who may call which command; a seller or integrator only for the orders of its own seller (5.1, T05).
MAY = {
    "place": frozenset({"integrator", "platform_agent", "seller"}),
    "capture_payment": frozenset({"integrator", "platform_agent"}),
    "validate_lines": SELLING,
    "ship": SELLING,
    "set_tracking": SELLING,
    "deliver": SELLING,
    "complete": frozenset({"platform_agent", "coordinator"}),
    "cancel": SELLING,
    "set_public_state": SELLING | {"coordinator"},
    "set_internal_state": SELLING | {"coordinator"},
    "settle": frozenset({"platform_agent"}),
}

# ORD-01…ORD-14: the phases in which a command is possible at all.
PHASES = {
    "capture_payment": frozenset({"awaiting_payment"}),
    "validate_lines": frozenset({"paid", "preparing", "partially_shipped"}),
    "ship": frozenset({"paid", "preparing", "partially_shipped"}),
    "set_tracking": frozenset({"partially_shipped", "shipped"}),
    "deliver": frozenset({"shipped"}),
    "complete": frozenset({"shipped", "delivered"}),
    "cancel": frozenset({"awaiting_payment", "paid", "preparing"}),
}

# S4-03: what the customer sees. `phase` binds a label to a phase: reaching the phase sets the label.
PUBLIC_STATES: dict[str, dict[str, Any]] = {
    "awaiting_payment": {"fr": "En attente de paiement", "en": "Awaiting payment", "phase": "awaiting_payment"},
    "fianet_inspection": {"fr": "Contrôle Fianet", "en": "Fianet inspection", "phase": None},
    "awaiting_stock": {"fr": "En attente de stock", "en": "Awaiting stock", "phase": None},
    "preparing": {"fr": "En préparation", "en": "In preparation", "phase": "paid"},
    "partly_sent": {"fr": "Expédiée en partie", "en": "Partly sent", "phase": "partially_shipped"},
    "delivery_in_progress": {"fr": "En cours de livraison", "en": "Delivery in progress", "phase": "shipped"},
    "delivered": {"fr": "Livrée", "en": "Delivered", "phase": "delivered"},
    "cancelled": {"fr": "Annulée", "en": "Cancelled", "phase": "cancelled"},
}
# S4-04: what only administrators see. The same code may stand in both lists (A25).
INTERNAL_STATES: dict[str, dict[str, str]] = {
    "fianet_inspection": {"fr": "Contrôle Fianet", "en": "Fianet inspection"},
    "fraud_inspection": {"fr": "Contrôle fraude", "en": "Fraud inspection"},
    "out_of_stock": {"fr": "Rupture de stock", "en": "Out of stock"},
    "clear": {"fr": "Rien à signaler", "en": "Nothing to report"},
}
SETTABLE_BY_HAND = frozenset({"fianet_inspection", "awaiting_stock", "preparing", "delivery_in_progress"})
ISSUE_REPORTED = {"code": "issue_reported", "fr": "Problème signalé", "en": "Issue reported"}


class TotalDoesNotAddUp(Refusal):
    """Lines, discount and shipping make {found}, but the total says {given}: send what the customer agreed to pay."""

    code = "TOTAL_DOES_NOT_ADD_UP"
    status = 422
    rule = "ORD-01"


class DiscountTooLarge(Refusal):
    """The discount is larger than what it is taken from."""

    code = "DISCOUNT_TOO_LARGE"
    status = 422
    rule = "ORD-01"


class UnknownState(Refusal):
    """This marketplace has no state {state} that can be set while the order is {phase}."""

    code = "UNKNOWN_STATE"
    status = 422
    rule = "ORD-11"


def may(principal: Principal, command: str, seller_id: str) -> bool:
    """5.1: the role may, and a seller or its integrator only for its own orders."""
    if principal.role not in MAY[command]:
        return False
    if principal.role == "integrator":
        return principal.party in (None, seller_id)  # a key without a party is the platform's own system
    return principal.role != "seller" or principal.party == seller_id


def bound_state(phase: str) -> str | None:
    """The public state that this phase sets, or None."""
    return next((code for code, state in PUBLIC_STATES.items() if state["phase"] == phase), None)


def label(states: dict[str, dict[str, Any]], code: str | None) -> dict[str, str]:
    state = states.get(code or "", {})
    return {locale: state[locale] for locale in ("fr", "en") if locale in state}


def included_tax(gross: int, rate: str) -> int:
    """The tax inside a gross amount, in minor units: gross · rate / (100 + rate), rounded half up."""
    scaled = int(Decimal(rate) * 10_000)
    return round_half_up(gross * scaled, 1_000_000 + scaled)


def taxes_of(gross: int, given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The frozen tax snapshot of a line or shipment (M3): amounts as given, or worked out once, here, for ever."""
    taxes = [
        {"code": t["code"], "rate": t["rate"], "amount": t.get("amount", included_tax(gross, t["rate"]))} for t in given
    ]
    if sum(t["amount"] for t in taxes) > gross:
        raise TotalDoesNotAddUp(found="more tax than price", given=gross)
    return taxes


def priced_lines(lines: list[dict[str, Any]], discount: int) -> list[dict[str, Any]]:
    """Each line with `unit_list`, `discount_alloc`, `gross` and `taxes`; the order's discount spread by M4."""
    before = [line["unit_price"] * line["quantity"] - line["discount"] for line in lines]
    if min(before) < 0 or discount > sum(before):
        raise DiscountTooLarge()
    shares = allocate(discount, before)
    return [
        {
            "unit_list": line["unit_price"],
            "discount_alloc": line["discount"] + share,
            "gross": gross - share,
            "taxes": taxes_of(gross - share, line["taxes"]),
        }
        for line, gross, share in zip(lines, before, shares, strict=True)
    ]
