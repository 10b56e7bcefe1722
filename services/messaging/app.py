"""Joins the messaging service: storage, contents, where files lie, who scans them."""

from __future__ import annotations

from services.messaging.adapters.clamd import scanner_at
from services.messaging.adapters.inspector import ProcessInspector
from services.messaging.handlers import CONTENTS
from services.messaging.ports import Ports
from services.messaging.storage import STORAGE
from shared.kernel.clock import Clock
from shared.ops.settings import Settings
from shared.runtime.app import App
from shared.storage.blobs import blobs_at
from shared.storage.engine import Database


def build(settings: Settings, clock: Clock | None = None) -> App:
    """The messaging service on the database that the settings name."""
    database = Database(settings.database_url("messaging"), settings.pool_size)
    blobs = blobs_at(settings.attachments, settings.data_dir / "attachments", settings.s3_endpoint)
    ports = Ports(blobs, ProcessInspector(blobs, scanner_at(settings.clamd)))
    return App("messaging", STORAGE, CONTENTS, database, clock, ports=ports, settings=settings)
