"""Joins the messaging service: storage, contents, settings."""

from __future__ import annotations

from services.messaging.handlers import CONTENTS
from services.messaging.storage import STORAGE
from shared.kernel.clock import Clock
from shared.ops.settings import Settings
from shared.runtime.app import App
from shared.storage.engine import Database


def build(settings: Settings, clock: Clock | None = None) -> App:
    """The messaging service on the database that the settings name."""
    database = Database(settings.database_url("messaging"), settings.pool_size)
    return App("messaging", STORAGE, CONTENTS, database, clock, settings=settings)
