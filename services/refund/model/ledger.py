"""What an order can still give back: one ledger per order, built from its events, guarded at every step (M9)."""

from __future__ import annotations

from collections import Counter as Sums
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from services.refund.model.entries import Entry, post
from services.refund.model.parts import STEPS, Line, Part, Shipment, Slice, Wish, placed_line, placed_taxes
from services.refund.model.payment import Payment
from services.refund.model.refusals import AmountExceedsRefundable, PaymentDisputed, UnknownPart
from shared.kernel.aggregate import Aggregate
from shared.kernel.clock import stamp
from shared.kernel.money import allocate


@dataclass(kw_only=True)
class RefundLedger(Aggregate):
    """The money of one order. available = captured − succeeded − reserved − chargeback, never below zero (I1).

    Every change of the counters appends its double entry to `entries`: those since the last save are stored with it.
    `gestured` counts the commercial gestures, in flight and paid: their limit is per order (T20). `invoice_number`: of
    the order's invoice, for the credit notes that correct it (M19).
    """

    stream = "refund_ledger"

    number: str
    marketplace: str
    profile: str
    customer_ref: str
    seller_id: str
    currency: str
    placed_at: str
    lines: list[Line]
    shipments: list[Shipment]
    payments: list[Payment] = field(default_factory=list)
    captured: int = 0
    succeeded: int = 0
    reserved: int = 0
    chargeback: int = 0
    gestured: int = 0
    cancelled: bool = False
    invoice_number: str | None = None
    entries: list[Entry] = field(default_factory=list, repr=False, compare=False)

    # ── what there is ────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def available(self) -> int:
        """What refunds may still take from the order as a whole."""
        return self.captured - self.succeeded - self.reserved - self.chargeback

    @property
    def parts(self) -> list[Part]:
        """What was bought: lines that were added wait for their money (ORD-13)."""
        return [*(line for line in self.lines if not line.unpaid), *self.shipments]

    @property
    def fully_refunded(self) -> bool:
        """All that was captured is paid back; reservations do not count."""
        return self.captured > 0 and self.succeeded >= self.captured

    @property
    def open_chargeback(self) -> bool:
        return any(payment.chargeback_open for payment in self.payments)

    def line(self, line_id: str) -> Line:
        return self._one(self.lines, "line", line_id)

    def shipment(self, shipment_id: str) -> Shipment:
        return self._one(self.shipments, "shipment", shipment_id)

    def payment(self, payment_id: str) -> Payment:
        return self._one(self.payments, "payment", payment_id)

    def part(self, kind: str, part_id: str) -> Part | None:
        """The line or shipment of a slice; None for money of the order that no part explains."""
        if kind == "order":
            return None
        return self.line(part_id) if kind == "line" else self.shipment(part_id)

    def _one(self, among: list, kind: str, id: str):
        for one in among:
            if one.id == id:
                return one
        raise UnknownPart(kind=kind, id=id)

    # ── what the order service told ──────────────────────────────────────────────────────────────────────────────

    @classmethod
    def from_order(cls, tenant: str, order: dict) -> RefundLedger:
        """Built from order.placed: the tax snapshot it carries is the only one ever used (M3)."""
        return cls(
            id=order["order_id"],
            tenant=tenant,
            number=order["number"],
            marketplace=order["marketplace"],
            profile=order["profile"],
            customer_ref=order["customer_ref"],
            seller_id=order["seller_id"],
            currency=order["currency"],
            placed_at=order["placed_at"],
            lines=[placed_line(line) for line in order["lines"]],
            shipments=[
                Shipment(id=one["shipment_id"], gross=one["gross"], taxes=placed_taxes(one["taxes"]))
                for one in order["shipments"]
            ],
        )

    def add_line(self, line: dict, unpaid: bool) -> None:
        """ORD-13: the order grew, with a tax snapshot of its own."""
        self.lines = [*self.lines, placed_line(line, unpaid)]

    def drop_line(self, line_id: str) -> None:
        """What was added and never paid left again: nothing of it was ever refundable."""
        self.lines = [line for line in self.lines if line.id != line_id]

    def capture(self, payment: Payment) -> None:
        """A payment came in; what was added counts once all of the order is paid, as the order service counts it.

        The same payment told twice changes nothing.
        """
        if any(known.id == payment.id for known in self.payments):
            return
        self.payments.append(payment)
        self.captured += payment.captured
        if self.captured >= sum(part.gross for part in (*self.lines, *self.shipments)):
            for line in self.lines:
                line.unpaid = False
        self._post("capture", payment.captured, payment.id, payment.id, payment.captured_at)

    def ship(self, line_id: str, units: int) -> None:
        line = self.line(line_id)
        line.unshipped -= units
        line.shipped += units

    def refuse_units(self, line_id: str, units: int) -> None:
        """The seller will not send these units (S0-17): they are cancelled, and owed before shipment."""
        line = self.line(line_id)
        line.unshipped -= units
        line.cancelled += units

    def cancel_order(self) -> None:
        """Nothing will be sent: every unit that is not shipped is cancelled."""
        self.cancelled = True
        for line in self.lines:
            line.cancelled += line.unshipped
            line.unshipped = 0

    # ── what refunds do ──────────────────────────────────────────────────────────────────────────────────────────

    def reserve(self, refund_id: str, payment_id: str, wishes: Iterable[Wish], now: datetime) -> list[Slice]:
        """Take the wishes out of what is available, with their taxes; nothing is taken when one does not fit (M6, M9).

        Raises AmountExceedsRefundable when the order, the payment or a part has less left than is wished of it.
        """
        wishes = list(wishes)
        self._check_caps(payment_id, wishes)
        slices = []
        for wish in wishes:
            part = self.part(wish.kind, wish.part_id)
            taxes = part.taxes_of(wish.amount) if part and not wish.goodwill else []
            path = wish.before, wish.after
            piece = Slice(wish.kind, wish.part_id, wish.amount, *path, wish.goodwill, taxes, wish.withheld)
            self._move_part("reserve", piece)
            slices.append(piece)
        self._move_money("reserve", sum(wish.amount for wish in wishes), payment_id, refund_id, now)
        return slices

    def apply(
        self, step: str, refund_id: str, payment_id: str, slices: list[Slice], now: datetime, account: str | None = None
    ) -> None:
        """Carry a reserved refund on: `succeed` (REF-09), `release` (REF-10), `reverse` a paid one (REF-14).

        account: the movement of the double entry, where money does not leave as money (`coupon`, `revoke`).
        """
        for piece in slices:
            self._move_part(step, piece)
        self._move_money(step, sum(piece.amount for piece in slices), payment_id, refund_id, now, account)

    def give_back(self, coupon_id: str, payment_id: str, slices: list[Slice], amount: int, now: datetime) -> None:
        """The unused part of a coupon was revoked: refundable again, spread over what the coupon was given for."""
        for piece, share in zip(slices, allocate(amount, [piece.amount for piece in slices]), strict=True):
            part = self.part(piece.kind, piece.part_id)
            if part and share:
                part.give_back(piece, share)
        self.succeeded -= amount
        self.payment(payment_id).given.succeeded -= amount
        self._post("revoke", amount, payment_id, coupon_id, stamp(now))
        self._feed_chargeback(payment_id, coupon_id, now)

    def book_coupon(self, movement: str, amount: int, payment_id: str, cause: str, now: datetime) -> None:
        """`redeem` or `expire`: the liability moves, what the order can give back does not."""
        self._post(movement, amount, payment_id, cause, stamp(now))

    def book_external(self, refund_id: str, payment_id: str, amount: int, now: datetime) -> int:
        """A refund the provider made without us (REF-15): booked up to the cap; answers what lies above it."""
        payment = self.payment(payment_id)
        within = min(amount, payment.available)
        payment.given.move("external", within)
        payment.excess += amount - within
        self.succeeded += within
        self._post("external", amount, payment_id, refund_id, stamp(now))
        return amount - within

    def reverse_external(self, refund_id: str, payment_id: str, amount: int, now: datetime) -> None:
        """It came back (REF-14): first what had gone beyond the cap, the rest is refundable again."""
        payment = self.payment(payment_id)
        beyond = min(amount, payment.excess)
        payment.excess -= beyond
        payment.given.move("reverse", amount - beyond)
        self.succeeded -= amount - beyond
        self._post("reverse", amount, payment_id, refund_id, stamp(now))
        self._feed_chargeback(payment_id, refund_id, now)

    def dispute(self, chargeback_id: str, payment_id: str, amount: int, now: datetime) -> None:
        """The payer's bank took money back: a chargeback eats the cap (N1, E7), now or when it becomes free."""
        payment = self.payment(payment_id)
        payment.chargeback_open += 1
        payment.chargeback_rest += min(amount, payment.captured)
        self._feed_chargeback(payment_id, chargeback_id, now)

    def close_dispute(self, chargeback_id: str, payment_id: str, amount: int, won: bool, now: datetime) -> None:
        """Won: its own money is back and refundable again, that of other disputes is not. Lost: it stays gone."""
        payment = self.payment(payment_id)
        payment.chargeback_open -= 1
        if not won:
            return
        amount = min(amount, payment.captured)
        never_taken = min(amount, payment.chargeback_rest)
        payment.chargeback_rest -= never_taken
        back = min(amount - never_taken, payment.chargeback)
        payment.chargeback -= back
        self.chargeback -= back
        self._post("chargeback_won", back, payment_id, chargeback_id, stamp(now))

    def is_disputed(self, payment_id: str) -> bool:
        """E7: has a bank taken what reservations on this payment hold? It must not leave a second time."""
        return self.payment(payment_id).chargeback_rest > 0

    def check_undisputed(self, payment_id: str) -> None:
        """Raises PaymentDisputed."""
        if self.is_disputed(payment_id):
            raise PaymentDisputed(payment_id=payment_id, taken=self.payment(payment_id).chargeback_rest)

    def _feed_chargeback(self, payment_id: str, cause: str, now: datetime) -> None:
        """What a bank took and refunds in flight still held is taken as soon as it is free: nobody is paid twice."""
        payment = self.payment(payment_id)
        taken = min(payment.chargeback_rest, payment.available)
        payment.chargeback_rest -= taken
        payment.chargeback += taken
        self.chargeback += taken
        self._post("chargeback", taken, payment_id, cause, stamp(now))

    def _check_caps(self, payment_id: str, wishes: list[Wish]) -> None:
        amount = sum(wish.amount for wish in wishes)
        smallest = min(self.available, self.payment(payment_id).available)
        if amount > smallest:
            raise AmountExceedsRefundable(available=smallest)
        wished: Sums[tuple[str, str]] = Sums()
        for wish in wishes:
            wished[wish.kind, wish.part_id] += wish.amount
        for (kind, part_id), total in wished.items():
            part = self.part(kind, part_id)
            if part and total > part.remaining:
                raise AmountExceedsRefundable(available=part.remaining, part=part_id)

    def _move_part(self, step: str, piece: Slice) -> None:
        part = self.part(piece.kind, piece.part_id)
        if part:
            part.move(step, piece)

    def _move_money(
        self, step: str, amount: int, payment_id: str, refund_id: str, now: datetime, account: str | None = None
    ) -> None:
        paid, held = STEPS[step]
        self.succeeded += paid * amount
        self.reserved += held * amount
        self.payment(payment_id).given.move(step, amount)
        self._post(account or step, amount, payment_id, refund_id, stamp(now))
        if step in ("release", "reverse"):
            self._feed_chargeback(payment_id, refund_id, now)

    def _post(self, movement: str, amount: int, payment_id: str, cause: str, at: str) -> None:
        if amount:
            self.entries.extend(post(movement, amount, self.currency, payment_id, cause, at))
