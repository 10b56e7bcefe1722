"""Joins the refund service: storage, contents, providers. The only place that chooses adapters."""

from __future__ import annotations

from typing import Any

from services.refund.adapters.instant import Instant
from services.refund.adapters.paypal import PayPal
from services.refund.adapters.stripe import Stripe
from services.refund.handlers import CONTENTS
from services.refund.ports import Ports, Provider
from services.refund.storage import STORAGE
from shared.kernel.clock import Clock, SystemClock
from shared.ops.settings import Settings
from shared.providers.paypal import PayPalAccount
from shared.providers.stripe import StripeAccount
from shared.runtime.app import App
from shared.storage.engine import Database


def build(settings: Settings, clock: Clock | None = None) -> App:
    """The refund service on the database and the providers that the settings name."""
    database = Database(settings.database_url("refund"), settings.pool_size)
    clock = clock or SystemClock()
    providers = _providers(settings)
    ports = Ports(providers, clock, {"paypal": providers["paypal"]})
    return App("refund", STORAGE, CONTENTS, database, clock, ports, settings)


def _providers(settings: Settings) -> dict[str, Any]:
    timeout = settings.provider_timeout
    paypal = settings.paypal_client_id, settings.paypal_client_secret, settings.paypal_api_base
    found: dict[str, Provider] = {
        "stripe": Stripe(StripeAccount(settings.stripe_api_key, settings.stripe_api_base, timeout)),
        "paypal": PayPal(PayPalAccount(*paypal, timeout), settings.paypal_webhook_id),
    }
    if settings.instant_provider:  # the settings refuse it in production
        found["instant"] = Instant()
    return found
