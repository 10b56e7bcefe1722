"""Both parts on one event loop, from start to stop."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from services.simulator.handle import Ports
from services.simulator.mail_site import MailSite
from services.simulator.provider import Provider


@dataclass(frozen=True, slots=True)
class Options:
    """Where to listen (port 0: any free one) and where to keep state (None: in memory).

    public_url: of the payers' pages, where browsers reach them by another name than the services do.
    """

    host: str = "127.0.0.1"
    provider_port: int = 0
    smtp_port: int = 0
    mail_port: int = 0
    data: Path | None = None
    public_url: str | None = None


async def serve(options: Options, ready: Callable[[Ports], None], stop: asyncio.Event) -> None:
    """Run until `stop` is set; `ready` gets the real ports once everything listens. OSError when a port is taken."""
    if options.data:
        options.data.mkdir(parents=True, exist_ok=True)
    provider, mails = Provider(options.data, options.public_url), MailSite(options.data)
    try:
        provider_port = await provider.listen(options.host, options.provider_port)
        smtp_port, mail_port = await mails.listen(options.host, options.smtp_port, options.mail_port)
        ready(Ports(provider_port, smtp_port, mail_port))
        await stop.wait()
    finally:
        await mails.close()
        await provider.close()
