"""The suite under test: the one that SUITE_URL names (compose), else six processes of this run's own."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import requests

from services.simulator import spawn
from tests.integration.live import Live, Shop, simulator_at
from tests.servers import shared_by_the_run
from tests.stack import Stack

WEBHOOK_SECRET = "whsec_integration"
COMPOSE_JWT_SECRET = "development-only-jwt-secret-of-32-bytes"


@pytest.fixture(scope="session")
def live() -> Iterator[Live]:
    if url := os.environ.get("SUITE_URL"):
        simulator = simulator_at(os.environ["SUITE_PROVIDER_URL"], os.environ["SUITE_MAIL_URL"])
        secret = os.environ.get("SUITE_JWT_SECRET", COMPOSE_JWT_SECRET)
        yield Live(url, secret, os.environ["SUITE_AMQP_URI"], simulator)
        return
    servers = shared_by_the_run()
    worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    with spawn() as simulator:
        settings = {
            "MAIL": "smtp",
            "SMTP_URL": f"smtp://127.0.0.1:{simulator.ports.smtp}",
            "STRIPE_API_KEY": "sk_test_integration",
            "STRIPE_API_BASE": simulator.provider_url,
            "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "PAYPAL_CLIENT_ID": "integration",
            "PAYPAL_CLIENT_SECRET": "integration",
            "PAYPAL_API_BASE": simulator.provider_url,
            "PAYPAL_WEBHOOK_ID": "WH-INTEGRATION",
        }
        with Stack(servers, f"live_{worker}", **settings) as stack:
            simulator.webhook(f"{stack.url()}/hooks/stripe", secret=WEBHOOK_SECRET)
            simulator.webhook(f"{stack.url()}/hooks/paypal", provider="paypal", id="WH-INTEGRATION")
            simulator.webhook(f"{stack.url()}/hooks/payments/stripe", secret=WEBHOOK_SECRET)
            simulator.webhook(f"{stack.url()}/hooks/payments/paypal", provider="paypal")
            yield Live(stack.url(), stack.jwt_secret, servers.amqp_uri(vhost=stack.vhost), simulator)


@pytest.fixture
def shop(live: Live) -> Iterator[Shop]:
    """A tenant of this test's own."""
    shop = live.shop()
    yield shop
    shop.close()


@pytest.fixture(autouse=True, scope="session")
def reachable(live: Live) -> None:
    assert requests.get(f"{live.url}/readyz", timeout=10).ok
