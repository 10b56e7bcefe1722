"""Where it happens: a broker that may be killed, a database, the suite as processes, and a payment provider."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import requests

from bench.books import Books
from bench.chaos.havoc import Havoc
from bench.chaos.report import say
from services.simulator import Simulator, spawn
from tests.servers import GIVEN, Servers, obtain
from tests.servers.processes import wait_until
from tests.stack import ROOT, Stack, free_port

WEBHOOK_SECRET = "whsec_chaos"
SETTINGS = {
    "LOG_LEVEL": "WARNING",
    "PROVIDER_TIMEOUT": "2",
    # one address sends everything here: what is counted is the suite's work, not how it slows down a flood
    "RATE_PER_MINUTE": "0",
    "RATE_PER_MINUTE_ADDRESS": "0",
    "RATE_PER_MINUTE_TENANT": "0",
}


class Scene:
    """Everything that a run needs, on servers of its own if none are given. Leaving it stops all that was started."""

    stack: Stack
    simulator: Simulator
    books: Books
    havoc: Havoc

    def __init__(self, servers: Servers | None = None) -> None:
        self._given = servers
        self._ends = ExitStack()
        self._payments: set[str] = set()

    def __enter__(self) -> Scene:
        try:
            self._open(self._given or self._own_servers())
        except BaseException:
            self._ends.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    def _own_servers(self) -> Servers:
        """Servers that the environment names are not ours to kill."""
        for variable in GIVEN:
            os.environ.pop(variable, None)
        os.environ.setdefault("TEST_SERVERS", "local")
        say("starting servers")
        servers = self._ends.enter_context(obtain())
        say(servers.describe())
        return servers

    def _open(self, servers: Servers) -> None:
        self.simulator = self._ends.enter_context(spawn())
        provider = {
            "STRIPE_API_KEY": "sk_test_of_the_chaos_driver",
            "STRIPE_API_BASE": self.simulator.provider_url,
            "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "PAYPAL_CLIENT_ID": "chaos",
            "PAYPAL_CLIENT_SECRET": "chaos",
            "PAYPAL_API_BASE": self.simulator.provider_url,
        }
        self.stack = Stack(servers, "chaos", **SETTINGS, **provider)
        say("preparing broker and databases")
        self.stack.prepare()
        self._ends.callback(self.stack.stop)
        self.stack.start()
        self.books = Books(self.stack)
        self._ends.callback(self.books.close)
        self.havoc = Havoc(self.stack)
        self._ends.callback(self.havoc.stop)
        say(f"the suite runs: gateway {self.stack.url()}, logs in {self.stack.log_folder}")

    def fail_on_purpose(self, faults: str) -> None:
        """Start the services again with these faults."""
        say(f"starting the services again with FAULTS={faults}")
        self.stack.stop()
        self.stack.settings["FAULTS"] = faults
        self.stack.start()

    def hear_provider(self) -> None:
        """From now on the provider tells what became of refunds by webhook, too."""
        self.simulator.webhook(f"{self.stack.url()}/hooks/stripe", secret=WEBHOOK_SECRET)

    @contextmanager
    def second_pair(self) -> Iterator[int]:
        """Another refund process on the same database, and another gateway that asks it; the gateway's port."""
        ports = {"refund": free_port(), "gateway": free_port()}
        with ExitStack() as ends:
            for service, port in ports.items():
                environment = {**self.stack.environment(service), "PORT": str(port)}
                if service == "gateway":
                    environment["REFUND_URL"] = f"http://127.0.0.1:{ports['refund']}"
                log = ends.enter_context((self.stack.log_folder / f"{service}-2.log").open("ab"))
                command = [sys.executable, "-m", "services.cli", "run", service]
                process = subprocess.Popen(
                    command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
                )
                ends.callback(process.wait)
                ends.callback(process.kill)
            for port in ports.values():
                wait_until(lambda port=port: ready_at(port), f"the second process on {port}", 60)
            yield ports["gateway"]

    def payment(self, ref: str, amount: int = 17490, provider: str = "stripe") -> None:
        """A captured payment at the provider; once."""
        if ref not in self._payments:
            self._payments.add(ref)
            self.simulator.payment("eur", amount, provider=provider, id=ref)

    def rest(self, seconds: float) -> dict[str, int]:
        """Wait until nothing waits any more. What still does when time is over: what was lost is waited for in vain."""
        try:
            self.books.settle(seconds)
        except TimeoutError as late:
            say(str(late))
            return self.books.waiting()
        return {}

    def ledger(self) -> list[dict[str, Any]]:
        """What the provider really moved."""
        return self.simulator.ledger()


def ready_at(port: int) -> bool:
    return requests.get(f"http://127.0.0.1:{port}/readyz", timeout=2).ok
