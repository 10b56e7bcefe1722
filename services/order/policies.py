"""Decisions of the order service as data: who may do what and when, how a price is made up."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
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
    "add_line": SELLING,
    "withdraw_line": SELLING | {"system"},
    "ship": SELLING,
    "set_tracking": SELLING,
    "deliver": SELLING,
    "complete": frozenset({"platform_agent", "coordinator"}),
    "cancel": SELLING,
    "set_public_state": SELLING | {"coordinator"},
    "set_internal_state": SELLING | {"coordinator"},
    "settle": frozenset({"platform_agent"}),
    "configure_marketplace": frozenset({"platform_agent"}),
    "see_marketplace": SELLING | {"coordinator"},
    "grant_entitlement": frozenset({"integrator", "platform_agent"}),
    "stop_reminders": frozenset({"customer", "coordinator", "platform_agent"}),
    "make_invoice": SELLING,
    "set_billing": SELLING | {"coordinator"},
    "set_identity": SELLING,
    "read_identity": SELLING | {"coordinator"},
    "request_payment": SELLING | {"coordinator"},
}

# ORD-01…ORD-14: the phases in which a command is possible at all.
PHASES = {
    "capture_payment": frozenset(
        {"awaiting_payment", "paid", "preparing", "partially_shipped", "shipped", "delivered"}
    ),
    "add_line": frozenset({"paid", "preparing", "partially_shipped", "shipped", "delivered"}),
    "withdraw_line": frozenset({"paid", "preparing", "partially_shipped", "shipped", "delivered", "completed"}),
    "validate_lines": frozenset({"paid", "preparing", "partially_shipped"}),
    "ship": frozenset({"paid", "preparing", "partially_shipped"}),
    "set_tracking": frozenset({"partially_shipped", "shipped"}),
    "deliver": frozenset({"shipped"}),
    "complete": frozenset({"shipped", "delivered"}),
    "cancel": frozenset({"awaiting_payment", "paid", "preparing"}),
    "make_invoice": frozenset({"shipped", "delivered", "completed"}),
    "request_payment": frozenset(
        {"awaiting_payment", "paid", "preparing", "partially_shipped", "shipped", "delivered"}
    ),
}

# ORD-10: so long after its last shipment an order counts as delivered where nobody tells of it. Within 30 days a buyer
# must have what he bought (directive 2011/83/EU, article 18): who got nothing has said so by then, and his claim holds
# the order. Less would complete, and pay out, orders that are on their way still.
UNTOLD_DELIVERY = timedelta(days=30)


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


def may(principal: Principal, command: str, seller_id: str) -> bool:
    """5.1: the role may, and a seller or its integrator only for its own orders."""
    if principal.role not in MAY[command]:
        return False
    if principal.role == "integrator":
        return principal.party in (None, seller_id)  # a key without a party is the platform's own system
    return principal.role != "seller" or principal.party == seller_id


def included_tax(gross: int, rate: str) -> int:
    """The tax inside a gross amount, in minor units: gross · rate / (100 + rate), rounded half up."""
    scaled = _scaled(rate)
    return round_half_up(gross * scaled, 1_000_000 + scaled)


@lru_cache(100)  # a handful of rates, for every line that is sold
def _scaled(rate: str) -> int:
    """A rate in per cent as ten-thousandths of a per cent."""
    return int(Decimal(rate) * 10_000)


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
