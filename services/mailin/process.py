"""`aftersale mail-in`: SMTP, a mailbox and a webhook in front of one spool, and what empties it."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import signal
from concurrent.futures import ProcessPoolExecutor

from services.mailin.authenticity import Judge
from services.mailin.desk import Desk
from services.mailin.forwarding import Forwarder
from services.mailin.http import Hook
from services.mailin.imap import Mailbox
from services.mailin.smtp import SmtpServer, Takes
from services.mailin.spool import Spool
from shared.edge.calls import CallClient
from shared.ops.settings import Settings, SettingsRefused
from shared.storage.blobs import blobs_at

log = logging.getLogger(__name__)
READERS = 2  # processes that read mails
PATIENCE = 0.01  # seconds: what mails ask and tell the services travels together, none of it is in a hurry


def run(settings: Settings) -> int:
    """Until SIGTERM or SIGINT; the exit code."""
    if not settings.relay_domain:
        raise SettingsRefused("RELAY_DOMAIN is missing: the domain whose mail comes here, reply.shop.example")
    if not settings.service_urls.get("messaging"):
        raise SettingsRefused("MESSAGING_URL is missing: http://messaging:8000")
    return asyncio.run(_run(settings))


async def _run(settings: Settings) -> int:
    spool, desk = Spool(settings.spool_dir), _desk(settings)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    # spawned, not forked: a fork would copy the locks of threads that it has not
    readers = ProcessPoolExecutor(READERS, mp_context=multiprocessing.get_context("spawn"))
    own = (settings.relay_domain.lower(), settings.mail_domain.lower())
    judge = Judge(settings.mail_authserv, settings.mail_relays)
    blobs = blobs_at(settings.attachments, settings.data_dir / "attachments", settings.s3_endpoint)
    forwarder = Forwarder(spool, desk, judge, blobs, settings.relay_domain, own, readers)
    mailbox = Mailbox(settings.imap_url, spool) if settings.imap_url else None
    smtp = SmtpServer(Takes(spool, desk, settings.relay_domain), settings.relay_domain)
    http = Hook(spool, settings.mail_hook_secret, ready=lambda: not stop.is_set()).serve(settings.host, settings.port)
    port = await smtp.listen(settings.host, settings.smtp_port)
    forwarder.start()
    if mailbox:
        mailbox.start()
    log.info("ready: mail for %s on port %d", settings.relay_domain, port)
    await stop.wait()
    smtp.close()
    if mailbox:
        mailbox.stop()
    forwarder.stop()
    http.shutdown()
    readers.shutdown(cancel_futures=True)
    return 0


def _desk(settings: Settings) -> Desk:
    clients = {
        service: CallClient(
            service, url, settings.call_secrets.get(service) or settings.call_secret, queries=1, patience=PATIENCE
        )
        for service, url in settings.service_urls.items()
        if url and service in ("messaging", "notification")
    }
    return Desk(clients["messaging"], clients.get("notification"))
