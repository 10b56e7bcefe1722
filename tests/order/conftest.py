"""The gateway on the joined services, as its own tests have it; and a counter where orders are paid through links."""

from __future__ import annotations

import pytest

from services.simulator import start
from tests.documents import PACKAGES, has_pango
from tests.gateway.conftest import api, api_of  # noqa: F401
from tests.order.counter import LINK_SECRET, WEBHOOK_SECRET, Counter


@pytest.fixture(scope="session")
def outside():
    with start() as simulator:
        yield simulator


@pytest.fixture
def counter(counter_of):
    return counter_of()


@pytest.fixture
def counter_of(api_of, outside):  # noqa: F811
    """A counter with these settings beside those of its providers."""
    outside.reset()
    settings = {
        "stripe_api_key": "sk_test_payment_links",
        "stripe_api_base": outside.provider_url,
        "stripe_webhook_secret": WEBHOOK_SECRET,
        "paypal_client_id": "client",
        "paypal_client_secret": "secret",
        "paypal_api_base": outside.provider_url,
        "link_secret": LINK_SECRET,
        "public_url": "https://shop.example",
    }
    return lambda **more: Counter(api_of(**settings, **more), outside)


@pytest.fixture(scope="session")
def pango() -> None:
    if not has_pango():
        pytest.skip(f"no PDF can be made here: apt-get install {' '.join(PACKAGES)}")
