"""A refund desk: order and refund services joined, with orders to refund, and Stripe played by the simulator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from services.simulator import Simulator, start
from shared.contracts.registry import EVENTS
from tests.servers import shared_by_the_run
from tests.suite import PARCEL, Suite, agent, order_args, payment_args, seller

WEBHOOK_SECRET = "whsec_the_secret_of_the_tests"


class Shop:
    """Orders in any phase, and what the refund service says of them."""

    def __init__(self, suite: Suite, stripe: Simulator | None = None) -> None:
        self.suite, self.stripe = suite, stripe
        self.seller, self.agent = seller(), agent()

    def order(self, number: str = "1001", paid: bool = True, shipped: bool = False, **changes: Any) -> dict[str, Any]:
        """174.90 in two lines and shipping; its payment is known to the simulator."""
        order = self.suite.do("order.place", self.seller_of(changes), **order_args(number, **changes))
        if paid:
            self.pay(order)
        if shipped:
            self.suite.do("order.ship", self.seller_of(changes), order_id=order["id"], parcel=PARCEL)
        self.suite.settle()
        return order

    def seller_of(self, changes: dict[str, Any]) -> Any:
        return seller(changes.get("seller_id", "sel_1"))

    def pay(self, order: dict[str, Any], **changes: Any) -> None:
        captured = payment_args(order, **changes)
        if self.stripe:
            known = {"provider": captured["provider"], "id": captured["provider_ref"]}
            self.stripe.payment("eur", captured["amount"]["amount"], **known)
        self.suite.do("order.capture_payment", self.agent, **captured)

    def request(self, order: dict[str, Any], kind: str, who: Any = None, **args: Any) -> dict[str, Any]:
        args.setdefault("reason_code", "damaged_items")
        return self.suite.do("refund.request", who or self.seller, order_id=order["id"], kind=kind, **args)

    def refused(self, order: dict[str, Any], kind: str, who: Any = None, **args: Any) -> dict[str, Any]:
        args.setdefault("reason_code", "damaged_items")
        return self.suite.refused("refund.request", who or self.seller, order_id=order["id"], kind=kind, **args)

    def refund(self, refund_id: str) -> dict[str, Any]:
        return self.suite.do("refund.get", self.agent, refund_id=refund_id)

    def refunds(self, order: dict[str, Any]) -> list[dict[str, Any]]:
        return self.suite.do("refund.list", self.agent, order_id=order["id"])["items"]

    def envelope(self, order: dict[str, Any]) -> dict[str, Any]:
        return self.suite.do("refund.envelope", self.agent, order_id=order["id"])

    def check_what_was_told(self) -> None:
        """Whatever a test did: every event keeps to its published schema, each stream is without gaps (I4)."""
        last: dict[tuple[str, str], int] = {}
        for event in self.suite.events("refund"):
            EVENTS[event.type].schema.load(event.data)
            stream = event.stream, event.aggregate_id
            assert event.seq == last.get(stream, 0) + 1
            last[stream] = event.seq

    def told(self, type: str) -> list[dict[str, Any]]:
        return [event.data for event in self.suite.events("refund", type)]


@pytest.fixture
def shop(suite_of: Callable[..., Suite]) -> Shop:
    """Refunds are paid at once, by nobody."""
    return Shop(suite_of("order", "refund", instant_provider=True))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
def crowded_shop(request: pytest.FixtureRequest, suite_of: Callable[..., Suite]) -> Shop:
    """For many callers at once: on SQLite, where they queue, and on PostgreSQL, where they collide."""
    if request.param == "sqlite":
        return Shop(suite_of("order", "refund", instant_provider=True))
    servers = shared_by_the_run()
    urls = [servers.database(f"crowd_{name}") for name in ("order", "refund")]
    database = urls[0].replace("crowd_order", "crowd_{service}")
    return Shop(suite_of("order", "refund", instant_provider=True, database=database))


@pytest.fixture(scope="session")
def simulator() -> Iterator[Simulator]:
    with start() as running:
        yield running


@pytest.fixture
def stripe_shop(suite_of: Callable[..., Suite], simulator: Simulator) -> Iterator[Shop]:
    """Refunds are paid through Stripe's SDK; a call waits at most a second."""
    simulator.reset()
    suite = suite_of(
        "order",
        "refund",
        stripe_api_key="sk_test_of_the_refund_tests",
        stripe_api_base=simulator.provider_url,
        stripe_webhook_secret=WEBHOOK_SECRET,
        paypal_client_id="client_of_the_refund_tests",
        paypal_client_secret="secret_of_the_refund_tests",
        paypal_webhook_id=simulator.webhook("http://127.0.0.1:9", provider="paypal", id="WH-OF-THE-REFUND-TESTS")["id"],
        paypal_api_base=simulator.provider_url,
        provider_timeout=1.0,
    )
    shop = Shop(suite, simulator)
    yield shop
    shop.check_what_was_told()
