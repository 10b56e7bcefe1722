"""What a refund is worth, to the cent: units, taxes, gestures, shipping, several payments."""

from __future__ import annotations

import pytest

from services.refund.model import CreditNote, RefundLedger, Wish, balances
from services.refund.model.refusals import (
    AmountExceedsRefundable,
    LineAlreadyShipped,
    LineNotShipped,
    UnitsAlreadyRefunded,
    ZeroRefund,
)
from shared.kernel.errors import InvalidInput
from shared.kernel.numbering import NumberSeries
from tests.refund.orders import NOON, Desk, line, of_line, paid_ledger, payment, placed, shipment, shipped_ledger, taxed


def amounts(refunds):
    return [(one.amount, one.tax_total) for one in refunds]


@pytest.mark.capability("S0-18")
def test_ten_refunds_of_one_unit_give_back_the_line_and_its_tax_to_the_cent():
    desk = Desk(shipped_ledger())

    made = [desk.refund("post_shipment_lines", lines=(of_line(qty=1),))[0] for _ in range(10)]

    assert [one.amount for one in made] == [1792, 1793, 1792, 1793, 1792, 1793, 1792, 1793, 1792, 1793]
    assert sum(one.amount for one in made) == 17925
    assert sum(one.tax_total for one in made) == 2988
    assert desk.ledger.available == 0
    assert desk.ledger.fully_refunded


def test_after_a_gesture_of_500_nine_units_keep_their_value_and_the_last_takes_what_remains():
    desk = Desk(shipped_ledger())
    desk.refund("commercial_gesture", amount=500)

    made = [desk.refund("post_shipment_lines", lines=(of_line(qty=1),))[0] for _ in range(10)]

    assert [one.amount for one in made[:9]] == [1792, 1793, 1792, 1793, 1792, 1793, 1792, 1793, 1792]
    assert made[9].amount == 1293
    assert desk.ledger.succeeded == 17925
    assert sum(one.tax_total for one in desk.refunds) == 2988


def test_a_unit_refused_by_the_provider_is_refundable_again_and_the_line_stays_exact():
    desk = Desk(shipped_ledger())
    first = desk.request("post_shipment_lines", lines=(of_line(qty=3),))[0]
    desk.refund("post_shipment_lines", lines=(of_line(qty=5),))
    first.approve_by_policy(desk.ledger, NOON)
    first.execute(desk.ledger, NOON)
    first.fail(desk.ledger, "expired_card", True, NOON)

    last = desk.refund("post_shipment_lines", lines=(of_line(qty=5),))[0]

    assert last.amount + desk.refunds[1].amount == 17925
    assert last.tax_total + desk.refunds[1].tax_total == 2988


def test_each_tax_code_of_a_line_comes_back_from_its_own_frozen_amount():
    taxes = [{"code": "VAT10", "rate": "10", "amount": 91}, {"code": "DEEE", "rate": "0", "amount": 7}]
    desk = Desk(shipped_ledger([line(qty=3, gross=1000, taxes=taxes)]))

    made = [desk.refund("post_shipment_lines", lines=(of_line(qty=1),))[0] for _ in range(3)]

    per_code = [[tax["amount"] for tax in one.slices[0].taxes] for one in made]
    assert [one.amount for one in made] == [333, 333, 334]
    assert per_code == [[30, 2], [31, 3], [30, 2]]


def test_goodwill_carries_no_tax_and_does_not_shrink_the_taxes_of_what_is_refunded_later():
    desk = Desk(shipped_ledger([line(qty=1, gross=12000, taxes=taxed(2000))]))
    gesture = desk.refund("commercial_gesture", amount=5000, gesture_tax="goodwill")[0]

    rest = desk.refund("post_shipment_lines", lines=(of_line(),))[0]

    assert (gesture.amount, gesture.tax_total) == (5000, 0)
    assert (rest.amount, rest.tax_total) == (7000, 1167)


def test_a_gesture_is_spread_over_lines_and_shipping_by_what_remains_of_them():
    desk = Desk(
        paid_ledger(
            [line("lin_a", 1, 6000, taxed(1000)), line("lin_b", 1, 3000, taxed(500))], [shipment("shp_1", 1000, 167)]
        )
    )

    gesture = desk.refund("commercial_gesture", amount=1001)[0]

    assert [(piece.part_id, piece.amount) for piece in gesture.slices] == [
        ("lin_a", 601),
        ("lin_b", 300),
        ("shp_1", 100),
    ]
    assert sum(part.remaining for part in desk.ledger.parts) == desk.ledger.available == 8999


def test_shipping_comes_back_only_when_it_is_asked_for():
    desk = Desk(shipped_ledger(shipments=[shipment("shp_1", 600, 100)]))

    without = desk.refund("post_shipment_order")
    shipping = desk.refund("post_shipment_lines", shipment_ids=("shp_1",))

    assert amounts(without) == [(17925, 2988)]
    assert amounts(shipping) == [(600, 100)]
    with pytest.raises(ZeroRefund):
        desk.request("post_shipment_lines", shipment_ids=("shp_1",))


@pytest.mark.capability("S0-23")
def test_each_path_refuses_the_units_of_the_other_and_reserves_nothing():
    ledger = paid_ledger([line(qty=3, gross=300, taxes=[])])
    ledger.ship("lin_a", 1)
    desk = Desk(ledger)

    with pytest.raises(LineNotShipped) as too_early:
        desk.request("post_shipment_lines", lines=(of_line(qty=2),))
    with pytest.raises(LineAlreadyShipped) as too_late:
        desk.request("pre_shipment", lines=(of_line(qty=3),))

    assert too_early.value.code == "LINE_NOT_SHIPPED"
    assert too_late.value.code == "LINE_ALREADY_SHIPPED"
    assert ledger.available == 300
    assert desk.refund("post_shipment_lines", lines=(of_line(qty=1),))[0].amount == 100
    assert desk.refund("pre_shipment", lines=(of_line(qty=2),))[0].amount == 200


def test_a_unit_refunded_before_shipment_is_not_refunded_again_when_it_is_shipped_all_the_same():
    ledger = paid_ledger([line(qty=1, gross=300, taxes=[])])
    desk = Desk(ledger)
    desk.refund("pre_shipment", lines=(of_line(qty=1),))
    ledger.ship("lin_a", 1)

    with pytest.raises(UnitsAlreadyRefunded):
        desk.request("post_shipment_lines", lines=(of_line(qty=1),))


def test_more_than_what_is_left_is_refused_with_what_is_left():
    desk = Desk(shipped_ledger())
    desk.refund("commercial_gesture", amount=17000)

    with pytest.raises(AmountExceedsRefundable) as refusal:
        desk.request("commercial_gesture", amount=926)

    assert refusal.value.details == {"available": 925}
    assert desk.ledger.reserved == 0


@pytest.mark.parametrize("amount", [0, None])
def test_a_gesture_of_nothing_is_refused(amount):
    desk = Desk(shipped_ledger())

    with pytest.raises((ZeroRefund, InvalidInput)):
        desk.request("commercial_gesture", amount=amount)


def test_store_credit_is_given_back_before_the_latest_capture_before_the_first():
    ledger = RefundLedger.from_order("t1", placed([line(qty=1, gross=10000, taxes=taxed(1667))]))
    ledger.capture(payment(5000, "pay_first", "card", "2026-03-01T09:01:00.000Z"))
    ledger.capture(payment(3000, "pay_last", "card", "2026-03-01T09:03:00.000Z"))
    ledger.capture(payment(2000, "pay_credit", "store_credit", "2026-03-01T09:02:00.000Z"))
    ledger.ship("lin_a", 1)
    desk = Desk(ledger)

    made = desk.refund("post_shipment_lines", lines=(of_line(qty=1),))

    assert [(one.payment_id, one.amount) for one in made] == [
        ("pay_credit", 2000),
        ("pay_last", 3000),
        ("pay_first", 5000),
    ]
    assert sum(one.tax_total for one in made) == 1667
    assert ledger.line("lin_a").after.succeeded == 1


def test_a_part_that_fails_gives_back_its_own_payment_only():
    ledger = RefundLedger.from_order("t1", placed([line(qty=1, gross=10000, taxes=taxed(1667))]))
    ledger.capture(payment(6000, "pay_a"))
    ledger.capture(payment(4000, "pay_b", at="2026-03-01T10:00:00.000Z"))
    desk = Desk(ledger)
    latest, earlier = desk.request("pre_shipment", lines=(of_line(qty=1),))
    desk.pay(latest)
    earlier.approve_by_policy(ledger, NOON)
    earlier.execute(ledger, NOON)

    earlier.fail(ledger, "charge_expired", False, NOON)

    assert (latest.state, earlier.state) == ("succeeded", "failed")
    assert [one.available for one in ledger.payments] == [6000, 0]
    assert ledger.available == 6000


def test_a_chargeback_eats_the_cap_and_gives_it_back_when_it_is_won():
    ledger = shipped_ledger()
    desk = Desk(ledger)
    ledger.dispute("dp_1", "pay_1", 17000, NOON)

    with pytest.raises(AmountExceedsRefundable):
        desk.request("post_shipment_order")
    ledger.close_dispute("dp_1", "pay_1", 17000, won=True, now=NOON)

    assert desk.refund("post_shipment_order")[0].amount == 17925


def test_every_movement_sums_to_zero_and_the_balances_say_what_the_counters_say():
    ledger = shipped_ledger()
    desk = Desk(ledger)
    desk.refund("commercial_gesture", amount=500)
    desk.request("post_shipment_lines", lines=(of_line(qty=2),))
    desk.refund("post_shipment_lines", lines=(of_line(qty=1),))[0].reverse(ledger, "account_closed", NOON)

    found = balances(ledger.entries)

    assert found == {
        "captured": -17925,
        "customer_funds": ledger.available,
        "refunds_reserved": 3585,
        "refunds_paid": 500,
        "coupon_liability": 0,
        "coupon_expired": 0,
        "chargeback": 0,
        "fee": 0,
        "rounding": 0,
    }


def test_a_credit_note_shows_the_refund_and_its_taxes_under_the_next_number():
    desk = Desk(shipped_ledger(shipments=[shipment("shp_1", 600, 100)]))
    refund = desk.refund("post_shipment_order", shipping=True)[0]
    series = NumberSeries(id="t1:AV-2026", tenant="t1", prefix="AV-2026", last=41)

    note = CreditNote.issue("cn_1", refund, series.take(), "FA-2026-000007", NOON)

    assert (note.number, note.invoice_number) == ("AV-2026-000042", "FA-2026-000007")
    assert note.total == 18525
    assert note.taxes == [{"code": "VAT20", "rate": "20", "amount": 3088}]
    assert [event.type for event in note.events] == ["credit_note.issued"]
    assert series.take() == "AV-2026-000043"


@pytest.mark.parametrize(
    ("payment_id", "wishes", "available"),
    [
        ("pay_a", [Wish("line", "lin_a", 6001)], 6000),  # the payment
        ("pay_a", [Wish("line", "lin_b", 1001)], 1000),  # the part
        ("pay_a", [Wish("line", "lin_b", 600), Wish("line", "lin_b", 600)], 1000),  # the part, in two wishes
        ("pay_c", [Wish("line", "lin_a", 9001)], 9000),  # the order, of which a chargeback took a part
    ],
)
@pytest.mark.capability("I1")
def test_the_ledger_itself_reserves_nothing_beyond_payment_part_or_order(payment_id, wishes, available):
    order = placed([line("lin_a", 1, 19000, []), line("lin_b", 1, 1000, [])])
    ledger = RefundLedger.from_order("t1", order)
    for id, amount in (("pay_a", 6000), ("pay_b", 4000), ("pay_c", 10000)):
        ledger.capture(payment(amount, id))
    ledger.dispute("dp_1", "pay_c", 1000, NOON)
    before = [*ledger.entries]

    with pytest.raises(AmountExceedsRefundable) as refusal:
        ledger.reserve("rfd_1", payment_id, wishes, NOON)

    assert refusal.value.details["available"] == available
    assert ledger.reserved == 0
    assert ledger.entries == before
    assert [part.remaining for part in ledger.parts] == [19000, 1000]
