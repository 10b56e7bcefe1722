"""A running suite as its clients see it: HTTP, AMQP, the mails that left and the money that the provider moved.

Each test has a tenant of its own, so any number of them run against one suite at the same time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import amqp
import jwt
import requests

from services.simulator import Ports, Simulator
from shared.edge.topology_seen import connector
from shared.kernel.ids import ulid
from tests.suite import PARCEL, order_args

EXCHANGES = ("order.events", "claim.events", "messaging.events", "refund.events", "notification.events")
PATIENCE = 20.0  # seconds until a condition that should hold within one counts as never


@dataclass
class Live:
    """Where a suite runs. jwt_secret: that of its identity provider."""

    url: str
    jwt_secret: str
    amqp_uri: str
    simulator: Simulator

    def shop(self) -> Shop:
        return Shop(self, "t" + ulid()[-12:].lower())

    def token(self, role: str, id: str, tenant: str, party: str | None) -> str:
        now = int(time.time())
        claims = {"iss": "aftersale", "aud": "aftersale-api", "iat": now, "nbf": now - 5, "exp": now + 3600}
        claims |= {"sub": id, "role": role, "tenant": tenant}
        return jwt.encode(claims | ({"party": party} if party else {}), self.jwt_secret, algorithm="HS256")


def eventually(look: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """The first true answer of `look`; asks again until then. An assertion error of the last try when time is over."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if found := look():
                return found
            failure: Exception = AssertionError(f"{look} never came true")
        except (AssertionError, requests.RequestException) as error:
            failure = error
        if time.monotonic() > deadline:
            raise failure
        time.sleep(0.05)


@dataclass
class Caller:
    """One person or system at the API."""

    shop: Shop
    token: str
    session: requests.Session = field(default_factory=requests.Session)

    def send(self, method: str, path: str, body: Any = None, key: str | None = None, **headers: str):
        """The raw response. Every write carries an Idempotency-Key; who is told to come back (503) does, with it."""
        headers = {"Authorization": f"Bearer {self.token}", **headers}
        if method != "GET":
            headers["Idempotency-Key"] = key or ulid()
        until = time.monotonic() + PATIENCE
        while True:
            url = self.shop.live.url + path
            response = self.session.request(method, url, json=body, headers=headers, timeout=15)
            if response.status_code != 503 or time.monotonic() > until:
                return response
            time.sleep(float(response.headers.get("Retry-After", 1)) / 4)

    def get(self, path: str) -> Any:
        return self._accepted(self.send("GET", path))

    def post(self, path: str, body: Any = None, key: str | None = None) -> Any:
        return self._accepted(self.send("POST", path, {} if body is None else body, key))

    def put(self, path: str, body: Any) -> Any:
        return self._accepted(self.send("PUT", path, body))

    def refused(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """The problem that this call is answered; it must be one."""
        response = self.send(method, path, body)
        assert 400 <= response.status_code < 500, f"{method} {path}: {response.status_code} {response.text}"
        assert response.headers["Content-Type"].startswith("application/problem+json")
        return response.json()

    @staticmethod
    def _accepted(response: requests.Response) -> Any:
        assert response.status_code < 300, f"{response.request.url}: {response.status_code} {response.text}"
        return response.json()


class Shop:
    """One tenant with its people. Mail addresses are the tenant's own, so mails of other tests are never seen."""

    def __init__(self, live: Live, tenant: str) -> None:
        self.live, self.tenant = live, tenant
        self.events: list[dict[str, Any]] = []
        self._connection: amqp.Connection | None = None
        self.platform = self.caller("integrator", "key_platform")
        self.customer = self.caller("customer", "user_ada", self.ref("ada"))
        self.seller = self.caller("seller", "user_lamps", "sel_lamps")
        self.supplier = self.caller("supplier", "user_glass", "sup_1")
        self.coordinator = self.caller("coordinator", "coo_1")
        self.agent = self.caller("platform_agent", "agt_1")
        for party, ref, locale in (
            ("seller", "sel_lamps", "fr"),
            ("coordinator", "coo_1", "en"),
            ("supplier", "sup_1", "en"),
        ):
            contact = {"name": ref.title(), "email": self.address(ref), "locale": locale}
            self.agent.put(f"/v1/contacts/{party}/{ref}", contact)

    def caller(self, role: str, id: str, party: str | None = None) -> Caller:
        return Caller(self, self.live.token(role, id, self.tenant, party))

    def ref(self, name: str) -> str:
        return f"cus_{name}"

    def address(self, who: str) -> str:
        return f"{who}@{self.tenant}.example"

    # a sale

    def order(self, number: str = "1001", ship: bool = True, pay: bool = True, profile: str = "issue", **changes: Any):
        """An order of Ada's, paid by card and shipped unless told otherwise; answers its page for the seller."""
        customer = {"ref": self.ref("ada"), "name": "Ada Byron", "email": self.address("ada"), "locale": "en"}
        args = order_args(number, seller_id="sel_lamps", profile=profile, customer=customer) | changes
        order = self.platform.post("/v1/orders", args)
        if pay:
            self.pay(order)
        if ship:
            self.seller.post(f"/v1/orders/{order['id']}:ship", {"parcel": PARCEL})
        return self.seller.get(f"/v1/orders/{order['id']}")

    def pay(self, order: dict[str, Any], amount: int | None = None, provider: str = "stripe") -> str:
        """A real payment at the provider, told to the order service; answers the provider's name of it."""
        total = order["total"]
        id = f"pi_{ulid()}" if provider == "stripe" else ulid()[-17:]
        asked = amount or total["amount"]
        payment = self.live.simulator.payment(total["currency"], asked, provider=provider, id=id)["id"]
        captured = {"amount": asked, "currency": total["currency"]}
        body = {"payment_id": f"pay_{ulid()}", "provider": provider, "provider_ref": payment, "amount": captured}
        if provider == "paypal":
            body["instrument"] = "paypal"
        self.platform.post(f"/v1/orders/{order['id']}/payments", body)
        return payment

    def report(self, order: dict[str, Any], reason: str = "damaged_items", units: int = 1, **changes: Any):
        """Ada reports a problem with the first line. Waits until the claim service has heard of the order."""
        line = {"line_id": order["lines"][0]["line_id"], "qty": units}
        body = {"reason_code": reason, "title": "Broken lamp", "text": "The lamp came in pieces.", "lines": [line]}

        def accepted() -> Any:
            response = self.customer.send("POST", f"/v1/orders/{order['id']}/issues", body | changes)
            assert response.status_code == 201, response.text
            return response.json()

        return eventually(accepted)

    def refund(self, order: dict[str, Any], who: Caller | None = None, **request: Any) -> dict[str, Any]:
        """A refund that was accepted; waits until the refund service has heard of the order and its shipment."""

        def accepted() -> Any:
            response = (who or self.seller).send("POST", "/v1/refunds", {"order_id": order["id"], **request})
            assert response.status_code == 201, response.text
            return response.json()

        return eventually(accepted)

    def refund_reaches(self, refund_id: str, state: str) -> dict[str, Any]:
        def there() -> Any:
            found = self.agent.get(f"/v1/refunds/{refund_id}")
            assert found["state"] == state, found
            return found

        return eventually(there)

    def claim_reaches(self, claim_id: str, state: str) -> dict[str, Any]:
        def there() -> Any:
            found = self.agent.get(f"/v1/claims/{claim_id}")
            assert found["state"] == state, f"{found['state']} instead of {state}"
            return found

        return eventually(there)

    def order_shows(self, order: dict[str, Any], look: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """The order's page for staff, as soon as it is whole and `look` finds what it looks for in it."""

        def there() -> Any:
            page = self.agent.get(f"/v1/orders/{order['id']}")
            assert not page["warnings"], page  # a service that did not answer in time is a part that is null
            assert look(page), page
            return page

        return eventually(there)

    def paid_back(self, payment_ref: str) -> list[int]:
        """What the provider really paid back on a payment, in minor units."""
        return [each["amount"] for each in self.live.simulator.refunds(payment_ref) if each["status"] == "succeeded"]

    # what left the house

    def mails(self, who: str, contains: str = "") -> list[dict[str, Any]]:
        return self.live.simulator.mails(to=self.address(who), contains=contains or None)

    def mail(self, who: str, contains: str) -> dict[str, Any]:
        """The mail to this person with these words; waits for it."""
        return eventually(lambda: self.mails(who, contains))[0]

    def listen(self) -> None:
        """Hear every public event of this tenant from now on, as any other system would: a queue of its own."""
        self._connection = connector(self.live.amqp_uri)()
        channel = self._connection.channel()
        queue = channel.queue_declare(exclusive=True, auto_delete=True).queue
        for exchange in EXCHANGES:
            channel.queue_bind(queue, exchange, "#")
        channel.basic_consume(queue, callback=self._heard, no_ack=True)

    def _heard(self, message: amqp.Message) -> None:
        headers = message.headers
        if headers["ce-tenant"] == self.tenant:
            body = message.body if isinstance(message.body, str) else message.body.decode()
            self.events.append({"type": headers["ce-type"], "headers": dict(headers), "body": body})

    def heard(self) -> list[str]:
        """Types of the events heard so far, in order of arrival."""
        with suppress(TimeoutError):
            while True:
                self._connection.drain_events(timeout=0.05)
        return [event["type"] for event in self.events]

    def hear(self, type: str, times: int = 1) -> None:
        eventually(lambda: self.heard().count(type) >= times)

    def quiet(self) -> None:
        """Everything caused so far has left: a fence order placed now is confirmed by mail after all of it."""
        number = f"fence-{ulid()[-8:]}"
        self.order(number, ship=False, pay=False)
        self.mail("ada", number)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()


def simulator_at(provider_url: str, mail_url: str) -> Simulator:
    """The simulator of a stack that runs elsewhere."""
    provider, mail = (requests.utils.urlparse(url) for url in (provider_url, mail_url))
    return Simulator(provider.hostname, Ports(provider.port, 0, mail.port))
