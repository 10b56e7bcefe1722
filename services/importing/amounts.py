"""Other systems' numbers in minor units, and taxes that say less than ours must."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from shared.kernel.money import allocate, exponent, round_half_up


class Unreadable(ValueError):
    """`field` of the file holds what cannot be read; the message says why."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(why)
        self.field = field
        self.row = 0  # of the order's line items; set by whoever reads them one by one


def whole(value: Any, field: str) -> int:
    """A count, or an amount that is in minor units already. Floats that are whole numbers are taken: CSV tools."""
    text = str(value).strip()
    if not text.lstrip("-").removesuffix(".0").isdigit() or isinstance(value, bool):
        raise Unreadable(field, f"{text!r} is not a whole number.")
    return int(text.removesuffix(".0"))


def minor(value: Any, currency: str, field: str) -> int:
    """`"12.50"` of EUR → 1250. Raises Unreadable for more decimals than the currency has."""
    try:
        amount = Decimal(str(value).strip())
        scaled = amount.scaleb(exponent(currency))
    except (InvalidOperation, KeyError):
        raise Unreadable(field, f"{value!r} is not an amount of {currency}, like 12.50.") from None
    if not scaled.is_finite() or scaled != scaled.to_integral_value():
        raise Unreadable(field, f"{value!r} has more decimals than {currency} has.")
    return int(scaled)


def rate_of(gross: int, tax: int) -> str:
    """The simplest rate in per cent by which `tax` is inside `gross`: what the export did not say."""
    if not 0 < tax < gross:
        return "0"
    exact = Decimal(tax) * 100 / (gross - tax)
    for digits in ("1", "0.1", "0.01"):
        rate = exact.quantize(Decimal(digits))
        scaled = int(rate * 10_000)
        if round_half_up(gross * scaled, 1_000_000 + scaled) == tax:
            return format(rate.normalize(), "f")
    return format(exact.quantize(Decimal("0.01")), "f")


def priced(gross: int, quantity: int) -> dict[str, int]:
    """Unit price and discount of a line of which only the whole is known."""
    unit = -(-gross // max(quantity, 1))
    return {"unit_price": unit, "discount": unit * quantity - gross}


def spread(taxes: Sequence[tuple[str, int]], weights: Sequence[int]) -> list[list[tuple[str, int]]]:
    """An order's taxes over its parts by what they cost, exact to the minor unit (M4)."""
    shares: list[list[tuple[str, int]]] = [[] for _ in weights]
    for code, amount in taxes:
        for share, part in zip(shares, allocate(amount, list(weights)), strict=True):
            if part:
                share.append((code, part))
    return shares
