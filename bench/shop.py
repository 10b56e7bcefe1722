"""What the customers and sellers of a busy shop send: requests as bytes, ready for a line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from tests.stack import Stack
from tests.suite import PARCEL, TENANT, order_args

CUSTOMERS, SELLERS = 200, 20


class Shop:
    """Requests of one run. tag: keeps the orders of several phases on the same databases apart.

    providers: who took the money, in turn.
    """

    def __init__(
        self, stack: Stack, tag: str, profile: str = "issue", providers: tuple[str, ...] = ("stripe",)
    ) -> None:
        self.tag, self.profile, self.providers = tag, profile, providers
        self._stack = stack
        self._tokens: dict[tuple[str, str], bytes] = {}

    # identities

    def order_id(self, number: int) -> str:
        return f"ord_{self.tag}_{number}"

    def customer(self, number: int) -> str:
        return f"cus_{number % CUSTOMERS}"

    def seller(self, number: int) -> str:
        return f"sel_{number % SELLERS}"

    # bodies

    def order(self, number: int) -> dict[str, Any]:
        """Three units with VAT, a discount and shipping: 174.90."""
        ref = self.customer(number)
        return order_args(
            f"{self.tag}-{number}",
            order_id=self.order_id(number),
            profile=self.profile,
            seller_id=self.seller(number),
            customer={"ref": ref, "name": f"Customer {ref}", "email": f"{ref}@customer.example", "locale": "fr"},
        )

    def payment(self, number: int) -> dict[str, Any]:
        return {
            "payment_id": f"pay_{self.tag}_{number}",
            "provider": self.provider(number),
            "provider_ref": self.payment_ref(number),
            "amount": {"amount": 17490, "currency": "EUR"},
            **({"instrument": "paypal"} if self.provider(number) == "paypal" else {}),
        }

    def provider(self, number: int) -> str:
        return self.providers[number % len(self.providers)]

    def payment_ref(self, number: int) -> str:
        return f"CAP{self.tag}{number}".upper() if self.provider(number) == "paypal" else f"pi_{self.tag}_{number}"

    def issue(self, number: int) -> dict[str, Any]:
        """One of the two lamps came damaged."""
        line = {"line_id": f"lin_{self.tag}-{number}_1", "qty": 1}
        return {"reason_code": "damaged_items", "text": "The lamp arrived with a crack in its foot.", "lines": [line]}

    # requests

    def place(self, number: int) -> bytes:
        return self._as_shop(number, "/v1/orders", self.order(number), "place")

    def pay(self, number: int) -> bytes:
        return self._as_shop(number, f"/v1/orders/{self.order_id(number)}/payments", self.payment(number), "pay")

    def ship(self, number: int) -> bytes:
        return self._as_shop(number, f"/v1/orders/{self.order_id(number)}:ship", {"parcel": PARCEL}, "ship")

    def report(self, number: int) -> bytes:
        path = f"/v1/orders/{self.order_id(number)}/issues"
        return self._as_customer(number, path, self.issue(number), "issue")

    def report_as(self, model: int, number: int, body: dict[str, Any]) -> bytes:
        """The same complaint of the same customer about the copy `number` of order `model`."""
        ref = self.customer(model)
        path = f"/v1/orders/{self.order_id(number)}/issues"
        return self._post(path, body, self._token("customer", f"user_{ref}", ref), f"{self.tag}-{number}-issue")

    def refund(self, number: int, claim_id: str) -> bytes:
        """The seller agrees to refund the claimed lines."""
        return self._as_seller(number, f"/v1/claims/{claim_id}/resolutions", {"kind": "refund"}, "refund")

    def part_refund(self, number: int, amount: int, attempt: int) -> bytes:
        """A refund of `amount` minor units of the order, without a claim."""
        body = {
            "order_id": self.order_id(number),
            "kind": "commercial_gesture",
            "amount": {"amount": amount, "currency": "EUR"},
            "reason_code": "goodwill",
        }
        key = f"{self.tag}-{number}-part-{attempt}"
        # an agent each: one who gives many gestures in a row needs approval (T20)
        return self._post("/v1/refunds", body, self._token("platform_agent", f"agent_{number}"), key)

    def quote(self, number: int) -> bytes:
        """What a refund of ten cents of the rug would be."""
        body = self._ten_cents(number)
        ref = self.seller(number)
        return self._post("/v1/refunds:quote", body, self._token("seller", f"user_{ref}", ref), f"{self.tag}-{number}")

    def line_refund(self, number: int, attempt: int) -> bytes:
        """That refund, asked for by the seller."""
        return self._as_seller(number, "/v1/refunds", self._ten_cents(number), f"cents-{attempt}")

    def _ten_cents(self, number: int) -> dict[str, Any]:
        return {
            "order_id": self.order_id(number),
            "kind": "post_shipment_lines",
            "lines": [{"line_id": f"lin_{self.tag}-{number}_2", "amount": 10}],
            "reason_code": "damaged_items",
        }

    def write(self, number: int, claim_id: str, text: str, key: str) -> bytes:
        """The customer writes on the claim."""
        return self._as_customer(number, f"/v1/claims/{claim_id}/messages", {"text": text}, key)

    def confirm(self, number: int, claim_id: str) -> bytes:
        return self._as_customer(number, f"/v1/claims/{claim_id}:confirm", {}, "confirm")

    def report_again(self, number: int) -> bytes:
        """A second complaint of the same customer about the same order."""
        path = f"/v1/orders/{self.order_id(number)}/issues"
        body = {"reason_code": "missing_items", "text": "The shade is missing, too.", "lines": []}
        return self._as_customer(number, path, body, "issue-2")

    def withdraw(self, number: int, claim_id: str) -> bytes:
        return self._as_customer(number, f"/v1/claims/{claim_id}:withdraw", {}, "withdraw")

    def settle(self, number: int, payout_ref: str) -> bytes:
        """The platform pays the seller out."""
        path = f"/v1/orders/{self.order_id(number)}:settle"
        key = f"{self.tag}-{number}-{payout_ref}"
        return self._post(path, {"payout_ref": payout_ref}, self._token("platform_agent", "agent"), key)

    def list_claims(self, query: str) -> bytes:
        return self._get(f"/v1/claims?{query}", self._token("platform_agent", "agent"))

    def page(self, number: int) -> bytes:
        return self._get(f"/v1/orders/{self.order_id(number)}", self._token("platform_agent", "agent"))

    # in bytes

    def _as_customer(self, number: int, path: str, body: dict[str, Any], step: str) -> bytes:
        ref = self.customer(number)
        return self._post(path, body, self._token("customer", f"user_{ref}", ref), f"{self.tag}-{number}-{step}")

    def _as_seller(self, number: int, path: str, body: dict[str, Any], step: str) -> bytes:
        ref = self.seller(number)
        return self._post(path, body, self._token("seller", f"user_{ref}", ref), f"{self.tag}-{number}-{step}")

    def _as_shop(self, number: int, path: str, body: dict[str, Any], step: str) -> bytes:
        """The shop's own system: it places orders and tells what was paid and sent."""
        return self._post(path, body, self._token("integrator", "shop"), f"{self.tag}-{number}-{step}")

    def _token(self, role: str, id: str, party: str | None = None) -> bytes:
        known = self._tokens.get((role, id))
        if known is None:
            known = self._tokens[role, id] = self._stack.token(role, id, TENANT, party).encode()
        return known

    @staticmethod
    def _post(path: str, body: dict[str, Any], token: bytes, key: str) -> bytes:
        raw = orjson.dumps(body)
        return (
            b"POST %b HTTP/1.1\r\nHost: suite\r\nAuthorization: Bearer %b\r\nIdempotency-Key: %b\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
        ) % (path.encode(), token, key.encode(), len(raw), raw)

    @staticmethod
    def _get(path: str, token: bytes) -> bytes:
        return b"GET %b HTTP/1.1\r\nHost: suite\r\nAuthorization: Bearer %b\r\n\r\n" % (path.encode(), token)


Make = Callable[[int], bytes]
