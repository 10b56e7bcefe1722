"""The main path of the suite, walked through its public API like a customer, a seller and a shop would, and checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from services.demo import sale
from services.demo.api import Api
from services.demo.mails import Mails
from services.demo.narrator import Narrator
from services.demo.sale import euros
from services.demo.waiting import NotReached, Patience
from services.simulator import Simulator
from shared.kernel.ids import new_id


class Story:
    """One sale from the order to the refund and its mails.

    outside: the simulated provider and mail catcher that the suite under test uses.
    """

    def __init__(self, api: Api, outside: Simulator, patience: Patience, tell: Narrator) -> None:
        self.api, self.outside, self.patience, self.tell = api, outside, patience, tell
        self.number = f"S-{new_id('x')[-8:]}"
        self.order: dict[str, Any] = {}
        self.claim: dict[str, Any] = {}
        self.refund: dict[str, Any] = {}
        self.mails = Mails(api, outside, patience, tell)

    def walk(self) -> None:
        """Every step; raises NotReached or Refused at the first one that does not go as it must."""
        self._meet()
        self._place()
        self._pay()
        self._ship()
        self._deliver()
        self._report()
        self._answer()
        self._agree()
        self._confirm()

    # who

    def _meet(self) -> None:
        """Who the tokens stand for, and how to reach them."""
        customer, seller = self.api.people["customer"], self.api.people["seller"]
        self.customer_ref = self.api.get("customer", "/v1/me")["party"]
        self.seller_id = self.api.get("seller", "/v1/me")["party"]
        contact = {"name": seller.name, "email": seller.email, "locale": seller.locale}
        self.api.ask("seller", "PUT", f"/v1/contacts/seller/{self.seller_id}", contact)
        self.mails.addresses = {"customer": customer.email, "seller": seller.email}

    # the sale

    def _place(self) -> None:
        buyer = self.api.people["customer"]
        customer = {"ref": self.customer_ref, "name": buyer.name, "email": buyer.email, "locale": buyer.locale}
        self.order = self.api.post("integrator", "/v1/orders", sale.order(self.number, customer, self.seller_id))
        self.mails.order_id = self.order["id"]
        self.tell.step(f"{buyer.name} orders two lamps and three boxes of tea, with a discount, taxes and shipping")
        self.tell.detail(f"order {self.number}, {euros(self.order['total']['amount'])}, {self._shown()}")
        self.mails.arrive("placed")

    def _pay(self) -> None:
        reference = f"pi_{self.number}"
        self.outside.payment("eur", sale.TOTAL, id=reference)
        payment = {"payment_id": f"pay_{self.number}", "provider": "stripe", "provider_ref": reference}
        payment["amount"] = self.order["total"]
        self.order = self.api.post("integrator", f"{self._order}/payments", payment, key=f"pay-{self.number}")
        self.tell.step("The payment provider captures the payment")
        self.tell.detail(f"captured {euros(self.order['captured']['amount'])}; the order is {self.order['phase']}")
        self.mails.arrive("paid")

    def _ship(self) -> None:
        parcel = {"carrier": "Colissimo", "tracking_number": f"8L{self.number[2:]}"}
        self.order = self.api.post("seller", f"{self._order}:ship", {"parcel": parcel})
        self.tell.step(f"{self.api.people['seller'].name} ships it")
        self.tell.detail(f"parcel {parcel['tracking_number']}; the order is {self.order['phase']}")
        self.mails.arrive("shipped")

    def _deliver(self) -> None:
        self.order = self.api.post("integrator", f"{self._order}:deliver")
        self.tell.step("The parcel is delivered")
        self.mails.arrive("delivered")

    # the claim

    def _report(self) -> None:
        buyer = self.api.people["customer"]
        issue = {
            "reason_code": "damaged_items",
            "text": sale.COMPLAINT[buyer.locale],
            "lines": sale.damaged(self.number),
        }
        self.claim = self.patience.through(lambda: self.api.post("customer", f"{self._order}/issues", issue))
        self.tell.step(f"{buyer.name} reports damaged items: one lamp, one box of tea")
        handler = self.claim["handler"]
        self._expect("the reason routes the claim to the seller", handler["code"], "seller")
        self.tell.detail(f"claim {self.claim['number']}: {self.claim['label']['en']}. {handler['label']['en']}")
        held = self._until_order("the order shows the issue", lambda order: order["open_claims"] == 1)
        self._expect("what the order shows", held["display_status"]["code"], "issue_reported")
        self._expect("the settlement", held["settlement"]["state"], "held")
        self.tell.detail(f"the order shows `{held['display_status']['label']['en']}`; the seller's money is held")
        self.mails.arrive("reported")

    def _answer(self) -> None:
        text = sale.ANSWER[self.api.people["customer"].locale]
        self.patience.through(lambda: self.api.post("seller", f"{self._claim}/messages", {"text": text}))
        self.tell.step(f"{self.api.people['seller'].name} answers")
        self.tell.detail(f"« {text} »")
        self.mails.arrive("answered")

    def _agree(self) -> None:
        resolution, key = {"kind": "refund"}, f"agree-{self.number}"
        agreed = self.patience.through(lambda: self.api.post("seller", f"{self._claim}/resolutions", resolution, key))
        self.tell.step("… and agrees to a refund")
        refund_id = agreed["resolution"]["refund_id"]
        again = self.api.post("seller", f"{self._claim}/resolutions", resolution, key)
        self._expect("the same request, sent again", again["resolution"]["refund_id"], refund_id)
        self.tell.detail("the request is sent a second time, as after a lost answer: it is recognised")
        self.refund = self.patience.until(
            "the refund is reserved, paid and credited",
            lambda: self._refund_or_nothing(refund_id),
            lambda refund: refund.get("state") == "succeeded",
        )
        self.tell.detail(f"reserved, then paid by Stripe: {euros(self.refund['amount']['amount'])}")
        note = self.credit_note()
        taxes = ", ".join(f"{euros(tax['amount'])} at {tax['rate']} %" for tax in note["taxes"])
        self.tell.detail(f"credited: note {note['number']} over {euros(note['total']['amount'])}, in it {taxes}")
        self.mails.arrive("agreed")

    def _confirm(self) -> None:
        self.patience.until(
            "the claim proposes the paid refund as its solution",
            lambda: self.api.get("customer", self._claim),
            lambda claim: "confirm" in claim["allowed_actions"],
        )
        self.claim = self.api.post("customer", f"{self._claim}:confirm")
        self.tell.step(f"{self.api.people['customer'].name} confirms that this settles it")
        self.tell.detail(f"claim {self.claim['number']}: {self.claim['label']['en']}")
        self._until_order("the hold falls", lambda order: order["settlement"]["state"] == "open")
        self.tell.detail("the hold falls: the seller can be paid out when the order is completed")
        self.mails.arrive("confirmed")

    # what is asked for again and again

    @property
    def _order(self) -> str:
        return f"/v1/orders/{self.order['id']}"

    @property
    def _claim(self) -> str:
        return f"/v1/claims/{self.claim['id']}"

    def order_now(self) -> dict[str, Any]:
        """The order as the platform sees it, with its settlement."""
        return self.api.get("platform_agent", self._order)

    def claim_now(self) -> dict[str, Any]:
        return self.api.get("platform_agent", self._claim)

    def credit_note(self) -> dict[str, Any]:
        return self.api.get("customer", f"/v1/credit-notes/{self.refund['credit_note_id']}")

    def _refund_or_nothing(self, refund_id: str) -> dict[str, Any]:
        found = self.api.get("seller", f"/v1/refunds?order_id={self.order['id']}")["items"]
        return next((refund for refund in found if refund["id"] == refund_id), {})

    def _until_order(self, expected: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        return self.patience.until(expected, self.order_now, holds)

    def _shown(self) -> str:
        return self.order["display_status"]["label"]["en"].lower()

    def _expect(self, what: str, found: Any, expected: Any) -> None:
        if found != expected:
            raise NotReached(f"{what}: expected {expected}, found {found}")
