"""How many mails a second one mail-in process takes, beside a bare aiosmtpd that accepts them and drops them.

python -m bench.mail_in [SECONDS]: of each half. SMTP, disk, reading in the worker processes, the call of a service that
answers at once; those who send are another process. Both see the same machine: the ratio says what mail-in adds.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
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
from shared.storage.blobs import FolderBlobs

RELAY = "reply.shop.example"
ALIAS = f"c.aaaaaaaaaaaaaaaaaa@{RELAY}"
SENDERS = 16
QUOTE = "\r\n".join(f"> line {number} of what was written before" for number in range(40))
INTRO = f"On Tue, Nov 3, 2026 at 9:58 AM Shop <{ALIAS}> wrote:"
TEXT = f"Thank you, brass please.\r\n\r\n{INTRO}\r\n\r\n> -- Reply above this line --\r\n{QUOTE}\r\n"
RESULTS = "Authentication-Results: mx.example; dkim=pass header.d=customer.example"


@dataclass(frozen=True)
class Found:
    """rate: mails a second. cost: milliseconds of one core each in the mail-in process, without its readers."""

    rate: float
    cost: float


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
        return Answer(200, {"state": "posted", "files": []})


class Drops:
    """What takes every mail and forgets it."""

    def __init__(self) -> None:
        self.received = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.received += 1
        return "250 2.0.0 OK"


def mail_in(seconds: float) -> Found:
    service = Service()
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(READERS, get_context("spawn")) as readers:
        spool, desk = Spool(Path(folder)), Desk(service)
        judge, blobs = Judge("mx.example", "127.0.0.0/8"), FolderBlobs(Path(folder))
        forwarder = Forwarder(spool, desk, judge, blobs, RELAY, (RELAY,), readers)
        forwarder.start()
        used = time.process_time()
        _send(_listening(Takes(spool, desk, RELAY)), seconds)
        while list(spool.waiting()):
            time.sleep(0.05)
        cost = time.process_time() - used
        forwarder.stop()
    return Found(service.received / max(0.001, service.last - service.first), 1000 * cost / max(1, service.received))


def bare(seconds: float) -> Found:
    drops = Drops()
    used = time.process_time()
    took = _send(_listening(drops), seconds)
    return Found(drops.received / took, 1000 * (time.process_time() - used) / max(1, drops.received))


def _listening(takes: Any) -> int:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    return asyncio.run_coroutine_threadsafe(SmtpServer(takes, RELAY).listen("127.0.0.1", 0), loop).result(10)


def _send(port: int, seconds: float) -> float:
    """Senders of another process write for so long; the seconds it really took."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "bench.mail_in", "--send", str(port), str(seconds)], check=True)
    return time.monotonic() - began


def sender(port: int, until: float, number: int) -> None:
    link = socket.create_connection(("127.0.0.1", port))
    answers = link.makefile("rb")

    def say(line: str, *codes: bytes) -> None:
        link.sendall(line.encode() + b"\r\n")
        while (answer := answers.readline())[3:4] == b"-":
            pass
        assert answer[:3] in codes, answer

    answers.readline()
    say("EHLO mx.example", b"250")
    while time.monotonic() < until:
        number += SENDERS
        head = f"{RESULTS}\r\nFrom: ada@customer.example\r\nTo: {ALIAS}\r\nSubject: Re: lamp\r\n"
        say("MAIL FROM:<ada@customer.example>", b"250")
        say(f"RCPT TO:<{ALIAS}>", b"250")
        say("DATA", b"354")
        say(f"{head}Message-ID: <{number}@customer.example>\r\n\r\n{TEXT}.", b"250")
    say("QUIT", b"221")
    link.close()


def send(port: int, seconds: float) -> None:
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=sender, args=(port, until, number)) for number in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main(seconds: float = 12.0) -> None:
    alone, whole = bare(seconds), mail_in(seconds)
    print(f"bare aiosmtpd, accepts and drops: {alone.rate:.0f} /s, {alone.cost:.1f} ms of one core each")
    print(f"mail-in, from SMTP to the service: {whole.rate:.0f} /s, {whole.cost:.1f} ms of one core each")
    print(f"ratio: {whole.rate / alone.rate:.2f}; goal at least 200 /s")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--send"]:
        send(int(sys.argv[2]), float(sys.argv[3]))
    else:
        main(*(float(each) for each in sys.argv[1:]))
