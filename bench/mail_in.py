"""How many mails a second one mail-in process takes, beside a bare aiosmtpd that accepts them and drops them.

python -m bench.mail_in [SECONDS]: of each half. SMTP, disk, reading in the worker processes, the messaging service in a
process of its own on PostgreSQL and RabbitMQ, where every mail becomes a message; those who send are another process.
Both halves see the same machine: the ratio says what mail-in adds.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import orjson
import psycopg2

from bench.processes import cpu_seconds
from services.mailin.authenticity import Judge
from services.mailin.desk import Desk
from services.mailin.forwarding import Forwarder
from services.mailin.parsing import parse_all
from services.mailin.process import PATIENCE, READERS
from services.mailin.smtp import SmtpServer, Takes
from services.mailin.spool import Spool
from services.messaging.app import build
from services.messaging.mail_model import MOST_PER_HOUR
from shared.edge.calls import CallClient
from shared.kernel.calls import Call
from shared.kernel.ids import new_id
from shared.kernel.principal import Principal
from shared.ops.settings import Settings
from shared.runtime.envelope import Envelope
from shared.storage.blobs import FolderBlobs
from tests.servers import obtain
from tests.stack import Stack

RELAY = "reply.shop.example"
ALIAS = f"c.aaaaaaaaaaaaaaaaaa@{RELAY}"
SENDERS = 32
QUOTE = "\r\n".join(f"> line {number} of what was written before" for number in range(40))
INTRO = f"On Tue, Nov 3, 2026 at 9:58 AM Shop <{ALIAS}> wrote:"
TEXT = f"Thank you, brass please.\r\n\r\n{INTRO}\r\n\r\n> -- Reply above this line --\r\n{QUOTE}\r\n"
SENDER = "ada@customer.example"
ADA = Principal("customer", "usr_1", "shop", party="cus_1")
FASTEST, BULK = 500, 200  # mails a second at most; claims that are made at once
CLAIM = {
    "number": "C-1001",
    "category": "after_sales",
    "profile": "coordinated",
    "order_id": "ord_1",
    "requester": {"type": "customer", "id": "cus_1"},
    "customer_ref": "cus_1",
    "seller_id": "sel_1",
    "handler": "coordinators",
    "reason_code": "damaged_items",
    "title": "Broken lamp",
    "supplier_ids": [],
}
RESULTS = "Authentication-Results: mx.example; dkim=pass header.d=customer.example"


@dataclass(frozen=True)
class Found:
    """rate: mails a second. cost: milliseconds of one core each in the mail-in process, without its readers; service:
    those of messaging."""

    rate: float
    cost: float
    service: float = 0.0


class Drops:
    """What takes every mail and forgets it."""

    def __init__(self) -> None:
        self.received = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.received += 1
        return "250 2.0.0 OK"


def mail_in(seconds: float) -> Found:
    most = int(seconds * FASTEST)
    with obtain() as servers, Stack(servers, "mail", ("messaging",), RELAY_DOMAIN=RELAY) as stack:
        with tempfile.TemporaryDirectory() as folder:
            aliases = _correspondents(stack, most // MOST_PER_HOUR + 1)
            before = cpu_seconds(stack)["messaging"]
            took, cost = _taken_in(stack, Path(folder), aliases, seconds)
            service = cpu_seconds(stack)["messaging"] - before
        posted = _posted(stack)
    return Found(posted / took, 1000 * cost / max(1, posted), 1000 * service / max(1, posted))


def _taken_in(stack: Stack, folder: Path, aliases: list[str], seconds: float) -> tuple[float, float]:
    """Everything sent is handed on; the seconds that this took, and the processor seconds of this process."""
    client = CallClient("messaging", stack.url("messaging"), stack.secrets["messaging"], queries=1, patience=PATIENCE)
    with ProcessPoolExecutor(READERS, get_context("spawn")) as readers:
        spool, desk = Spool(folder), Desk(client)
        judge, blobs = Judge("mx.example", "127.0.0.0/8"), FolderBlobs(folder)
        forwarder = Forwarder(spool, desk, judge, blobs, RELAY, (RELAY,), readers)
        wait([readers.submit(parse_all, []) for _ in range(READERS)])  # they have started
        forwarder.start()
        began, used = time.monotonic(), time.process_time()
        _send(_listening(Takes(spool, desk, RELAY)), seconds, aliases)
        while list(spool.waiting()):
            time.sleep(0.05)
        took, used = time.monotonic() - began, time.process_time() - used
        forwarder.stop()
    return took, used


def _correspondents(stack: Stack, number: int) -> list[str]:
    """The addresses of Ada on so many claims: of each sender and address only a few mails an hour are taken."""
    app = build(Settings(database=stack.databases["messaging"], relay_domain=RELAY))
    told = [_event("recipient.recorded", "cus_1", {"party": "customer", "ref": "cus_1", "email": SENDER})]
    for n in range(number):
        opening = {"message_id": f"msg_{n}", "text": "The lamp arrived in pieces."}
        told.append(_event("claim.opened", f"clm_{n}", {**CLAIM, "claim_id": f"clm_{n}", "message": opening}))
    for start in range(0, len(told), BULK):
        app.inbox.receive(told[start : start + BULK])
    found: list[str] = []
    for start in range(0, number, BULK):
        threads = [f"thr_{n}" for n in range(start, min(number, start + BULK))]
        answer = app.execute([Call("alias.issue_many", {"thread_ids": threads}, ADA)])[0]
        found += [each["alias"]["address"] for each in answer.body["results"]]
    app.database.dispose()
    return found


def _event(type: str, id: str, data: dict[str, Any]) -> Envelope:
    now, body = datetime.now(UTC), orjson.dumps(data)
    return Envelope(new_id("evt"), type, id, 1, ADA.tenant, now, "customer/cus_1/ui", "req_bench", None, body)


def _posted(stack: Stack) -> int:
    """How many mails became messages; anything else is a mistake of the benchmark."""
    with psycopg2.connect(stack.databases["messaging"]) as connection, connection.cursor() as cursor:
        cursor.execute("select state, reason, count(*) from inbound_mail group by 1, 2")
        found = {(state, reason): number for state, reason, number in cursor.fetchall()}
    if set(found) != {("posted", None)}:
        raise RuntimeError(f"not every mail became a message: {found}")
    return found["posted", None]


def bare(seconds: float) -> Found:
    drops = Drops()
    used = time.process_time()
    took = _send(_listening(drops), seconds, [ALIAS])
    return Found(drops.received / took, 1000 * (time.process_time() - used) / max(1, drops.received))


def _listening(takes: Any) -> int:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    return asyncio.run_coroutine_threadsafe(SmtpServer(takes, RELAY).listen("127.0.0.1", 0), loop).result(10)


def _send(port: int, seconds: float, aliases: list[str]) -> float:
    """Senders of another process write for so long, to each address in turn; the seconds it really took."""
    began = time.monotonic()
    command = [sys.executable, "-m", "bench.mail_in", "--send", str(port), str(seconds)]
    subprocess.run(command, input="\n".join(aliases), text=True, check=True)
    return time.monotonic() - began


def sender(port: int, until: float, number: int, aliases: list[str]) -> None:
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
        alias = aliases[number % len(aliases)]
        head = f"{RESULTS}\r\nFrom: {SENDER}\r\nTo: {alias}\r\nSubject: Re: lamp\r\n"
        say(f"MAIL FROM:<{SENDER}>", b"250")
        say(f"RCPT TO:<{alias}>", b"250")
        say("DATA", b"354")
        say(f"{head}Message-ID: <{number}@customer.example>\r\n\r\n{TEXT}.", b"250")
    say("QUIT", b"221")
    link.close()


def send(port: int, seconds: float, aliases: list[str]) -> None:
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=sender, args=(port, until, number, aliases)) for number in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main(seconds: float = 12.0) -> None:
    alone, whole = bare(seconds), mail_in(seconds)
    print(f"bare aiosmtpd, accepts and drops: {alone.rate:.0f} /s, {alone.cost:.1f} ms of one core each")
    print(f"mail-in, from SMTP to the message: {whole.rate:.0f} /s, {whole.cost:.1f} ms of one core each,", end=" ")
    print(f"{whole.service:.1f} ms in messaging")
    print(f"ratio: {whole.rate / alone.rate:.2f}; goal at least 200 /s")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--send"]:
        send(int(sys.argv[2]), float(sys.argv[3]), sys.stdin.read().split())
    else:
        main(*(float(each) for each in sys.argv[1:]))
