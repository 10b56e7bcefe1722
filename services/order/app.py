"""Joins the order service: storage, contents, settings. The only place that chooses adapters."""

from __future__ import annotations

from services.order.adapters.paypal import PayPalTill
from services.order.adapters.stripe import StripeTill
from services.order.handlers import CONTENTS
from services.order.ports import Ports, Till
from services.order.storage import STORAGE
from shared.kernel.clock import Clock, SystemClock
from shared.ops.settings import Settings
from shared.providers.paypal import PayPalAccount
from shared.providers.stripe import StripeAccount
from shared.runtime.app import App
from shared.storage.engine import Database


def build(settings: Settings, clock: Clock | None = None) -> App:
    """The order service on the database that the settings name."""
    database = Database(settings.database_url("order"), settings.pool_size)
    clock = clock or SystemClock()
    return App(
        "order", STORAGE, CONTENTS, database, clock, Ports(_tills(settings), clock, settings.link_secret), settings
    )


def _tills(settings: Settings) -> dict[str, Till]:
    timeout = settings.provider_timeout
    paypal = settings.paypal_client_id, settings.paypal_client_secret, settings.paypal_api_base
    return {
        "stripe": StripeTill(StripeAccount(settings.stripe_api_key, settings.stripe_api_base, timeout)),
        "paypal": PayPalTill(PayPalAccount(*paypal, timeout)),
    }
