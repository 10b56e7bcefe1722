"""Joins the claim service: storage, contents, settings."""

from __future__ import annotations

from services.claim.handlers import CONTENTS
from services.claim.storage import STORAGE
from shared.kernel.clock import Clock
from shared.ops.settings import Settings
from shared.runtime.app import App
from shared.storage.engine import Database


def build(settings: Settings, clock: Clock | None = None) -> App:
    """The claim service on the database that the settings name."""
    database = Database(settings.database_url("claim"), settings.pool_size)
    return App("claim", STORAGE, CONTENTS, database, clock, settings=settings)
