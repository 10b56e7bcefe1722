"""Joins the notification service: storage, contents, settings, and the way its mails leave."""

from __future__ import annotations

from pathlib import Path

from services.notification.adapters.folder import FolderTransport
from services.notification.adapters.smtp import SmtpTransport
from services.notification.handlers import CONTENTS
from services.notification.letters import Letters
from services.notification.links import Links
from services.notification.ports import Ports, Transport
from services.notification.storage import STORAGE
from shared.kernel.clock import Clock, SystemClock
from shared.ops.settings import Settings, SettingsRefused
from shared.runtime.app import App
from shared.storage.engine import Database


def build(settings: Settings, clock: Clock | None = None) -> App:
    """The notification service on the database that the settings name.

    mail: `smtp` sends, `folder` writes files to `<data>/mails`, `off` keeps notifications as rows only (benchmarks).
    """
    database = Database(settings.database_url("notification"), settings.pool_size)
    links = Links(settings.public_url, settings.link_secret)
    sender, relay = settings.mail_from, settings.relay_domain
    letters = Letters(database, clock or SystemClock(), sender, settings.mail_domain, links, settings.zone, relay)
    transport = _transport(settings)
    ports = Ports(letters, transport) if transport else None  # without one, no job is ever queued that would need them
    return App("notification", STORAGE, CONTENTS, database, clock, ports=ports, settings=settings)


def mail_folder(settings: Settings) -> Path:
    """Where the `folder` transport writes: for whoever shows mails (`adapters.folder.list_mails`)."""
    return settings.data_dir / "mails"


def _transport(settings: Settings) -> Transport | None:
    if settings.mail == "smtp":
        return SmtpTransport(settings.smtp_url)
    if settings.mail == "folder":
        return FolderTransport(mail_folder(settings))
    if settings.mail == "off":
        return None
    raise SettingsRefused(f"MAIL={settings.mail}: use smtp, folder or off")
