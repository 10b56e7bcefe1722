"""How many mails a second one mail-in process takes: SMTP, disk, reading, two calls to a service that answers at once.

python -m bench.mails [SECONDS]
"""

from __future__ import annotations

import asyncio
import smtplib
import sys
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from services.mailin.authenticity import Judge
from services.mailin.desk import Desk
from services.mailin.forwarding import Forwarder
from services.mailin.process import READERS
from services.mailin.smtp import SmtpServer, Takes
from services.mailin.spool import Spool
from shared.runtime.calls import Answer, Call

RELAY = "reply.shop.example"
ALIAS = f"c.aaaaaaaaaaaaaaaaaa@{RELAY}"
SENDERS = 8
QUOTE = "\n".join(f"> line {number} of what was written before" for number in range(40))
INTRO = f"On Tue, Nov 3, 2026 at 9:58 AM Shop <{ALIAS}> wrote:"
TEXT = f"Thank you, brass please.\n\n{INTRO}\n\n> -- Reply above this line --\n"
RESULTS = "Authentication-Results: mx.example; dkim=pass header.d=customer.example"


class Service:
    """messaging, at its fastest."""

    def __init__(self) -> None:
        self.received, self.first, self.last = 0, 0.0, 0.0

    def call(self, call: Call, timeout: float) -> Answer:
        if call.name == "alias.check":
            known = {address: {"state": "active", "tenant": "shop"} for address in call.args["addresses"]}
            return Answer(200, {"addresses": known, "references": {}})
        assert call.args["text"] == "Thank you, brass please."
        self.received += 1
        self.last = time.monotonic()
        self.first = self.first or self.last
        return Answer(200, {"state": "posted"})


def main(seconds: float = 10.0) -> float:
    service = Service()
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(READERS, get_context("spawn")) as readers:
        spool, desk = Spool(Path(folder)), Desk(service)
        forwarder = Forwarder(spool, desk, Judge("mx.example", "127.0.0.0/8"), RELAY, (RELAY,), readers)
        forwarder.start()
        port = _listening(spool, desk)
        began, used = time.monotonic(), time.process_time()
        until = began + seconds
        each = range(SENDERS)
        senders = [threading.Thread(target=_send, args=(port, until, number)) for number in each]
        for thread in senders:
            thread.start()
        for thread in senders:
            thread.join()
        while list(spool.waiting()):
            time.sleep(0.05)
        rate = service.received / max(0.001, service.last - service.first)
        cost = (time.process_time() - used) / max(1, service.received) * 1000
        forwarder.stop()
    cost_each = f"{cost:.1f} ms of one core each, the senders included"
    print(f"{rate:.0f} mails a second from SMTP to the service ({service.received} mails, {cost_each})")
    return rate


def _listening(spool: Spool, desk: Desk) -> int:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    listening: Any = SmtpServer(Takes(spool, desk, RELAY), RELAY).listen("127.0.0.1", 0)
    return asyncio.run_coroutine_threadsafe(listening, loop).result(10)


def _send(port: int, until: float, sender: int) -> None:
    number = 0
    with smtplib.SMTP("127.0.0.1", port) as connection:
        while time.monotonic() < until:
            number += 1
            head = f"{RESULTS}\nFrom: ada@customer.example\nTo: {ALIAS}\nSubject: Re: lamp\n"
            head += f"Message-ID: <{sender}.{number}@x>\n"
            connection.sendmail("ada@customer.example", [ALIAS], f"{head}\n{TEXT}{QUOTE}\n")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0)
