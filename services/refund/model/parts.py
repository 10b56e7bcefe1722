"""The refundable parts of an order: its lines and its shipments, each with the taxes frozen at order.placed (M3, M8).

All amounts are minor units of the order's currency; gross includes its taxes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.kernel.money import round_half_up, value_of_units

# What one step of a refund does to (succeeded, reserved) of everything it touches.
STEPS = {
    "reserve": (0, 1),
    "succeed": (1, -1),
    "release": (0, -1),
    "reverse": (-1, 0),
    "external": (1, 0),
}


@dataclass(slots=True)
class Counter:
    """How much succeeded, and how much is reserved by refunds in flight (requested … unknown)."""

    succeeded: int = 0
    reserved: int = 0

    @property
    def total(self) -> int:
        return self.succeeded + self.reserved

    def move(self, step: str, amount: int) -> None:
        paid, held = STEPS[step]
        self.succeeded += paid * amount
        self.reserved += held * amount


@dataclass(slots=True)
class PartTax:
    """One tax of one part, as frozen at order.placed; `given` counts what refunds gave back of it."""

    code: str
    rate: str
    amount: int
    given: Counter = field(default_factory=Counter)

    @property
    def left(self) -> int:
        return self.amount - self.given.total


@dataclass(slots=True)
class Slice:
    """What one refund takes from one part: fixed at reservation, printed on the credit note (M6).

    `before` and `after` are units, taken on the path before and after shipment (E1). `goodwill` amounts carry no tax
    and stay out of the tax base (M10). kind `order` is money of the order that no part explains (over-capture).
    `withheld` was deducted from the price of its units, for a reason that the refund names (M13).
    """

    kind: str
    part_id: str
    amount: int
    before: int = 0
    after: int = 0
    goodwill: bool = False
    taxes: list[dict] = field(default_factory=list)
    withheld: int = 0

    @property
    def units(self) -> int:
        return self.before + self.after

    @property
    def tax(self) -> int:
        return sum(tax["amount"] for tax in self.taxes)


@dataclass(frozen=True, slots=True)
class Wish:
    """A slice before its taxes are known: what a request wants of one part."""

    kind: str
    part_id: str
    amount: int
    before: int = 0
    after: int = 0
    goodwill: bool = False
    withheld: int = 0


@dataclass(slots=True)
class Part:
    """A line or a shipment. `given` is R of M6: what was given back at its price; `goodwill` is given beside it.

    withheld: what deductions kept of units that were refunded (M13): only a free amount gives it back.
    """

    id: str
    gross: int
    taxes: list[PartTax]
    given: Counter = field(default_factory=Counter)
    goodwill: Counter = field(default_factory=Counter)
    withheld: int = 0

    kind = "part"

    @property
    def not_given(self) -> int:
        return self.gross - self.given.total - self.goodwill.total

    @property
    def remaining(self) -> int:
        """What refunds may still take from this part (M9)."""
        return self.not_given

    @property
    def owed(self) -> int:
        """What its own refund may still take: what remains, without what was deducted for a reason."""
        return max(0, self.remaining - self.withheld)

    @property
    def net_left(self) -> int:
        """What is left of the price without its taxes; goodwill is no part of the price (M10)."""
        net = self.gross - sum(tax.amount for tax in self.taxes)
        return net - (self.given.total - sum(tax.given.total for tax in self.taxes))

    def taxes_of(self, amount: int) -> list[dict]:
        """The taxes inside a refund of `amount`, per code in turn (M6).

        Each is the rounded share of what will have been given back, clamped so that neither the tax nor what is left
        for the later codes and the net price can be overdrawn: whatever the history, the last refund is exact.
        """
        found, rest = [], amount
        later = self.net_left + sum(tax.left for tax in self.taxes)
        for tax in self.taxes:
            later -= tax.left
            wanted = round_half_up(tax.amount * (self.given.total + amount), max(self.gross, 1)) - tax.given.total
            share = max(0, rest - later, min(wanted, rest, tax.left))
            found.append({"code": tax.code, "rate": tax.rate, "amount": share})
            rest -= share
        return found

    def move(self, step: str, piece: Slice) -> None:
        """Apply one step of a refund to this part's counters."""
        (self.goodwill if piece.goodwill else self.given).move(step, piece.amount)
        for tax, taken in zip(self.taxes, piece.taxes, strict=False):  # a goodwill slice has no taxes
            tax.given.move(step, taken["amount"])
        if piece.withheld:
            self.withheld += piece.withheld * sum(STEPS[step])

    def give_back(self, piece: Slice, amount: int) -> None:
        """`amount` of a paid slice came back, a revoked coupon's unused part: its share of each tax with it."""
        (self.goodwill if piece.goodwill else self.given).succeeded -= amount
        for tax, taken in zip(self.taxes, piece.taxes, strict=False):
            tax.given.succeeded -= taken["amount"] * amount // piece.amount


@dataclass(slots=True)
class Shipment(Part):
    """The delivery fee of one shipment: refundable by itself, only when asked (M8)."""

    kind = "shipment"


@dataclass(slots=True)
class Line(Part):
    """An order line: ordered = unshipped + shipped + cancelled, and which of its units were refunded on which path.

    linked: the product line whose subscription this is (M14). unpaid: added later and not paid for yet (ORD-13), so
    there is nothing of it to give back.
    """

    ordered: int = 1
    unshipped: int = 0
    shipped: int = 0
    cancelled: int = 0
    linked: str | None = None
    unpaid: bool = False
    before: Counter = field(default_factory=Counter)
    after: Counter = field(default_factory=Counter)

    kind = "line"

    @property
    def remaining(self) -> int:
        return 0 if self.unpaid else self.not_given

    @property
    def units_left(self) -> int:
        return 0 if self.unpaid else self.ordered - self.before.total - self.after.total

    @property
    def used_up(self) -> bool:
        """Every unit or all of its money is given back: the product is refunded in full (M14)."""
        return self.units_left <= 0 or self.remaining == 0

    @property
    def before_left(self) -> int:
        """Units that the path before shipment may still refund: not shipped, or cancelled, and not refunded (E1)."""
        return max(0, min(self.unshipped + self.cancelled - self.before.total, self.units_left))

    @property
    def after_left(self) -> int:
        """Units that the path after shipment may still refund (E1)."""
        return max(0, min(self.shipped - self.after.total, self.units_left))

    def value_of(self, units: int) -> int:
        """What the next `units` are worth: cumulative, never above what remains, the last takes the rest (M5)."""
        done = self.ordered - self.units_left
        if units >= self.units_left:
            return self.owed
        cumulative = value_of_units(self.gross, self.ordered, done + units)
        return min(cumulative - value_of_units(self.gross, self.ordered, done), self.owed)

    def move(self, step: str, piece: Slice) -> None:
        Part.move(self, step, piece)
        self.before.move(step, piece.before)
        self.after.move(step, piece.after)


def placed_line(line: dict, unpaid: bool = False) -> Line:
    """A line as order.placed or order.line_added tells it."""
    return Line(
        id=line["line_id"],
        gross=line["gross"],
        taxes=placed_taxes(line["taxes"]),
        ordered=line["qty"],
        unshipped=line["qty"],
        linked=line.get("linked_line_id"),
        unpaid=unpaid,
    )


def placed_taxes(found: list[dict]) -> list[PartTax]:
    return [PartTax(tax["code"], tax["rate"], tax["amount"]) for tax in found]
