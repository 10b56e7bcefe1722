"""Joins the order service: storage, contents, settings. The only place that chooses adapters."""

from __future__ import annotations

from services.order.handlers import CONTENTS
from services.order.storage import STORAGE
from shared.kernel.clock import Clock
from shared.ops.settings import Settings
from shared.runtime.app import App
from shared.storage.engine import Database


def build(settings: Settings, clock: Clock | None = None) -> App:
    """The order service on the database that the settings name."""
    database = Database(settings.database_url("order"), settings.pool_size)
    return App("order", STORAGE, CONTENTS, database, clock, settings=settings)
