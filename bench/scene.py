"""The suite, its servers and the simulated world for one run of the chaos driver."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.books import Books
from bench.shop import Shop
from services.simulator import Simulator, spawn
from tests.servers import Servers
from tests.stack import Stack

# Nobody is limited here: a rate limit would only hide what is to be seen.
UNLIMITED = {"RATE_PER_MINUTE": "0", "RATE_PER_MINUTE_ADDRESS": "0", "RATE_PER_MINUTE_TENANT": "0"}


class Scene:
    """Six processes that pay through Stripe's SDK at the simulator; mails stay rows."""

    def __init__(self, servers: Servers, faults: str) -> None:
        self.servers = servers
        self.world: Simulator = spawn()
        self.stack = Stack(
            servers,
            "chaos",
            LOG_LEVEL="WARNING",
            FAULTS=faults,
            STRIPE_API_KEY="sk_test_simulated",
            STRIPE_API_BASE=self.world.provider_url,
            PROVIDER_TIMEOUT="3",
            **UNLIMITED,
        )
        self.books: Books

    @property
    def gateway(self) -> int:
        return self.stack.ports["gateway"]

    def __enter__(self) -> Scene:
        try:
            self.stack.prepare()
            self.stack.start()
            self.books = Books(self.stack)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.stop()
        self.world.stop()

    def restart(self, **changed: str) -> None:
        """All processes anew, with other settings."""
        self.stack.stop()
        self.stack.settings |= changed
        self.stack.start()

    def opens_payments(self, shop: Shop) -> Callable[[int], None]:
        """Makes the captured payment of an order exist at the provider."""
        return lambda number: self.world.payment("eur", 17490, id=shop.payment_ref(number)) and None

    def ledger(self, shop: Shop) -> list[dict[str, Any]]:
        """The provider's payments of this shop."""
        return [each for each in self.world.ledger() if each["id"].startswith(f"pi_{shop.tag}_")]

    def settle(self, seconds: float) -> float:
        """Wait until nothing waits; questions to the provider that are due in minutes or hours are asked now."""
        return self.books.settle(seconds, 0.5, meanwhile=self._ask_now)

    def _ask_now(self) -> None:
        """As if the time had passed; a job that somebody holds is due by its lease, and stays (30 s)."""
        due = "update job set due_at = now() where state = 'ready' and due_at > now() + interval '40 seconds'"
        self.books.ask("refund", due)
