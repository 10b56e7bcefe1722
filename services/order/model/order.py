"""Orders: what may happen to one, under which guard, and what is announced (model.md 5.2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.order.model.line import Line
from services.order.model.record import LATE, OrderRecord
from services.order.model.refusals import (
    BeingPaid,
    LineAlreadyShipped,
    LineExists,
    LineIsPaid,
    LineNotPaid,
    NoSuchParcel,
    OpenClaim,
    ParcelNumberMissing,
    TooManyUnits,
    UnknownState,
    WrongCurrency,
)
from shared.kernel.clock import stamp
from shared.kernel.errors import NotInThisState


@dataclass(kw_only=True)
class Order(OrderRecord):
    """The transitions ORD-01…ORD-13."""

    def place(self) -> None:
        """ORD-01: announce the order as it was just built. Raises UnknownTaxCode (M3)."""
        if self.rules.tax_codes is not None:
            for number, line in enumerate(self.lines):
                self.rules.check_taxes(line.taxes, f"lines.{number}")
            for number, shipment in enumerate(self.shipments):
                self.rules.check_taxes(shipment["taxes"], f"shipping.{number}")
        self.public_state = self.rules.shown_at(self.phase)
        self._record(
            "placed",
            marketplace=self.marketplace,
            profile=self.profile,
            currency=self.currency,
            lines=[line.placed() for line in self.lines],
            shipments=self.shipments,
            total=self.money(self.total),
            placed_at=stamp(self.placed_at),
            locale=self.customer.get("locale", "en"),
            **({"replaces": self.replaces} if self.replaces else {}),
        )

    def is_free(self, now: datetime) -> None:
        """ORD-02 for a replacement: there is nothing to pay, so it can be sent at once (S2-12)."""
        if self.total == 0:
            self._record("paid", at=stamp(now))
            self._reach("paid")

    def capture(self, payment: dict[str, Any], now: datetime, *, by_link: bool = False) -> None:
        """ORD-02, ORD-03: money arrived; the order is paid when it is all there. The same payment twice is once.

        Later it pays for what was added (ORD-13): those lines are then confirmed and may leave. by_link: a provider has
        taken it already (PAY-04); it is booked whatever became of the order meanwhile.
        """
        amount = payment["amount"]
        if amount["currency"] != self.currency:
            raise WrongCurrency(currency=self.currency)
        if any(known["payment_id"] == payment["payment_id"] for known in self.payments):
            return
        if not by_link:
            self._must_allow("capture_payment")
        if not by_link and not self.amount_due:
            raise NotInThisState(kind="order", state="paid", action="be paid once more")
        self.captured += amount["amount"]
        self.payments.append({**payment, "amount": amount["amount"]})
        self._record("payment_captured", **payment, captured_total=self.money(self.captured))
        if self.amount_due:
            return
        for line in self.lines:
            line.unpaid = False
        if self.phase == "awaiting_payment":
            self._record("paid", at=stamp(now))
            self._reach("paid")

    def accept(self, line_id: str, quantity: int | None = None) -> None:
        """ORD-04: promise these units, or all that nobody promised yet."""
        self._must_allow("validate_lines")
        line = self._unshipped(line_id, quantity)
        units = quantity or line.unshipped - line.accepted
        if not 1 <= units <= line.unshipped - line.accepted:
            raise TooManyUnits(line_id=line_id, left=line.unshipped - line.accepted)
        line.accepted += units
        self._record("line_accepted", line_id=line_id, qty=units, left_unshipped=line.unshipped)
        if self.phase == "paid":
            self.phase = "preparing"

    def refuse(self, line_id: str, quantity: int | None, reason_code: str) -> None:
        """ORD-05 (S0-17): these units will not be sent; the refund service pays them back before shipment."""
        self._must_allow("validate_lines")
        line = self._unshipped(line_id, quantity)
        units = quantity or line.unshipped
        line.leaves(units)
        line.cancelled += units
        whose = {"line_id": line_id, "qty": units}
        self._record("line_refused", **whose, reason_code=reason_code, left_unshipped=line.unshipped, paid=True)
        self._release_stock(line, units, f"refused:{line.cancelled}")
        if self._is_empty:
            self._tell_cancelled(reason_code, [], "original")
        elif self.phase == "partially_shipped" and not self.left_to_ship():
            self._reach("shipped")  # nothing more will leave: docs/adr/0018

    @property
    def _is_empty(self) -> bool:
        """Nothing left and nothing is left to leave (ORD-05); what was added and is not paid may still be."""
        return not any(line.unshipped or line.shipped for line in self.lines)

    def _unshipped(self, line_id: str, quantity: int | None) -> Line:
        """The line, when that many of its units have not left yet (S0-23: a shipped line is refused by its name)."""
        line = self.line(line_id)
        if line.unpaid:
            raise LineNotPaid(line_id=line_id)
        if not line.unshipped and line.shipped:
            raise LineAlreadyShipped(line_id=line_id)
        if not line.unshipped or (quantity or 1) > line.unshipped:
            raise TooManyUnits(line_id=line_id, left=line.unshipped)
        return line

    def ship(self, parcel: dict[str, Any], quantities: list[tuple[str, int | None]]) -> None:
        """ORD-06: these units left in this parcel."""
        self._must_allow("ship")
        if self.rules.parcel_number_required and not parcel["tracking_number"]:
            raise ParcelNumberMissing()
        sent = []
        for line_id, quantity in quantities:
            line = self._unshipped(line_id, quantity)
            units = quantity or line.unshipped
            line.leaves(units)
            line.shipped += units
            sent.append({"line_id": line_id, "qty": units})
        complete = not self.left_to_ship()
        scope = "order" if complete and not self.parcels else "lines"
        parcel = {**parcel, "scope": scope, "line_ids": [each["line_id"] for each in sent]}
        self.parcels.append(parcel)
        self._record("parcel_added", **parcel)
        self._record("shipped", parcel_id=parcel["parcel_id"], lines=sent, complete=complete)
        if self.phase not in LATE:
            self._reach("shipped" if complete else "partially_shipped")

    def track(self, parcel: dict[str, Any], line_ids: list[str], known: bool) -> None:
        """ORD-07, S4-20/21: correct a parcel that is `known`, or name another one, for the order or for some lines."""
        self._must_allow("set_tracking")
        for line_id in line_ids:
            self.line(line_id)
        others = [each for each in self.parcels if each["parcel_id"] != parcel["parcel_id"]]
        if known and len(others) == len(self.parcels):
            raise NoSuchParcel(parcel_id=parcel["parcel_id"])
        if self.rules.parcel_number_required and not parcel["tracking_number"]:
            raise ParcelNumberMissing()
        parcel = {**parcel, "scope": "lines" if line_ids else "order", "line_ids": line_ids}
        self.parcels = [*others, parcel]
        self._record("tracking_updated", **parcel)

    def deliver(self, now: datetime) -> None:
        """ORD-08."""
        self._must_allow("deliver")
        self._record("delivered", at=stamp(now))
        self._reach("delivered")

    def complete(self, now: datetime, held_in_part: bool = False) -> None:
        """ORD-10: not while a problem is open (S2-20), unless all of them hold no more than they are about (N11)."""
        self._must_allow("complete")
        if self.open_claims and not held_in_part:
            raise OpenClaim(claims=self.open_claims)
        self._record("completed", at=stamp(now))
        self._reach("completed")

    def cancel(self, reason_code: str, refund_instrument: str = "original") -> None:
        """ORD-09: nothing was shipped; everything captured is refunded, by the instrument chosen (S4-09, S4-10)."""
        self._must_allow("cancel")
        if self.being_paid:
            raise BeingPaid()
        if any(line.shipped for line in self.lines):
            raise NotInThisState(kind="order", state="partly shipped", action="cancel")
        left = [(line, line.unshipped) for line in self.lines if line.unshipped]
        for line, units in left:
            line.leaves(units)
            line.cancelled += units
        cancelled = [{"line_id": line.line_id, "qty": units} for line, units in left]
        for line, units in left:
            self._release_stock(line, units, "cancelled")
        self._tell_cancelled(reason_code, cancelled, refund_instrument)

    def _tell_cancelled(self, reason_code: str, lines: list[dict[str, Any]], instrument: str) -> None:
        money = self.money(self.captured)
        self._record("cancelled", reason_code=reason_code, lines=lines, captured=money, refund_instrument=instrument)
        self._reach("cancelled")

    def take_back(self, line_id: str, units: int) -> None:
        """Units came back (RET-08); never more than were sent. What goes to stock the return itself says (M20)."""
        line = self.line(line_id)
        line.returned = min(line.shipped, line.returned + units)

    def add_line(self, line: Line, currency: str) -> None:
        """ORD-13 (S4-05): something more, paid later. It waits for its money; the rest of the order does not."""
        self._must_allow("add_line")
        if currency != self.currency:
            raise WrongCurrency(currency=self.currency)
        if any(known.line_id == line.line_id for known in self.lines):
            raise LineExists(line_id=line.line_id)
        self.rules.check_taxes(line.taxes, "line")
        self.total += line.gross
        line.unpaid = self.amount_due > 0
        self.lines = [*self.lines, line]
        self._record("line_added", line=line.placed(), amount_due=self.money(self.amount_due))

    def withdraw_line(self, line_id: str) -> Line:
        """An added line that nobody paid for leaves again; the order is as before (saga Supplement).

        Where all else had been refused meanwhile, nothing is left of the order: it is cancelled (ORD-05).
        """
        line = self.line(line_id)
        if not line.unpaid:
            raise LineIsPaid(line_id=line_id)
        self.lines = [known for known in self.lines if known is not line]
        self.total -= line.gross
        self._record("line_withdrawn", line_id=line_id, qty=line.ordered, amount_due=self.money(self.amount_due))
        if self._is_empty:
            self._tell_cancelled("line_withdrawn", [], "original")
        return line

    def set_public_state(self, code: str) -> None:
        """ORD-11: the customer sees it and is told (S4-17)."""
        if code not in self.rules.settable(self.phase):
            raise UnknownState(state=code, phase=self.phase)
        if code != self.public_state:
            self._show(code)

    def set_internal_state(self, code: str) -> None:
        """ORD-12: administrators only; nobody is told (S4-27)."""
        if not self.rules.has_internal(code):
            raise UnknownState(state=code, phase=self.phase)
        if code != self.internal_state:
            before, self.internal_state = self.internal_state, code
            names = self.rules.internal_label(code)
            self._record("internal_state_changed", **{"from": before}, to=code, label=names)

    def claim_is(self, claim_id: str, open: bool) -> None:
        """A claim on this order opened or ended; the display status follows (S2-05, A15)."""
        if open and claim_id not in self.open_claims:
            self.open_claims = [*self.open_claims, claim_id]
            self.claim_count += 1
        elif not open:
            self.open_claims = [known for known in self.open_claims if known != claim_id]
