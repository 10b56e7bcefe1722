"""One order's life: what its seller, its customer, a bank and the platform do to it, in any order."""

from __future__ import annotations

import hashlib
import hmac
import json
import random
import time
from collections.abc import Callable
from typing import Any

from tests.suite import PARCEL, Suite, agent, customer, order_args, payment_args, seller

WEBHOOK_SECRET = "whsec_of_the_histories"
BOSS = agent("agt_boss")
RATES = ("5.5", "20", "2.1")
INSTRUMENTS = ("original", "original", "original", "coupon", "paypal", "store_credit")


class Sale:
    """Acts by dice. What is refused is an answer; only a failure of ours is noted, in `failures`."""

    def __init__(self, suite: Suite, number: str, dice: random.Random) -> None:
        self.suite, self.number, self.dice = suite, number, dice
        self.failures: list[str] = []
        self.disputes = self.keys = 0
        self.plain = True  # nothing that makes the taxes of a full refund differ from those of the order
        self.seller, self.customer = seller(f"sel_{int(number) % 3}"), customer(f"cus_{number}")
        self.order = self._place()
        self.id: str = self.order["id"]
        self.lines = [(line["line_id"], line["quantity"]) for line in self._args["lines"]]
        self.total = self.due = self.order["total"]["amount"]
        self.approver = agent("agt_second")  # four eyes
        self.payments: list[dict[str, Any]] = []

    def _place(self) -> dict[str, Any]:
        dice = self.dice
        lines = [
            {
                "line_id": f"lin_{self.number}_{index}",
                "product_id": f"prd_{index}",
                "sku": f"SKU{index}",
                "title": "Cup",
                "quantity": dice.randint(1, 6),
                "unit_price": dice.randint(1, 9999),
                "taxes": [{"code": f"VAT{rate}", "rate": rate} for rate in RATES[: dice.randint(0, 2)]],
            }
            for index in range(dice.randint(1, 3))
        ]
        goods = sum(line["quantity"] * line["unit_price"] for line in lines)
        discount, fee = dice.randrange(goods // 3 + 1), dice.randrange(900)
        shipping = [{"shipment_id": f"shp_{self.number}", "gross": fee, "taxes": [{"code": "VAT20", "rate": "20"}]}]
        self._args = order_args(
            self.number,
            order_id=f"ord_{self.number}",
            profile=dice.choice(("issue", "box", "discussion")),
            seller_id=self.seller.party,
            customer={"ref": self.customer.party, "name": "Ada", "email": "ada@customer.example", "locale": "fr"},
            lines=lines,
            discount=discount,
            shipping=shipping,
            total=goods - discount + fee,
        )
        return self.suite.do("order.place", self.seller, **self._args)

    def act(self) -> None:
        """One step."""
        self.dice.choices(STEPS, OFTEN)[0](self)

    def call(self, name: str, who: Any, again: bool = False, **args: Any) -> dict[str, Any] | None:
        """The view, or None where it was refused. again: the same key a second time, which must change nothing."""
        self.keys += 1
        key = f"{self.number}-{self.keys}"
        answer = self.suite.call(name, who, key, **args)
        if answer.status >= 500:
            self.failures.append(f"{name}: {answer.body}")
        if again and answer.ok:
            twin = self.suite.call(name, who, key, **args)
            if twin.body != answer.body:
                self.failures.append(f"{name} under the same key answered something else")
        return answer.body if answer.ok else None

    # the order

    def capture(self) -> None:
        if self.due:
            part = self.due if self.dice.random() < 0.7 else self.dice.randint(1, self.due)
            number = len(self.payments)
            paid = payment_args(
                self.order,
                payment_id=f"pay_{self.number}_{number}",
                provider_ref=f"pi_{self.number}_{number}",
                amount={"amount": part, "currency": "EUR"},
            )
            if self.call("order.capture_payment", BOSS, again=self.dice.random() < 0.3, **paid) is not None:
                self.due -= part
                self.payments.append(paid)

    def ship(self) -> None:
        line_id, most = self.dice.choice(self.lines)
        some = {"lines": [{"line_id": line_id, "quantity": self.dice.randint(1, most)}]}
        self.call("order.ship", self.seller, order_id=self.id, parcel=PARCEL, **self.dice.choice(({}, some)))

    def deliver(self) -> None:
        self.call("order.deliver", self.seller, order_id=self.id)

    def refuse_units(self) -> None:
        line_id, most = self.dice.choice(self.lines)
        decision = {"line_id": line_id, "action": "refuse", "reason_code": "out_of_stock"}
        decision["quantity"] = self.dice.randint(1, most)
        twice = self.dice.random() < 0.3
        self.call("order.validate_lines", self.seller, again=twice, order_id=self.id, lines=[decision])

    def cancel(self) -> None:
        instrument = self.dice.choice(("original", "coupon", "paypal"))
        twice = self.dice.random() < 0.3
        how = {"reason_code": "out_of_stock", "refund_instrument": instrument}
        if self.call("order.cancel", self.seller, again=twice, order_id=self.id, **how) is not None:
            self.due = 0

    def invoice(self) -> None:
        self.call("invoice.make", self.seller, order_id=self.id)

    # refunds

    def refund_line(self) -> None:
        line_id, most = self.dice.choice(self.lines)
        asked: dict[str, Any] = {"line_id": line_id}
        asked |= self.dice.choice(({}, {"qty": self.dice.randint(1, most)}, {"amount": self.dice.randint(1, 9000)}))
        self._ask(self.dice.choice(("pre_shipment", "post_shipment_lines", "withdrawal")), lines=[asked])

    def refund_all(self) -> None:
        self._ask(self.dice.choice(("post_shipment_order", "cancellation")), shipping=self.dice.random() < 0.5)

    def gesture(self) -> None:
        tax = self.dice.choice(("price_reduction", "price_reduction", "goodwill"))
        amount = {"amount": self.dice.randint(1, 4000), "currency": "EUR"}
        made = self._ask("commercial_gesture", amount=amount, gesture_tax=tax)
        self.plain &= made is None or tax != "goodwill"

    def _ask(self, kind: str, **args: Any) -> dict[str, Any] | None:
        who = self.dice.choice((self.seller, BOSS))
        args |= {"order_id": self.id, "kind": kind, "reason_code": "damaged_items"}
        args["instrument"] = self.dice.choice(INSTRUMENTS)
        return self.call("refund.request", who, again=self.dice.random() < 0.3, **args)

    def decide(self) -> None:
        """One refund of the order is approved, rejected, cancelled or tried again, if it can be."""
        refunds = self.suite.do("refund.list", BOSS, order_id=self.id)["items"]
        if refunds:
            chosen = self.dice.choice(refunds)["id"]
            name = self.dice.choice(("approve", "approve", "reject", "cancel", "execute", "retry"))
            self.call(f"refund.{name}", self.approver, again=self.dice.random() < 0.3, refund_id=chosen)

    def coupon(self) -> None:
        found = self.suite.do("coupon.list", self.seller, order_id=self.id)["items"]
        if found:
            chosen = self.dice.choice(found)
            if self.dice.random() < 0.3:
                self.call("coupon.revoke", self.seller, coupon_id=chosen["id"])
                self.plain = False  # what was spent of it stays refunded, the rest is refunded anew: two papers
                return
            some = {"amount": {"amount": self.dice.randint(1, 3000), "currency": "EUR"}}
            spent = self.dice.choice(({}, some))
            self.call("coupon.redeem", self.seller, again=True, coupon_id=chosen["id"], used_for="2001", **spent)

    # goods that come back

    def take_back(self) -> None:
        line_id, most = self.dice.choice(self.lines)
        about = {"reason_code": "damaged_items", "text": "It came in pieces.", "order_id": self.id}
        claim = self.call("claim.open", self.customer, **about, lines=[{"line_id": line_id}])
        if claim is None:
            return
        units = self.dice.randint(1, most)
        lines = [{"line_id": line_id, "qty": units}]
        wanted = {"claim_id": claim["id"], "lines": lines, "reason_code": "damaged_items"}
        back = self.call("return.request", self.customer, **wanted)
        if back is None or self.call("return.approve", self.seller, return_id=back["id"]) is None:
            return
        arrived, good = self.dice.randint(0, units), self.dice.randint(0, units)
        one = {"return_id": back["id"]}
        brought = [{"line_id": line_id, "received": arrived, "missing": units - arrived}]
        self.call("return.receive", self.seller, **one, lines=brought)
        seen = [{"line_id": line_id, "compliant": min(arrived, good), "restock": min(arrived, good)}]
        self.call("return.inspect", self.seller, **one, lines=seen)
        self.call("return.close", self.seller, again=True, **one)

    # the bank, and the provider's own dashboard

    def dispute(self) -> None:
        if self.payments:
            paid = self.dice.choice(self.payments)
            self.disputes += 1
            amount = self.dice.randint(1, paid["amount"]["amount"])
            told = {"id": f"dp_{self.number}_{self.disputes}", "payment_intent": paid["provider_ref"], "amount": amount}
            self._hear("charge.dispute.created", {**told, "status": "needs_response"})
            if self.dice.random() < 0.5:
                status = self.dice.choice(("won", "lost"))
                self.plain &= status == "won"
                self._hear("charge.dispute.closed", {**told, "status": status})
            else:
                self.plain = False

    def reverse(self) -> None:
        """A refund that had succeeded comes back."""
        refunds = self.suite.do("refund.list", BOSS, order_id=self.id)["items"]
        done = [one for one in refunds if one["state"] == "succeeded" and one["provider_ref"].startswith("re_")]
        if done:
            one = self.dice.choice(done)
            self.plain = False  # its credit note stays
            told = {"id": one["provider_ref"], "amount": one["amount"]["amount"], "currency": "eur"}
            self._hear("refund.failed", {**told, "status": "failed", "metadata": {"refund_id": one["id"]}})

    def _hear(self, type: str, told: dict[str, Any]) -> None:
        self.keys += 1
        event = {"id": f"evt_{self.number}_{self.keys}", "type": type, "object": "event", "data": {"object": told}}
        body, now = json.dumps(event), int(time.time())
        signed = hmac.new(WEBHOOK_SECRET.encode(), f"{now}.{body}".encode(), hashlib.sha256).hexdigest()
        headers = {"Stripe-Signature": f"t={now},v1={signed}"}
        for _ in range(self.dice.randint(1, 2)):  # providers repeat themselves
            answer = self.suite.call("refund.provider_event", BOSS, provider="stripe", headers=headers, body=body)
            if not answer.ok:
                self.failures.append(f"webhook: {answer.body}")


Step = Callable[[Sale], None]
STEPS: tuple[Step, ...] = (
    Sale.capture,
    Sale.ship,
    Sale.deliver,
    Sale.refuse_units,
    Sale.cancel,
    Sale.invoice,
    Sale.refund_line,
    Sale.refund_all,
    Sale.gesture,
    Sale.decide,
    Sale.coupon,
    Sale.take_back,
    Sale.dispute,
    Sale.reverse,
)
OFTEN = (20, 12, 4, 5, 3, 4, 16, 4, 8, 10, 4, 5, 2, 2)
