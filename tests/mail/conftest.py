"""A suite with masked mail, its mail-in without sockets, and the addresses that the corpus writes to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from services.mailin.authenticity import Envelope, Judge
from services.mailin.desk import Desk
from services.mailin.forwarding import Forwarder
from services.mailin.spool import Spool
from shared.runtime.calls import Answer, Call
from tests.suite import Suite, agent, customer, integrator, order_args, owner_of, seller, supplier

RELAY, OURS = "reply.shop.example", "aftersale.example"
PARTIES = {
    "customer": ("cus_1", "ada@customer.example", customer()),
    "seller": ("sel_1", "leon@lampes.example", seller()),
    "supplier": ("sup_1", "kontakt@glas.example", supplier()),
}


class InProcess:
    """The services of a suite, as mail-in calls them."""

    def __init__(self, suite: Suite) -> None:
        self._suite = suite

    def call(self, call: Call, timeout: float) -> Answer:
        return owner_of(self._suite.apps, call.name).execute([call])[0]


class MailRoom:
    """One claim of Ada's with the supplier on it, everybody's alias on its thread, and mail that comes in."""

    def __init__(self, suite: Suite, folder: Any, readers: ThreadPoolExecutor) -> None:
        self.suite = suite
        for party in ("seller", "supplier"):
            ref, email, _ = PARTIES[party]
            suite.do("contact.record", agent(), party=party, ref=ref, name=party.title(), email=email)
        suite.do("sender.register", seller(), party="seller", ref="sel_1", domains=["lampes.example"])
        order = suite.do("order.place", integrator(), **order_args())
        suite.settle()
        self.order_id = order["id"]
        self.thread_id = suite.do("thread.open", seller(), order_id=order["id"], text="What broke?")["id"]
        self._include_supplier()
        suite.settle()
        self.aliases = {party: self.alias(party) for party in PARTIES}
        self.spool = Spool(folder)
        client = InProcess(suite)
        judge = Judge("mx.shop.example", "127.0.0.0/8")
        self.forwarder = Forwarder(
            self.spool, Desk(client, client), judge, suite.apps["messaging"].ports.blobs, RELAY, (RELAY, OURS), readers
        )
        self.forwarder.now = suite.clock.now

    def _include_supplier(self) -> None:
        """On a thread of an order nobody is included by the API: as if the claim service had done it."""
        from services.messaging.access import inclusion_id
        from services.messaging.model import Inclusion
        from shared.kernel.principal import system
        from shared.runtime.unit_of_work import Context, unit_of_work

        app = self.suite.apps["messaging"]
        with unit_of_work(app.storage, app.database, self.suite.clock.now()) as work:
            context = Context(work, system("shop"), "req_test")
            id = inclusion_id(self.thread_id, "supplier", "sup_1")
            seat = Inclusion(id=id, tenant="shop", thread_id=self.thread_id, kind="supplier", ref="sup_1")
            context.save(seat)
            work.merge(context.step)

    def alias(self, party: str) -> str:
        who = PARTIES[party][2]
        [found] = self.suite.do("alias.issue_many", who, thread_ids=[self.thread_id])["results"]
        return found["alias"]["address"]

    def mail(self, to: str, text: str, who: str = "customer", headers: str = "", proved: bool = True) -> bytes:
        """A short genuine mail, as its source."""
        address = PARTIES[who][1]
        domain = address.rpartition("@")[2]
        told = f"Authentication-Results: mx.shop.example; dkim=pass header.d={domain}\n" if proved else ""
        self._number = getattr(self, "_number", 0) + 1
        head = f"From: {address}\nTo: {to}\nSubject: Hello\nMessage-ID: <{self._number}@{domain}>\n{headers}\n"
        return (told + head + text).encode()

    def arrives(self, raw: bytes, *recipients: str, mail_from: str = "someone@customer.example") -> None:
        """The mail is taken over SMTP from our own MX, and handed on."""
        name = self.spool.put(list(recipients), Envelope(mail_from, "127.0.0.1", "mx.shop.example"), raw)
        assert self.forwarder.forward(name)
        assert not list(self.spool.waiting())

    def mails(self, **filters: Any) -> list[dict[str, Any]]:
        return self.suite.do("mail.list", agent(), **filters)["items"]

    def texts(self, who: Any = None) -> list[str]:
        found = self.suite.do("thread.messages", who or agent(), thread_id=self.thread_id, limit=200)
        return [message["text"] for message in found["items"]]

    def failed(self) -> list[str]:
        return [path.name for path in (self.spool.folder / "failed").iterdir()]


@pytest.fixture(scope="session")
def readers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture
def room(suite_of: Callable[..., Suite], tmp_path: Any, readers: ThreadPoolExecutor) -> MailRoom:
    suite = suite_of("order", "messaging", "notification", relay_domain=RELAY, mail="folder")
    return MailRoom(suite, tmp_path / "spool", readers)
