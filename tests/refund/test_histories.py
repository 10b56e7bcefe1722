"""Random histories of one order's money: whatever happens in whatever order, the caps hold and the cents add up."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.refund.model import FINAL, IN_FLIGHT, Coupon, Payment, RefundLedger, balances
from services.refund.policies import Asked, of_return
from shared.kernel.errors import Refusal
from tests.refund.orders import NOON, Desk, advance, of_line, payment, placed

HISTORIES = 10_000


class Tape:
    """Bytes read as decisions; when they run out the history is over."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    @property
    def over(self) -> bool:
        return self.at >= len(self.data)

    def below(self, most: int) -> int:
        found = self.data[self.at] % most if not self.over else 0
        self.at += 1
        return found

    def amount(self) -> int:
        return self.below(256) * 256 + self.below(256)


def an_order(tape: Tape) -> tuple[RefundLedger, list[Payment]]:
    """An order of one to three lines, and the payments that will come in for it."""
    lines = [_a_line(tape, number) for number in range(1 + tape.below(3))]
    shipments = [
        {"shipment_id": f"shp_{number}", "gross": gross, "taxes": _taxes(tape, gross)}
        for number in range(tape.below(3))
        for gross in [tape.amount() % 2000]
    ]
    order = placed(lines, shipments)
    payments, rest = [], order["total"]["amount"]
    while rest > 0:
        part = rest if len(payments) == 2 else min(rest, 1 + tape.amount() * 2)
        number, instrument = len(payments), ("card", "store_credit")[tape.below(2)]
        payments.append(payment(part, f"pay_{number}", instrument, f"2026-03-01T0{number}"))
        rest -= part
    return RefundLedger.from_order("t1", order), payments


def _a_line(tape: Tape, number: int) -> dict:
    gross = tape.amount()
    return {"line_id": f"lin_{number}", "qty": 1 + tape.below(11), "gross": gross, "taxes": _taxes(tape, gross)}


def _taxes(tape: Tape, gross: int) -> list[dict]:
    """None, one, several, or duties that leave nothing net: there the roundings of the codes must fit together."""
    rates = [(), (20,), (6, 2), (110, 100, 99)][tape.below(4)]
    whole = 309 if len(rates) == 3 else 100 + sum(rates)
    return [{"code": f"TAX{rate}", "rate": str(rate), "amount": gross * rate // whole} for rate in rates]


class History:
    """Plays decisions on one order and checks, after each, what must always be true."""

    def __init__(self, tape: Tape, goodwill: bool = True) -> None:
        self.tape, self.goodwill, self.disputed, self.added = tape, goodwill, 0, 0
        self.disputes: list[tuple[str, str, int]] = []
        self.coupons: list[Coupon] = []
        self.ledger, self.to_come = an_order(tape)
        self.desk = Desk(self.ledger)
        self._capture()

    def play(self) -> None:
        steps = (
            self._refund_a_line,
            self._refund_a_line,
            self._gesture,
            self._whole,
            self._ship,
            self._refuse,
            self._capture,
            self._dispute,
            self._end_a_dispute,
            self._by_coupon,
            self._spend,
            self._take_back,
            self._return,
            self._add_a_line,
            self._withdraw_a_line,
            self._go_on,
            self._go_on,
            self._go_on,
            self._go_on,
        )
        while not self.tape.over:
            with suppress(Refusal):  # a refusal is an answer; that it changed nothing is checked below
                steps[self.tape.below(len(steps))]()
            self.check()

    def _capture(self) -> None:
        if self.to_come:
            self.ledger.capture(self.to_come.pop())

    def _add_a_line(self) -> None:
        """ORD-13: something more for a paid order, to be paid at once, in two parts, or not at all."""
        if self.to_come or self.added == 2:
            return
        self.added += 1
        ledger = self.ledger
        line = _a_line(self.tape, len(ledger.lines) + self.added * 10)
        ledger.add_line(line, unpaid=sum(part.gross for part in ledger.parts) + line["gross"] > ledger.captured)
        first = line["gross"] // 2 if self.goodwill and self.tape.below(2) else line["gross"]
        parts = [part for part in (line["gross"] - first, first) if part]
        self.to_come = [payment(part, f"add_{self.added}_{number}") for number, part in enumerate(parts)]

    def _withdraw_a_line(self) -> None:
        """It was never paid in full; what was paid of it, or comes in afterwards, is nobody's line."""
        for line in [one for one in self.ledger.lines if one.unpaid]:
            self.ledger.drop_line(line.id)
            self.to_come = self.to_come[: self.tape.below(2)]

    def _by_coupon(self) -> None:
        """A refund by coupon is given out at once."""
        line = of_line(self._line(), 1 + self.tape.below(3))
        for refund in self.desk.request("claim_resolution", instrument="coupon", lines=(line,)):
            self.desk.pay(refund)
            self.coupons.append(Coupon.issue(f"cpn_{refund.id}", refund, ("C", "hash"), None, NOON))

    def _a_coupon(self) -> Coupon | None:
        return self.coupons[self.tape.below(len(self.coupons))] if self.coupons else None

    def _spend(self) -> None:
        coupon = self._a_coupon()
        if coupon and coupon.remaining:
            coupon.redeem(self.ledger, 1 + self.tape.amount() % coupon.remaining, "EUR", "2001", NOON)

    def _take_back(self) -> None:
        """Revoked, or lapsed."""
        coupon = self._a_coupon()
        if coupon and self.tape.below(2):
            coupon.expire(self.ledger, NOON)
        elif coupon:
            coupon.revoke(self.ledger, next(one for one in self.desk.refunds if one.id == coupon.refund_id), NOON)

    def _return(self) -> None:
        """Units that came back, less what the customer bears."""
        asked = of_return(Asked("return"), {self._line(): 1 + self.tape.below(3)})
        kept = (("return_shipping", self.tape.below(200)),)
        self.desk.request("return", lines=asked.lines, deductions=kept)

    def _dispute(self) -> None:
        """A payment is charged back, in part or as a whole."""
        paid = self.ledger.payments[self.tape.below(len(self.ledger.payments))] if self.ledger.payments else None
        if paid is not None:
            self.disputed += 1
            self.disputes.append((f"dp_{self.disputed}", paid.id, self.tape.amount()))
            self.ledger.dispute(*self.disputes[-1], NOON)

    def _end_a_dispute(self) -> None:
        """Won, or lost where the history need not end in full."""
        if self.disputes:
            ended = self.disputes.pop(self.tape.below(len(self.disputes)))
            self.ledger.close_dispute(*ended, not self.goodwill or self.tape.below(2) == 0, NOON)

    def _line(self) -> str:
        return self.ledger.lines[self.tape.below(len(self.ledger.lines))].id

    def _refund_a_line(self) -> None:
        kind = ("pre_shipment", "post_shipment_lines", "claim_resolution")[self.tape.below(3)]
        how = self.tape.below(4)
        qty = self.tape.below(11) + 1 if how < 3 else None
        amount = self.tape.amount() if how == 3 else None
        self.desk.request(kind, lines=(of_line(self._line(), qty, amount),), shipping=self.tape.below(8) == 0)

    def _gesture(self) -> None:
        goodwill = self.goodwill and self.tape.below(4) == 0
        self.desk.request(
            "commercial_gesture",
            amount=self.tape.amount() // 4,
            gesture_tax="goodwill" if goodwill else "price_reduction",
        )

    def _whole(self) -> None:
        kind = ("post_shipment_order", "cancellation", "claim_resolution")[self.tape.below(3)]
        self.desk.request(kind, shipping=self.tape.below(2) == 0)

    def _ship(self) -> None:
        line = self.ledger.line(self._line())
        self.ledger.ship(line.id, min(line.unshipped, 1 + self.tape.below(4)))

    def _refuse(self) -> None:
        line = self.ledger.line(self._line())
        self.ledger.refuse_units(line.id, min(line.unshipped, 1 + self.tape.below(3)))

    def _go_on(self) -> None:
        """One refund in flight takes one of the ways it may take."""
        flying = [one for one in self.desk.refunds if one.state not in FINAL or one.state == "succeeded"]
        if flying:
            refund = flying[self.tape.below(len(flying))]
            for _ in range(1 + self.tape.below(3)):
                advance(refund, self.ledger, self.tape.below(4))

    def check(self) -> None:
        ledger = self.ledger
        assert 0 <= ledger.succeeded + ledger.reserved <= ledger.captured - ledger.chargeback
        assert ledger.available == sum(one.available for one in ledger.payments)
        assert all(one.available >= 0 for one in ledger.payments)
        missing = sum(part.gross for part in ledger.parts) - ledger.captured + ledger.chargeback + self._of_no_part()
        assert sum(part.remaining for part in ledger.parts) == ledger.available + missing
        assert not any(one.remaining or one.units_left or one.given.total for one in ledger.lines if one.unpaid)
        for part in ledger.parts:
            assert part.remaining >= 0
            assert part.net_left >= 0
            assert all(0 <= tax.given.succeeded + tax.given.reserved <= tax.amount for tax in part.taxes)
        assert all(line.units_left >= 0 for line in ledger.lines)
        in_flight = sum(one.amount for one in self.desk.refunds if one.state in IN_FLIGHT)
        succeeded = sum(one.amount for one in self.desk.refunds if one.state == "succeeded") - self._given_back()
        assert (ledger.reserved, ledger.succeeded) == (in_flight, succeeded)

    def _of_no_part(self) -> int:
        """Refunds of money that no line or shipment explains."""
        counted = [one for one in self.desk.refunds if one.state in IN_FLIGHT or one.state == "succeeded"]
        return sum(piece.amount for one in counted for piece in one.slices if piece.kind == "order")

    def _given_back(self) -> int:
        """The unused parts of revoked coupons whose refund stands, since the rest of them was spent."""
        spent = {one.id: sum(use["amount"] for use in one.uses) for one in self.coupons}
        return sum(one.value - spent[one.id] for one in self.coupons if one.state == "revoked" and spent[one.id])

    def check_entries(self) -> None:
        per_txn: Counter = Counter()
        for entry in self.ledger.entries:
            per_txn[entry.txn] += entry.amount
        assert set(per_txn.values()) <= {0}
        found = balances(self.ledger.entries)
        assert found["customer_funds"] == self.ledger.available
        assert found["chargeback"] == self.ledger.chargeback
        assert found["refunds_reserved"] == self.ledger.reserved
        owed = sum(one.remaining for one in self.coupons if one.state in ("issued", "partly_used"))
        assert found["coupon_liability"] == owed
        assert found["refunds_paid"] + owed + found["coupon_expired"] == self.ledger.succeeded
        assert found["rounding"] == 0

    def finish_in_full(self) -> None:
        """Let everything come in and everything in flight end, win every dispute, then give back all that is left."""
        while self.to_come:
            self._capture()
        while self.disputes:
            self.ledger.close_dispute(*self.disputes.pop(), True, NOON)
        for number, refund in enumerate(self.desk.refunds):
            while refund.state in IN_FLIGHT:
                advance(refund, self.ledger, number % 3)
            self.check()
        for line in self.ledger.lines:
            if line.units_left and line.owed:
                self.desk.refund("claim_resolution", lines=(of_line(line.id, line.units_left),))
                assert line.owed == 0  # what was deducted for a reason stays kept
        if self.ledger.available:
            self.desk.refund("cancellation")
        self.check()


@pytest.mark.capability("R24", "T23", "I1")
@settings(max_examples=HISTORIES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(st.binary(min_size=20, max_size=110))
def test_no_history_of_refunds_ever_gives_back_more_than_was_captured(tape):
    history = History(Tape(tape))

    history.play()

    history.check_entries()


@pytest.mark.capability("I2")
@settings(max_examples=2_000, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(st.binary(min_size=20, max_size=110))
def test_any_history_that_ends_in_full_gives_back_every_tax_code_to_the_cent(tape):
    history = History(Tape(tape), goodwill=False)
    history.play()

    history.finish_in_full()

    assert history.ledger.succeeded == history.ledger.captured
    for part in history.ledger.parts:
        assert [tax.given.succeeded for tax in part.taxes] == [tax.amount for tax in part.taxes]
        assert part.given.succeeded == part.gross
