"""`aftersale demo`: start everything, load the past once, say what runs and what to try, stop when told to."""

from __future__ import annotations

import errno
import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from services.demo.folder import Folder, FolderInUse
from services.demo.joined import PAYPAL_WEBHOOK, JoinedSuite, demo_settings, start_outside
from services.demo.schema import SchemaFailed, prepare_databases
from services.demo.welcome import Progress, welcome
from services.gateway.app import STREAMED
from services.simulator import Simulator
from shared.edge.http_server import HttpServer
from shared.ops.settings import Settings

HOOK = "/hooks/stripe"
EVERYWHERE = ("0.0.0.0", "::", "")  # addresses to listen on, but none to call


class CannotStart(Exception):
    """Something is in the way; the sentence says what, and what to do."""


def run() -> int:
    """Run until Ctrl-C or SIGTERM; the exit code."""
    started = time.monotonic()
    told: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda signum, _frame: told.append(signum))
    progress = Progress(sys.stdout)
    try:
        running = _start(Settings.from_environment(), progress, told)
    except (CannotStart, SchemaFailed) as problem:
        progress.clear()
        print(problem, file=sys.stderr)
        return 1
    progress.clear()
    if running is not None:
        print(welcome(running.folder, started), flush=True)
        while not told:
            time.sleep(0.1)
        running.stop()
    print("\nStopped. The data stays; the next start goes on where this one ended.", flush=True)
    return 0


class Running:
    """What has to be stopped, in the order of stopping."""

    def __init__(self, folder: Folder, suite: JoinedSuite, server: HttpServer, outside: Simulator) -> None:
        self.folder, self.suite, self.server, self.outside = folder, suite, server, outside

    def stop(self) -> None:
        self.suite.gateway.stopping = True
        self.server.stop(timeout=0.5)
        self.suite.stop()
        self.outside.stop()


def _start(base: Settings, progress: Progress, told: list[int]) -> Running | None:
    """Everything up and loaded; None when it was told to stop meanwhile."""
    folder = _take_folder(base.data_dir)
    listener = _listen(base.host, base.port)
    log_ins = folder.log_ins()
    prepare_databases(folder, progress.say)
    progress.say("starting payment provider and mail catcher")
    outside = start_outside(folder, base.port)
    progress.say("starting order, claim, messaging, refund, notification and gateway")
    suite = JoinedSuite(demo_settings(folder, outside, base))
    if not folder.loaded and not _load(folder, suite, outside, progress, told):
        outside.stop()
        return None
    listener.application = suite.gateway
    url = f"http://{base.host if base.host not in EVERYWHERE else '127.0.0.1'}:{listener.port}"
    _register_webhook(outside, url + HOOK, folder.notes["stripe_webhook_secret"])
    folder.save(url=url, mail_url=outside.mail_url, provider_url=outside.provider_url, pid=os.getpid(), people=log_ins)
    suite.start()
    listener.start()
    return Running(folder, suite, listener, outside)


def _take_folder(path: Path) -> Folder:
    folder = Folder(path)
    try:
        folder.take()
    except FolderInUse as used:
        raise CannotStart(
            f"The demo runs already from {folder.path}{f', at {used}' if str(used) else ''}.\n"
            "Use that one, stop it with Ctrl-C, or start a second one from another folder:\n"
            "  make run PORT=8100 DATA_DIR=data-2"
        ) from None
    except OSError as failed:
        raise CannotStart(f"{folder.path} cannot be used: {failed.strerror}. Name another folder: DATA_DIR=…") from None
    return folder


def _listen(host: str, port: int) -> HttpServer:
    """The port is taken first of all: who asks early waits, and a taken port is told at once."""
    try:
        return HttpServer(_not_yet, host, port, streamed=STREAMED)
    except OSError as failed:
        if failed.errno != errno.EADDRINUSE:
            raise CannotStart(f"Port {port} cannot be used: {failed.strerror}. Choose another: PORT=8001") from None
        raise CannotStart(
            f"Port {port} is taken by another program. Start on another one:\n  make run PORT={port + 1}"
        ) from None


def _not_yet(environ: dict[str, Any], start_response: Callable) -> list[bytes]:
    raise RuntimeError("the server is started after its application is there")


def _load(folder: Folder, suite: JoinedSuite, outside: Simulator, progress: Progress, told: list[int]) -> bool:
    """Play the past; False when it was interrupted, and the next start begins anew."""
    from services.demo.loading import play
    from services.demo.tales import tales

    now, steps = datetime.now(UTC), 0

    def walk_to(at: datetime) -> None:
        nonlocal steps
        steps += 1
        progress.say(f"loading demo data: {at:%d %B}, step {steps}")
        suite.clock.walk_to(at)
        if told:
            raise KeyboardInterrupt

    try:
        play(tales(outside.payment), now, suite.execute, walk_to, suite.joined.settle)
    except KeyboardInterrupt:
        return False
    suite.clock.arrive()
    suite.joined.settle()
    folder.save(loaded=now.isoformat())
    return True


def _register_webhook(outside: Simulator, url: str, secret: str) -> None:
    """The provider tells the gateway what became of refunds; anew at each start, for the port may have moved."""
    outside.control("DELETE", "webhooks")
    outside.webhook(url, secret=secret)
    payments = url.replace(HOOK, "/hooks/payments/stripe")
    outside.webhook(payments, secret=secret, events=["checkout.session.completed", "checkout.session.expired"])
    outside.webhook(url.replace(HOOK, "/hooks/paypal"), provider="paypal", id=PAYPAL_WEBHOOK)
    outside.webhook(url.replace(HOOK, "/hooks/payments/paypal"), provider="paypal", events=["CHECKOUT.ORDER.APPROVED"])
