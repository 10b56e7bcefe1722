"""Whatever is refunded when, the seller ends up with what the order is worth to him: no cent twice, none forgotten."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from services.order.model import Settlement
from shared.kernel.errors import Refusal

TOTAL = 1000
AMOUNTS = st.integers(1, 400)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["refund", "reverse", "grow"]), AMOUNTS),
        st.tuples(st.sampled_from(["hold", "hold_part", "release", "complete"]), st.integers(0, 2)),
        st.tuples(st.sampled_from(["propose", "clear", "block", "give_up"]), st.just(0)),
    ),
    max_size=40,
)


class Books:
    """A settlement, what its events say was paid and taken back, and the refunds that stand."""

    def __init__(self) -> None:
        self.settlement = Settlement(id="ord_1", tenant="shop", seller_id="sel_1", currency="EUR", total=TOTAL)
        self.refunds: list[int] = []
        self.payouts = 0

    def step(self, name: str, value: int) -> None:
        settlement = self.settlement
        if name == "refund" and sum(self.refunds) + value <= settlement.total:
            self.refunds.append(value)
            settlement.refund(_by_seller(value))
        elif name == "reverse" and self.refunds:
            settlement.refund_reversed(_by_seller(self.refunds.pop()))
        elif name == "grow":
            settlement.total += value  # a line was added, and paid
        elif name in ("hold", "hold_part"):
            settlement.hold(f"clm_{value}", "order" if name == "hold" else "disputed_amount", 300)
        elif name == "release":
            settlement.release(f"clm_{value}")
        elif name == "complete":
            settlement.complete()
        elif name == "propose":
            self.payouts += 1
            settlement.propose(f"po_{self.payouts}")
        elif name == "clear":
            settlement.clear(settlement.payout_ref)
        elif name == "block":
            settlement.block(settlement.payout_ref, [])
        elif name == "give_up":
            settlement.give_up_waiting()

    def told(self, type: str) -> int:
        return sum(one.data["amount"]["amount"] for one in self.settlement.events if one.type == f"settlement.{type}")

    def check(self) -> None:
        settlement, worth = self.settlement, self.settlement.total - sum(self.refunds)
        had = self.told("settled") - self.told("clawback_due")
        assert settlement.left >= 0
        assert 0 <= settlement.held <= settlement.left
        assert had + settlement.left == max(worth, had)
        if settlement.state != "settling":
            assert had <= worth


def _by_seller(amount: int) -> list[dict]:
    return [{"party": "seller", "id": "sel_1", "amount": amount}, {"party": "platform", "id": "shop", "amount": 7}]


@given(STEPS)
def test_the_seller_is_paid_what_the_order_is_worth_to_him_whatever_is_refunded_when(steps):
    books = Books()
    for name, value in steps:
        with suppress(Refusal):
            books.step(name, value)
        books.check()

    for claim in range(3):
        books.step("release", claim)
    books.step("give_up", 0)
    books.step("complete", 0)
    if books.settlement.left:
        books.step("propose", 0)
        books.step("clear", 0)
    books.check()
    assert books.settlement.left == 0
    assert books.told("settled") - books.told("clawback_due") == books.settlement.total - sum(books.refunds)


def test_a_refund_while_the_pay_out_is_being_cleared_is_clawed_back_only_if_it_is_cleared():
    cleared, blocked = Books(), Books()
    for books in (cleared, blocked):
        for step in (("complete", 0), ("propose", 0), ("refund", 100)):
            books.step(*step)
    cleared.step("clear", 0)
    blocked.step("block", 0)

    assert (cleared.told("settled"), cleared.told("clawback_due")) == (1000, 100)
    assert (blocked.told("clawback_due"), blocked.settlement.left) == (0, 900)


@given(STEPS)
def test_a_hold_says_whether_it_ends_a_pay_out_that_was_under_way(steps):
    """The claim service hears of those alone: it has said that nothing holds the order, and must forget that."""
    books = Books()
    for name, value in steps:
        before, told = books.settlement.state, len(books.settlement.events)
        with suppress(Refusal):
            books.step(name, value)
        holds = [one for one in books.settlement.events[told:] if one.type == "settlement.hold_placed"]
        assert [one.data["ends_payout"] for one in holds] == [before == "settling" for _ in holds]
