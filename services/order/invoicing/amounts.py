"""What of an order is invoiced: the units that were kept, with their share of the frozen taxes. Pure (M3, M5, M6)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from services.order.model import Line, Order
from shared.kernel.money import round_half_up, value_of_units


@dataclass(frozen=True, slots=True)
class Kept:
    """Lines and charges as an invoice shows them, in minor units, tax included."""

    lines: list[dict[str, Any]]
    charges: list[dict[str, Any]]

    @property
    def total(self) -> int:
        return sum(part["gross"] for part in [*self.lines, *self.charges])


def kept_of(order: Order) -> Kept:
    """Everything but units refused before shipment, which were paid back, and lines that were never paid."""
    lines = [_line(line) for line in order.lines if line.ordered > line.cancelled and not line.unpaid]
    charges = [_charge(shipment) for shipment in order.shipments if shipment["gross"]]
    return Kept(lines, charges)


def _line(line: Line) -> dict[str, Any]:
    """What a refund before shipment gave back is taken off, by the same rules that worked it out (M5, M6)."""
    gone = value_of_units(line.gross, line.ordered, line.cancelled)
    return {
        "line_id": line.line_id,
        "sku": line.sku,
        "title": line.title,
        "quantity": line.ordered - line.cancelled,
        "gross": line.gross - gone,
        "taxes": [{**tax, "amount": tax["amount"] - _tax_of(tax["amount"], gone, line.gross)} for tax in line.taxes],
    }


def _tax_of(tax: int, part: int, gross: int) -> int:
    return min(tax, part, round_half_up(tax * part, gross)) if gross else 0


def _charge(shipment: dict[str, Any]) -> dict[str, Any]:
    return {"shipment_id": shipment["shipment_id"], "gross": shipment["gross"], "taxes": shipment["taxes"]}


def tax_table(parts: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Σ of the taxes of all parts, per code and rate, in the order in which they first appear."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for part in parts:
        for tax in part["taxes"]:
            sums[tax["code"], tax["rate"]] += tax["amount"]
    return [{"code": code, "rate": rate, "amount": amount} for (code, rate), amount in sums.items()]
