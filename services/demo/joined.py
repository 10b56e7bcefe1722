"""The suite as one process runs it: five services on SQLite files, joined directly, behind the gateway."""

from __future__ import annotations

import socket
import time
from datetime import timedelta
from importlib import import_module
from typing import Any

from services.demo.clock import WalkingClock
from services.demo.folder import Folder
from services.simulator import Simulator, spawn
from shared.ops.settings import SERVICES, Settings
from shared.runtime import virtual_clock
from shared.runtime.app import App
from shared.runtime.direct import Joined
from shared.runtime.unit_of_work import JOB_LEASE

PAYPAL_WEBHOOK = "WH-DEMO"
STRIPE_KEY = "sk_test_demo_0001"  # the simulator takes any key of this form; real ones never come near the demo
OUTSIDE_PORTS = (10, 26, 25)  # from the gateway's: provider, SMTP, mails page; any free one where that is taken


def demo_settings(folder: Folder, outside: Simulator, base: Settings) -> Settings:
    """The settings of every part: whatever the environment says of databases, brokers and providers stays out."""
    return Settings(
        data_dir=folder.path,
        host=base.host,
        port=base.port,
        public_url=f"http://127.0.0.1:{base.port}",
        virtual_clock=True,
        mail="smtp",
        smtp_url=f"smtp://127.0.0.1:{outside.ports.smtp}",
        mail_domain="maison.example",
        mail_from="Maison <bonjour@maison.example>",
        stripe_api_key=STRIPE_KEY,
        stripe_api_base=outside.provider_url,
        stripe_webhook_secret=folder.notes["stripe_webhook_secret"],
        paypal_client_id="demo",
        paypal_client_secret="demo",
        paypal_api_base=outside.provider_url,
        paypal_webhook_id=PAYPAL_WEBHOOK,
        link_secret=folder.notes.get("link_secret") or folder.notes["stripe_webhook_secret"],
        api_keys_file=str(folder.api_keys),
    )


def start_outside(folder: Folder, port: int) -> Simulator:
    """The payment provider and the mail catcher, as a process of their own that ends with this one."""
    provider, smtp, mails = (_free_or_any(port + step) for step in OUTSIDE_PORTS)
    return spawn(provider_port=provider, smtp_port=smtp, mail_port=mails, data=folder.path / "outside")


def _free_or_any(port: int) -> int:
    """This port; 0, which takes any, when something else has it. What a killed demo left needs a moment to end."""
    for _ in range(10):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                time.sleep(0.1)
            else:
                return port
    return 0


class JoinedSuite:
    """The services and what joins them. `clock` is everybody's."""

    def __init__(self, settings: Settings) -> None:
        self.clock = WalkingClock()
        self.apps: dict[str, App] = {
            name: import_module(f"services.{name}.app").build(settings, self.clock) for name in SERVICES
        }
        self.joined = Joined(self.apps.values())
        self.clients = import_module("services.gateway.clients").DirectClients(self.joined)
        self.gateway = import_module("services.gateway.app").build(settings, self.clients)

    def execute(self, call: Any) -> Any:
        """One command or query, answered by the service that owns it."""
        owner = import_module("services.gateway.clients").owner_of(call.name)
        return self.clients.call(owner, call)

    def start(self) -> None:
        """Go on with what was left: events not delivered, jobs and timers due; then with whatever comes."""
        for app in self.apps.values():
            virtual_clock.install(app, self.clock)
        for app in self.apps.values():
            _take_back_leases(app)
        self.joined.start()

    def stop(self) -> None:
        self.joined.stop(timeout=0.5)
        for app in self.apps.values():
            app.database.dispose()


def _take_back_leases(app: App) -> None:
    """Jobs that the former process held are due now: the folder's lock says that it is gone."""
    job, now = app.storage.runtime.job, app.clock.now()
    held = (job.c.state == "ready") & (job.c.due_at > now) & (job.c.due_at <= now + JOB_LEASE + timedelta(seconds=1))
    with app.database.transaction() as connection:
        connection.execute(job.update().where(held).values(due_at=now))
