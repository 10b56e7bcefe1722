"""Joins the refund service: storage, contents, providers. The only place that chooses adapters."""

from __future__ import annotations

from services.refund.adapters.instant import Instant
from services.refund.adapters.stripe import Stripe
from services.refund.handlers import CONTENTS
from services.refund.ports import Ports, Provider
from services.refund.storage import STORAGE
from shared.kernel.clock import Clock, SystemClock
from shared.ops.settings import Settings
from shared.runtime.app import App
from shared.storage.engine import Database


def build(settings: Settings, clock: Clock | None = None) -> App:
    """The refund service on the database and the providers that the settings name."""
    database = Database(settings.database_url("refund"), settings.pool_size)
    clock = clock or SystemClock()
    ports = Ports(_providers(settings), clock)
    return App("refund", STORAGE, CONTENTS, database, clock, ports, settings)


def _providers(settings: Settings) -> dict[str, Provider]:
    found: dict[str, Provider] = {
        "stripe": Stripe(settings.stripe_api_key, settings.stripe_api_base, settings.provider_timeout),
    }
    if settings.instant_provider:  # the settings refuse it in production
        found["instant"] = Instant()
    return found
