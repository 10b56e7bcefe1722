"""A suite with masked mail, its mail-in without sockets, and the addresses that the corpus writes to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from services.mailin.authenticity import Envelope, Judge
from services.mailin.desk import Desk
from services.mailin.forwarding import Forwarder
from services.mailin.spool import Spool
from services.notification.adapters.folder import list_mails, read_mail
from services.notification.app import mail_folder
from shared.kernel.calls import Answer, Call
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

    def call_all(self, calls: Sequence[Call], timeout: float) -> Sequence[Answer]:
        return owner_of(self._suite.apps, calls[0].name).execute(calls)


class Post:
    """Mail that comes in to a suite, handed on without sockets."""

    def __init__(self, suite: Suite, folder: Any, readers: ThreadPoolExecutor, judge: Judge | None = None) -> None:
        self.suite = suite
        self.spool = Spool(folder)
        client, blobs = InProcess(suite), suite.apps["messaging"].ports.blobs
        judge = judge or Judge("mx.shop.example", "127.0.0.0/8")
        self.desk = Desk(client, client)
        self.forwarder = Forwarder(self.spool, self.desk, judge, blobs, RELAY, (RELAY, OURS), readers)
        self.forwarder.now = suite.clock.now
        self._number = 0

    def letter(self, sender: str, to: str, text: str, headers: str = "", proved: bool = True) -> bytes:
        """A short mail, as its source; proved: our MX found it authentic."""
        domain = sender.rpartition("@")[2]
        told = f"Authentication-Results: mx.shop.example; dkim=pass header.d={domain}\n" if proved else ""
        self._number += 1
        head = f"From: {sender}\nTo: {to}\nSubject: Hello\nMessage-ID: <{self._number}@{domain}>\n{headers}\n"
        return (told + head + text).encode()

    def arrives(self, raw: bytes, *recipients: str, mail_from: str = "someone@customer.example") -> None:
        """The mail is taken over SMTP from our own MX, and handed on."""
        name = self.spool.put(list(recipients), Envelope(mail_from, "127.0.0.1", "mx.shop.example"), raw)
        assert self.forwarder.forward(name)
        assert not list(self.spool.waiting())

    def mails(self, **filters: Any) -> list[dict[str, Any]]:
        return self.suite.do("mail.list", agent(), **filters)["items"]

    def sent(self, to: str) -> list[Any]:
        """The mails that left for this address, oldest first."""
        self.suite.settle()
        folder = mail_folder(self.suite.settings)
        found = [read_mail(folder, each.name) for each in reversed(list_mails(folder, 1000))]
        return [mail for mail in found if to in str(mail["To"])]

    def failed(self) -> list[str]:
        return [path.name for path in (self.spool.folder / "failed").iterdir()]


class MailRoom(Post):
    """One thread of Ada's with the supplier on it, and everybody's alias on it."""

    def __init__(self, suite: Suite, folder: Any, readers: ThreadPoolExecutor, judge: Judge | None = None) -> None:
        super().__init__(suite, folder, readers, judge)
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
        """A short genuine mail of one of the parties."""
        return self.letter(PARTIES[who][1], to, text, headers, proved)

    def texts(self, who: Any = None) -> list[str]:
        found = self.suite.do("thread.messages", who or agent(), thread_id=self.thread_id, limit=200)
        return [message["text"] for message in found["items"]]


@pytest.fixture(scope="session")
def readers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture
def room(suite_of: Callable[..., Suite], tmp_path: Any, readers: ThreadPoolExecutor) -> MailRoom:
    suite = suite_of("order", "messaging", "notification", relay_domain=RELAY, mail="folder")
    return MailRoom(suite, tmp_path / "spool", readers)
