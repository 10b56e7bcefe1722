"""Joins the claim service: storage, contents, settings."""

from __future__ import annotations

from services.claim.handlers import CONTENTS
from services.claim.profiles import PROFILES
from services.claim.profiles.queries import StoredProfiles
from services.claim.storage import STORAGE, tenant_profiles
from shared.kernel.clock import Clock
from shared.ops.settings import Settings
from shared.runtime.app import App
from shared.storage.engine import Database


def build(settings: Settings, clock: Clock | None = None) -> App:
    """The claim service on the database that the settings name."""
    database = Database(settings.database_url("claim"), settings.pool_size)
    app = App(
        "claim", STORAGE, CONTENTS, database, clock, ports=StoredProfiles(database, tenant_profiles), settings=settings
    )
    PROFILES.look_also_in(app.ports)
    return app
