"""What is known of an order, and how its facts are told. What may happen to it stands in order.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from services.order.model.line import Line
from services.order.model.marketplace import SHIPPED, Marketplace
from services.order.policies import PHASES
from shared.kernel.aggregate import Aggregate
from shared.kernel.errors import NotFound, NotInThisState


@dataclass(kw_only=True)
class OrderRecord(Aggregate):
    """An order. `phase` is what rules use; public and internal state are labels (S4-03, S4-04).

    replaces: the claim and the order that this replacement stands for (S2-12). payment_request: id and state of the
    open one (PAY-01).
    entitlements: subscriptions that were bought with it or cover something in it. rules: of its marketplace, given by
    whoever loads the order for a change; not stored here.
    """

    stream: ClassVar[str] = "order"

    number: str
    marketplace: str
    profile: str
    seller_id: str
    customer_ref: str
    customer: dict[str, Any]
    currency: str
    lines: list[Line]
    shipments: list[dict[str, Any]]
    total: int
    placed_at: datetime
    updated_at: datetime
    phase: str = "awaiting_payment"
    public_state: str | None = None
    internal_state: str | None = None
    captured: int = 0
    payments: list[dict[str, Any]] = field(default_factory=list)
    parcels: list[dict[str, Any]] = field(default_factory=list)
    open_claims: list[str] = field(default_factory=list)
    claim_count: int = 0
    entitlements: list[str] = field(default_factory=list)
    replaces: dict[str, str] | None = None
    invoice_id: str | None = None
    payment_request: dict[str, Any] | None = None
    rules: Marketplace = field(default_factory=lambda: SHIPPED, repr=False, compare=False)

    @property
    def amount_due(self) -> int:
        """What is still to be paid, in minor units: the whole at first, later what added lines cost (ORD-13)."""
        return max(0, self.total - self.captured)

    def money(self, amount: int) -> dict[str, Any]:
        return {"amount": amount, "currency": self.currency}

    def line(self, line_id: str) -> Line:
        found = next((line for line in self.lines if line.line_id == line_id), None)
        if found is None:
            raise NotFound(kind="line", id=line_id)
        return found

    @property
    def being_paid(self) -> bool:
        """Is somebody paying through a link at this moment?"""
        return self.payment_request is not None and self.payment_request["state"] == "paying"

    def note_request(self, request_id: str, state: str) -> None:
        """PAY-01: which payment request is open, if one is, and whether somebody is paying through it."""
        self.payment_request = {"id": request_id, "state": state} if state in ("issued", "paying") else None

    def left_to_ship(self) -> list[tuple[str, int | None]]:
        return [(line.line_id, line.unshipped) for line in self.lines if line.unshipped and not line.unpaid]

    def allows(self, command: str) -> bool:
        """Is the command possible in this phase? Lines that were added and paid after all had left may still leave."""
        if self.phase in PHASES[command]:
            return True
        return command in ("ship", "validate_lines") and self.phase in LATE and bool(self.left_to_ship())

    def still_to_leave(self) -> list[str]:
        """Lines that can be shipped yet: an invoice waits for them (ORD-14)."""
        return [line_id for line_id, _ in self.left_to_ship()] if self.allows("ship") else []

    # telling

    def _record(self, type: str, **data: Any) -> None:
        whose = {"order_id": self.id, "number": self.number, "seller_id": self.seller_id}
        self.record(f"order.{type}", **whose, customer_ref=self.customer_ref, **data)

    def _must_allow(self, command: str) -> None:
        if not self.allows(command):
            raise NotInThisState(kind="order", state=self.phase, action=command.replace("_", " "))

    def _reach(self, phase: str) -> None:
        """Enter a phase; the marketplace's public label of that phase follows."""
        self.phase = phase
        if (code := self.rules.shown_at(phase)) and code != self.public_state:
            self._show(code)

    def _show(self, code: str) -> None:
        before, self.public_state = self.public_state, code
        self._record("public_state_changed", **{"from": before}, to=code, label=self.rules.public_label(code))

    def _release_stock(self, line: Line, units: int, cause: str) -> None:
        """S4-11, S4-12: once per cause, and only where the marketplace manages stock here (I11)."""
        if self.rules.stock_managed:
            key = f"{line.line_id}:{cause}"
            self._record("stock_released", line_id=line.line_id, product_id=line.product_id, qty=units, key=key)


LATE = frozenset({"shipped", "delivered"})
