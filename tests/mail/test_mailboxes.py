"""A conversation between real mailboxes: Postfix and Dovecot, six services, broker, database, and mail-in."""

from __future__ import annotations

import os
import shutil
import smtplib
import subprocess
import sys
import tempfile
from email.message import EmailMessage
from pathlib import Path

import pytest
import requests
from imap_tools import MailBoxUnencrypted

from services.simulator import spawn
from tests.integration.live import Live, Shop, eventually
from tests.mail.conftest import RELAY
from tests.servers import shared_by_the_run
from tests.servers.mail import AUTHSERV, PASSWORD, MailServers
from tests.stack import ROOT, Stack, free_port

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]
TENANT = "postoffice"
CANARY = "the glass is from a bad batch"


class Person:
    """Somebody with a mail program."""

    def __init__(self, servers, address):
        self.servers, self.address = servers, address

    def read(self, words):
        """The newest mail in the mailbox with these words; waits for it."""

        def there():
            found = [mail for mail in self.all() if words in mail.text]
            assert found, f"no {words!r} for {self.address}"
            return found[-1]

        return eventually(there, 60)

    def all(self):
        with MailBoxUnencrypted("127.0.0.1", self.servers.imap).login(self.address, PASSWORD) as box:
            return list(box.fetch(mark_seen=False))

    def answer(self, mail, text):
        """As a mail program does: to Reply-To, with the references, above the quoted mail."""
        reply = EmailMessage()
        reply["From"], reply["To"] = self.address, mail.reply_to[0]
        reply["Subject"] = f"Re: {mail.subject}"
        reply["Message-ID"] = f"<{abs(hash((text, self.address)))}@{self.address.partition('@')[2]}>"
        reply["In-Reply-To"] = mail.headers["message-id"][0]
        reply["References"] = " ".join((*mail.headers["references"], *mail.headers["message-id"]))
        quoted = "\n".join(f"> {line}" for line in mail.text.splitlines())
        reply.set_content(f"{text}\n\nOn Tue, Nov 3, 2026 at 9:58 AM {mail.from_} wrote:\n\n{quoted}\n")
        with smtplib.SMTP("127.0.0.1", self.servers.smtp) as connection:
            connection.send_message(reply)


@pytest.fixture(scope="module")
def mail_in_port():
    return free_port()


@pytest.fixture(scope="module")
def mailboxes(mail_in_port):
    people = [f"{who}@{TENANT}.example" for who in ("ada", "sel_lamps", "sup_1", "coo_1")]
    folder = Path(tempfile.mkdtemp(prefix="aftersale-mail-"))  # pytest's own is closed to those who deliver
    folder.chmod(0o711)
    servers = MailServers(folder, RELAY, mail_in_port, people)
    yield servers
    servers.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def shop(mailboxes, mail_in_port, tmp_path_factory):
    servers = shared_by_the_run()
    with spawn() as simulator:
        settings = {
            "MAIL": "smtp",
            "SMTP_URL": f"smtp://127.0.0.1:{mailboxes.smtp}",
            "RELAY_DOMAIN": RELAY,
            "STRIPE_API_KEY": "sk_test_mailboxes",
            "STRIPE_API_BASE": simulator.provider_url,
            "STRIPE_WEBHOOK_SECRET": "whsec_mailboxes",
        }
        with Stack(servers, f"mail_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}", **settings) as stack:
            mail_in = start_mail_in(stack, mail_in_port, tmp_path_factory.mktemp("spool"))
            live = Live(stack.url(), stack.jwt_secret, servers.amqp_uri(vhost=stack.vhost), simulator)
            shop = Shop(live, TENANT)
            yield shop
            shop.close()
            mail_in.terminate()
            assert mail_in.wait(20) == 0


def start_mail_in(stack, smtp_port, folder):
    http = free_port()
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PORT": str(http),
        "SMTP_PORT": str(smtp_port),
        "SPOOL_DIR": str(folder),
        "RELAY_DOMAIN": RELAY,
        "MAIL_AUTHSERV": AUTHSERV,
        "MAIL_RELAYS": "127.0.0.0/8",
    }
    for service in ("messaging", "notification"):
        environment[f"{service.upper()}_URL"] = stack.url(service)
        environment[f"{service.upper()}_CALL_SECRET"] = stack.secrets[service]
    process = subprocess.Popen(
        [sys.executable, "-m", "services.cli", "mail-in"], cwd=ROOT, env=environment, start_new_session=True
    )
    eventually(lambda: requests.get(f"http://127.0.0.1:{http}/readyz", timeout=2).ok, 30)
    return process


@pytest.mark.capability("S0-10", "S0-11", "S0-15", "S0-16", "S1-30", "S1-31", "I5", "T28")
def test_question_masked_answer_private_word_to_the_supplier_his_answer_public_answer_close(shop, mailboxes):
    ada, leon, glas = (Person(mailboxes, shop.address(name)) for name in ("ada", "sel_lamps", "sup_1"))
    claim = shop.report(shop.order(profile="discussion"))
    thread = eventually(lambda: shop.seller.get(f"/v1/threads?claim_id={claim['id']}")["items"])[0]
    path = f"/v1/threads/{thread['id']}/messages"

    leon.answer(leon.read("The lamp came in pieces."), "Which part broke?")
    asked = ada.read("Which part broke?")
    assert leon.address not in str(asked.obj)
    assert asked.reply_to[0].startswith("c.")
    ada.answer(asked, "The glass shade.")
    leon.read("The glass shade.")

    shop.coordinator.post(f"/v1/claims/{claim['id']}/observers", {"kind": "supplier", "id": "sup_1"})
    eventually(lambda: shop.supplier.get(path)["items"])
    shop.seller.post(path, {"text": "Do you know this fault?", "visibility": "private"})
    glas.answer(glas.read("Do you know this fault?"), f"Yes: {CANARY}.")
    leon.read(CANARY)
    shop.seller.post(path, {"text": "A new shade leaves tomorrow.", "visibility": "public"})
    # its mail follows when the two minutes are over in which comments are gathered (NTF-02)
    assert "A new shade leaves tomorrow." in str(shop.customer.get(path))

    said = {m["text"]: m for m in eventually(lambda: shop.coordinator.get(path)["items"])}
    assert said["Which part broke?"]["via"] == said["The glass shade."]["via"] == "email"
    assert said["The glass shade."]["author"] == {"type": "customer", "id": shop.ref("ada")}
    assert said[f"Yes: {CANARY}."]["visibility"] == "private"
    assert CANARY not in str(shop.customer.get(path))
    assert not [mail for mail in ada.all() if CANARY in str(mail.obj)]
    roots = {mail.headers["references"][0] for mail in ada.all() if mail.headers["message-id"][0].startswith("<msg_")}
    assert len(roots) == 1
    results = shop.seller.post("/v1/threads:close", {"thread_ids": [thread["id"]]})["results"]
    assert [each["thread_id"] for each in results] == [thread["id"]]
    listed = shop.caller("integrator", "key_lamps", "sel_lamps").get("/v1/orders")["items"]
    assert all(each["contact_alias"].endswith(f"@{RELAY}") for each in listed)
