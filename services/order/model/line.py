"""A line of an order: its units, its frozen price, and what the product brings along."""

from __future__ import annotations

from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any


@dataclass(slots=True)
class Line:
    """ordered = unshipped + shipped + cancelled; returned ≤ shipped. `gross` and `taxes` are frozen at the start (M3).

    accepted: how many of the unshipped units the seller promised. unpaid: added later, and its money is not there yet
    (ORD-13). covers: a subscription, `{product_id, url, days}` (ENT-01). wear: when the product is used up,
    `{lifetime_days | units_per_day, remind_days, offer_code?}` (S4-25).
    """

    line_id: str
    product_id: str
    sku: str
    title: str
    ordered: int
    unshipped: int
    unit_list: int
    discount_alloc: int
    gross: int
    taxes: list[dict[str, Any]]
    shipped: int = 0
    cancelled: int = 0
    returned: int = 0
    accepted: int = 0
    supplier_id: str | None = None
    linked_line_id: str | None = None
    unpaid: bool = False
    covers: dict[str, Any] | None = None
    wear: dict[str, Any] | None = None

    def placed(self) -> dict[str, Any]:
        """As order.placed and order.line_added tell it."""
        told = dict(zip(TOLD, _told(self), strict=True)) | {"qty": self.ordered}
        if self.covers:
            told["covers"] = {name: self.covers[name] for name in ("product_id", "url")}
        return told

    def view(self) -> dict[str, Any]:
        return dict(zip(NAMES, _all(self), strict=True))

    def leaves(self, units: int) -> None:
        """That many units are no longer here; a promise reaches no further than what is."""
        self.unshipped -= units
        self.accepted = min(self.accepted, self.unshipped)


TOLD = ("line_id", "product_id", "sku", "title", "supplier_id", "linked_line_id", "gross", "taxes")
NAMES = tuple(field.name for field in fields(Line))
_told, _all = attrgetter(*TOLD), attrgetter(*NAMES)
_RARE = {"returned": 0, "unpaid": False, "covers": None, "wear": None}


def line_data(lines: list[Line]) -> list[dict[str, Any]]:
    """As stored: what hardly any line has is left out where it says nothing."""
    found = []
    for line in lines:
        data = line.view()
        for name, nothing in _RARE.items():
            if data[name] == nothing:
                del data[name]
        found.append(data)
    return found
