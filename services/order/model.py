"""Orders and their settlement: states, guards and what each change announces (model.md 5.2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from services.order.policies import (
    INTERNAL_STATES,
    PHASES,
    PUBLIC_STATES,
    SETTABLE_BY_HAND,
    UnknownState,
    bound_state,
    label,
)
from shared.kernel.aggregate import Aggregate
from shared.kernel.clock import stamp
from shared.kernel.errors import NotFound, NotInThisState, Refusal


class TooManyUnits(Refusal):
    """Only {left} units of line {line_id} have not been shipped or refused yet."""

    code = "TOO_MANY_UNITS"
    status = 422
    rule = "ORD-05"


class LineAlreadyShipped(Refusal):
    """Line {line_id} was shipped already: refund it after shipment instead."""

    code = "LINE_ALREADY_SHIPPED"
    status = 409
    rule = "E1"


class WrongCurrency(Refusal):
    """The order is in {currency}."""

    code = "CURRENCY_MISMATCH"
    status = 422
    rule = "M2"


class OpenClaim(Refusal):
    """The order has an open problem: {claims}. It can be completed and settled when that is solved."""

    code = "OPEN_CLAIM"
    status = 409
    rule = "S2-20"


@dataclass(slots=True)
class Line:
    """ordered = unshipped + shipped + cancelled. `gross` and `taxes` are frozen when the order is placed (M3)."""

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
    accepted: bool = False
    supplier_id: str | None = None
    linked_line_id: str | None = None

    def placed(self) -> dict[str, Any]:
        """As order.placed tells it."""
        names = ("line_id", "product_id", "sku", "title", "supplier_id", "linked_line_id", "gross", "taxes")
        return {name: getattr(self, name) for name in names} | {"qty": self.ordered}


@dataclass(kw_only=True)
class Order(Aggregate):
    """An order. `phase` is what rules use; public and internal state are labels (S4-03, S4-04)."""

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
    public_state: str | None = "awaiting_payment"
    internal_state: str | None = None
    captured: int = 0
    payments: list[dict[str, Any]] = field(default_factory=list)
    parcels: list[dict[str, Any]] = field(default_factory=list)
    open_claims: list[str] = field(default_factory=list)
    claim_count: int = 0

    # what every event says

    def _record(self, type: str, **data: Any) -> None:
        whose = {"order_id": self.id, "number": self.number, "seller_id": self.seller_id}
        self.record(f"order.{type}", **whose, customer_ref=self.customer_ref, **data)

    def money(self, amount: int) -> dict[str, Any]:
        return {"amount": amount, "currency": self.currency}

    def line(self, line_id: str) -> Line:
        found = next((line for line in self.lines if line.line_id == line_id), None)
        if found is None:
            raise NotFound(kind="line", id=line_id)
        return found

    def _must_allow(self, command: str) -> None:
        if self.phase not in PHASES[command]:
            raise NotInThisState(kind="order", state=self.phase, action=command.replace("_", " "))

    def _reach(self, phase: str) -> None:
        """Enter a phase; the marketplace's public label of that phase follows."""
        self.phase = phase
        if (code := bound_state(phase)) and code != self.public_state:
            self._show(code)

    def _show(self, code: str) -> None:
        before, self.public_state = self.public_state, code
        self._record("public_state_changed", **{"from": before}, to=code, label=label(PUBLIC_STATES, code))

    # transitions

    def place(self) -> None:
        """ORD-01: announce the order as it was just built."""
        self._record(
            "placed",
            marketplace=self.marketplace,
            profile=self.profile,
            currency=self.currency,
            lines=[line.placed() for line in self.lines],
            shipments=self.shipments,
            total=self.money(self.total),
            placed_at=stamp(self.placed_at),
        )

    def capture(self, payment: dict[str, Any], now: datetime) -> None:
        """ORD-02, ORD-03: money arrived; the order is paid when it is all there. The same payment twice is once."""
        amount = payment["amount"]
        if amount["currency"] != self.currency:
            raise WrongCurrency(currency=self.currency)
        if any(known["payment_id"] == payment["payment_id"] for known in self.payments):
            return
        self._must_allow("capture_payment")
        self.captured += amount["amount"]
        self.payments.append({**payment, "amount": amount["amount"]})
        self._record("payment_captured", **payment, captured_total=self.money(self.captured))
        if self.captured >= self.total:
            self._record("paid", at=stamp(now))
            self._reach("paid")

    def accept(self, line_id: str) -> None:
        """ORD-04."""
        self._must_allow("validate_lines")
        line = self.line(line_id)
        if not line.unshipped:
            raise TooManyUnits(line_id=line_id, left=0)
        line.accepted = True
        self._record("line_accepted", line_id=line_id, qty=line.unshipped, left_unshipped=line.unshipped)
        if self.phase == "paid":
            self.phase = "preparing"

    def refuse(self, line_id: str, quantity: int | None, reason_code: str) -> None:
        """ORD-05 (S0-17): these units will not be sent; the refund service pays them back before shipment."""
        self._must_allow("validate_lines")
        line = self._unshipped(line_id, quantity)
        units = quantity or line.unshipped
        line.unshipped -= units
        line.cancelled += units
        whose = {"line_id": line_id, "qty": units}
        self._record("line_refused", **whose, reason_code=reason_code, left_unshipped=line.unshipped, paid=True)
        self._release_stock(line, units, f"refused:{line.cancelled}")
        if not any(each.unshipped or each.shipped for each in self.lines):
            self._record("cancelled", reason_code=reason_code, lines=[], captured=self.money(self.captured))
            self._reach("cancelled")

    def _unshipped(self, line_id: str, quantity: int | None) -> Line:
        """The line, when that many of its units have not left yet (S0-23: a shipped line is refused by its name)."""
        line = self.line(line_id)
        if not line.unshipped and line.shipped:
            raise LineAlreadyShipped(line_id=line_id)
        if not line.unshipped or (quantity or 1) > line.unshipped:
            raise TooManyUnits(line_id=line_id, left=line.unshipped)
        return line

    def _release_stock(self, line: Line, units: int, cause: str) -> None:
        key = f"{line.line_id}:{cause}"
        self._record("stock_released", line_id=line.line_id, product_id=line.product_id, qty=units, key=key)

    def ship(self, parcel: dict[str, Any], quantities: list[tuple[str, int | None]]) -> None:
        """ORD-06: these units left in this parcel."""
        self._must_allow("ship")
        sent = []
        for line_id, quantity in quantities:
            line = self._unshipped(line_id, quantity)
            units = quantity or line.unshipped
            line.unshipped -= units
            line.shipped += units
            sent.append({"line_id": line_id, "qty": units})
        complete = not any(line.unshipped for line in self.lines)
        scope = "order" if complete and not self.parcels else "lines"
        parcel = {**parcel, "scope": scope, "line_ids": [each["line_id"] for each in sent]}
        self.parcels.append(parcel)
        self._record("parcel_added", **parcel)
        self._record("shipped", parcel_id=parcel["parcel_id"], lines=sent, complete=complete)
        self._reach("shipped" if complete else "partially_shipped")

    def left_to_ship(self) -> list[tuple[str, int | None]]:
        return [(line.line_id, line.unshipped) for line in self.lines if line.unshipped]

    def track(self, parcel: dict[str, Any], line_ids: list[str]) -> None:
        """ORD-07, S4-20/21: correct a parcel, or name another one for some lines."""
        self._must_allow("set_tracking")
        for line_id in line_ids:
            self.line(line_id)
        parcel = {**parcel, "scope": "lines" if line_ids else "order", "line_ids": line_ids}
        self.parcels = [known for known in self.parcels if known["parcel_id"] != parcel["parcel_id"]] + [parcel]
        self._record("tracking_updated", **parcel)

    def deliver(self, now: datetime) -> None:
        """ORD-08."""
        self._must_allow("deliver")
        self._record("delivered", at=stamp(now))
        self._reach("delivered")

    def complete(self, now: datetime) -> None:
        """ORD-10: not while a problem is open (S2-20)."""
        self._must_allow("complete")
        if self.open_claims:
            raise OpenClaim(claims=self.open_claims)
        self._record("completed", at=stamp(now))
        self._reach("completed")

    def cancel(self, reason_code: str) -> None:
        """ORD-09: nothing was shipped; everything captured is refunded by the refund service."""
        self._must_allow("cancel")
        if any(line.shipped for line in self.lines):
            raise NotInThisState(kind="order", state="partly shipped", action="cancel")
        left = [(line, line.unshipped) for line in self.lines if line.unshipped]
        cancelled = [{"line_id": line.line_id, "qty": units} for line, units in left]
        for line, units in left:
            line.cancelled += units
            line.unshipped = 0
        self._record("cancelled", reason_code=reason_code, lines=cancelled, captured=self.money(self.captured))
        for line, units in left:
            self._release_stock(line, units, "cancelled")
        self._reach("cancelled")

    def set_public_state(self, code: str) -> None:
        """ORD-11: the customer sees it and is told (S4-17)."""
        if code not in SETTABLE_BY_HAND or self.phase in ("completed", "cancelled"):
            raise UnknownState(state=code, phase=self.phase)
        if code != self.public_state:
            self._show(code)

    def set_internal_state(self, code: str) -> None:
        """ORD-12: administrators only; nobody is told (S4-27)."""
        if code not in INTERNAL_STATES:
            raise UnknownState(state=code, phase=self.phase)
        if code != self.internal_state:
            before, self.internal_state = self.internal_state, code
            names = label(INTERNAL_STATES, code)
            self._record("internal_state_changed", **{"from": before}, to=code, label=names)

    def claim_is(self, claim_id: str, open: bool) -> None:
        """A claim on this order opened or ended; the display status follows (S2-05, A15)."""
        if open and claim_id not in self.open_claims:
            self.open_claims = [*self.open_claims, claim_id]
            self.claim_count += 1
        elif not open:
            self.open_claims = [known for known in self.open_claims if known != claim_id]


@dataclass(kw_only=True)
class Settlement(Aggregate):
    """Whether the seller may be paid for one order (SET-01…SET-08). Its id is the order's id."""

    stream: ClassVar[str] = "settlement"

    seller_id: str
    currency: str
    total: int
    state: str = "open"
    holds: dict[str, dict[str, Any]] = field(default_factory=dict)
    order_completed: bool = False
    payout_ref: str | None = None

    def _record(self, type: str, claim_id: str | None = None, amount: int | None = None, **data: Any) -> None:
        money = None if amount is None else {"amount": amount, "currency": self.currency}
        known = {"order_id": self.id, "seller_id": self.seller_id, "claim_id": claim_id, "amount": money}
        self.record(f"settlement.{type}", **known, mode=data.get("mode"), payout_ref=self.payout_ref)

    def hold(self, claim_id: str) -> None:
        """SET-01: one claim holds the whole order. A claim opened after the pay-out holds nothing (SET-06)."""
        if self.state == "settled" or claim_id in self.holds:
            return
        self.holds = {**self.holds, claim_id: {"mode": "order", "amount": self.total}}
        self.state = "held"
        self._record("hold_placed", claim_id, self.total, mode="order")

    def release(self, claim_id: str) -> None:
        """SET-02, SET-03: the last holding claim ended."""
        if claim_id not in self.holds:
            return
        self.holds = {known: hold for known, hold in self.holds.items() if known != claim_id}
        if self.holds:
            return
        self.state = "open"
        self._record("hold_released", claim_id, self.total, mode="order")
        self._become_releasable()

    def complete(self) -> None:
        """SET-04: the order is completed."""
        self.order_completed = True
        self._become_releasable()

    def _become_releasable(self) -> None:
        if self.state == "open" and self.order_completed:
            self.state = "releasable"
            self._record("releasable", amount=self.total)

    def propose(self, payout_ref: str) -> None:
        """SET-05: ask the claim service whether anything still holds this order; its answer is the cut-off."""
        if self.holds:
            raise OpenClaim(claims=sorted(self.holds))
        if self.state != "releasable":
            raise NotInThisState(kind="settlement", state=self.state, action="be settled")
        self.state, self.payout_ref = "settling", payout_ref
        self._record("proposed", amount=self.total)

    def clear(self, payout_ref: str | None) -> None:
        """SET-06: no claim holds the order. An answer about a pay-out that was given up since is nothing (I8)."""
        if self._awaits(payout_ref):
            self.state = "settled"
            self._record("settled", amount=self.total)

    def _awaits(self, payout_ref: str | None) -> bool:
        return self.state == "settling" and payout_ref == self.payout_ref

    def block(self, payout_ref: str | None, claim_ids: Iterable[str]) -> None:
        """SET-07: something holds the order after all."""
        if self._awaits(payout_ref):
            self.state, self.payout_ref = "open", None
            for claim_id in claim_ids:
                self.hold(claim_id)
            self._become_releasable()

    def give_up_waiting(self) -> None:
        """SET-07: no answer within a minute; the pay-out may be proposed again."""
        if self.state == "settling":
            self.state, self.payout_ref = "releasable", None
            self._record("releasable", amount=self.total)

    def claw_back(self, amount: int) -> None:
        """SET-08: refunded after the seller was paid: the next pay-out is that much less."""
        if self.state == "settled":
            self._record("clawback_due", amount=amount)


@dataclass(kw_only=True)
class Contact(Aggregate):
    """How to reach a person; announced on the private exchange only. Its id is `party:ref` within the tenant."""

    stream: ClassVar[str] = "contact"

    party: str
    ref: str
    details: dict[str, Any]

    def update(self, details: dict[str, Any]) -> bool:
        """True when something changed and was announced."""
        if details == self.details and self.version:
            return False
        self.details = details
        self.record("contact.recorded", party=self.party, ref=self.ref, **details)
        return True


def line_data(lines: list[Line]) -> list[dict[str, Any]]:
    return [asdict(line) for line in lines]
