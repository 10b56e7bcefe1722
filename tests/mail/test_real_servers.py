"""Through a real Postfix and a real Dovecot, in front of services joined in this process: reports, loops, polling."""

from __future__ import annotations

import shutil
import smtplib
import socket
import tempfile
import threading
from email.message import EmailMessage
from pathlib import Path

import pytest
from imap_tools import MailBoxUnencrypted

from services.mailin.authenticity import Judge
from services.mailin.desk import Desk
from services.mailin.imap import Mailbox
from tests.integration.live import eventually
from tests.mail.conftest import PARTIES, RELAY, InProcess, MailRoom
from tests.mail.test_server import Door
from tests.servers.mail import AUTHSERV, PASSWORD, MailServers
from tests.stack import free_port
from tests.suite import agent, seller

pytestmark = [pytest.mark.servers, pytest.mark.timeout(120)]
ADA, CATCHALL = "ada@customer.example", "all@relay.example"


@pytest.fixture(scope="module")
def door_port():
    return free_port()


@pytest.fixture(scope="module")
def servers(door_port):
    folder = Path(tempfile.mkdtemp(prefix="aftersale-mail-"))  # pytest's own is closed to those who deliver
    folder.chmod(0o711)
    found = MailServers(folder, RELAY, door_port, [CATCHALL, *(address for _, address, _ in PARTIES.values())])
    yield found
    found.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def room(suite_of, tmp_path, readers, servers):
    settings = {"relay_domain": RELAY, "mail": "smtp", "smtp_url": f"smtp://127.0.0.1:{servers.smtp}"}
    suite = suite_of("order", "messaging", "notification", **settings)
    return MailRoom(suite, tmp_path / "spool", readers, Judge(AUTHSERV, "127.0.0.0/8"))


@pytest.fixture
def door(room, door_port):
    found = Door(room.spool, Desk(InProcess(room.suite)), door_port)
    yield found
    found.close()


def hand_in(servers, sender, recipient, raw):
    with smtplib.SMTP("127.0.0.1", servers.smtp) as connection:
        connection.sendmail(sender, [recipient], raw)


def handed_on(room):
    """The next mail that the door took is handed on; its source."""
    [name] = eventually(lambda: _some(list(room.spool.waiting())), 30)
    raw = room.spool.read(name).raw
    assert room.forwarder.forward(name)
    room.suite.settle()
    return raw


def _some(found):
    assert found
    return found


@pytest.mark.capability("T27", "S0-10")
def test_a_mail_that_cannot_be_delivered_comes_back_to_the_message_it_carried(room, door):
    gone = {"party": "customer", "ref": "cus_1", "name": "Ada", "email": "nobody@customer.example", "locale": "en"}
    room.suite.do("contact.record", agent(), **gone)
    room.suite.advance(minutes=3)
    said = room.suite.do("message.post", seller(), thread_id=room.thread_id, text="Is anybody there?")
    room.suite.settle()
    assert b"report-type=delivery-status" in handed_on(room)
    told = room.suite.do("notification.list", agent(), limit=200)["items"]
    [mail] = [each for each in told if each["message_id"] == said["id"]]
    assert (mail["state"], mail["recipient"]["ref"]) == ("bounced", "cus_1")
    assert room.mails() == []
    assert room.texts() == ["What broke?", "Is anybody there?"], "a report is no answer"


@pytest.mark.capability("T27", "R41", "S0-15")
def test_a_person_is_let_in_and_what_answers_by_itself_is_not(room, door, servers):
    address = room.aliases["customer"]
    hand_in(servers, ADA, address, room.mail(address, "The shade.", proved=False))
    handed_on(room)
    assert room.texts()[-1] == "The shade."
    away = room.mail(address, "I am away.", headers="Auto-Submitted: auto-replied", proved=False)
    for sender, raw in ((ADA, away), ("", room.mail(address, "A machine.", proved=False))):
        hand_in(servers, sender, address, raw)
        handed_on(room)
    assert room.texts()[-1] == "The shade."
    assert {mail["reason"] for mail in room.mails(state="ignored")} == {"auto_submitted", "null_return_path"}


# polling


@pytest.fixture
def mailbox(servers, room):
    with MailBoxUnencrypted("127.0.0.1", servers.imap).login(CATCHALL, PASSWORD) as box:
        box.delete(box.uids())
    return Mailbox(f"imap://{CATCHALL.replace('@', '%40')}:{PASSWORD}@127.0.0.1:{servers.imap}/INBOX", room.spool)


def delivered(servers, count):
    def there():
        with MailBoxUnencrypted("127.0.0.1", servers.imap).login(CATCHALL, PASSWORD) as box:
            return len(box.uids()) == count

    eventually(there, 30)


def forward_all(room):
    for name in list(room.spool.waiting()):
        assert room.forwarder.forward(name)
    room.suite.settle()


@pytest.mark.capability("S0-15")
def test_a_mailbox_is_read_once_whatever_restarts(room, servers, mailbox):
    address = room.aliases["customer"]
    hand_in(servers, ADA, CATCHALL, room.mail(address, "By the mailbox.", proved=False))
    delivered(servers, 1)
    assert mailbox.fetch() == 1
    forward_all(room)
    assert room.texts()[-1] == "By the mailbox."
    assert mailbox.fetch() == 0
    with MailBoxUnencrypted("127.0.0.1", servers.imap).login(CATCHALL, PASSWORD) as box:
        box.flag(box.uids(), "\\Seen", False)  # as after a crash between storing and marking
    assert mailbox.fetch() == 1
    forward_all(room)
    assert room.texts().count("By the mailbox.") == 1
    assert len(room.mails()) == 1


def test_broken_mails_in_the_mailbox_hold_up_no_other(room, servers, mailbox):
    address = room.aliases["customer"]
    part = b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n'
    nested = b"From: a@b.example\r\n" + b"".join(part % (n, n) for n in range(500))
    broken = [b"\r\n", b"\xff\xfe no header at all", b"From: \xc3\r\nTo: <\r\n\r\n=?", nested]
    with MailBoxUnencrypted("127.0.0.1", servers.imap).login(CATCHALL, PASSWORD) as box:
        for raw in broken:
            box.append(raw, "INBOX")
    hand_in(servers, ADA, CATCHALL, room.mail(address, "After the broken ones.", proved=False))
    delivered(servers, len(broken) + 1)
    assert mailbox.fetch() == len(broken) + 1
    forward_all(room)
    assert room.texts()[-1] == "After the broken ones."
    assert room.failed() == []


def test_a_mail_that_the_server_cannot_give_stays_and_holds_up_no_other(room, servers, mailbox, monkeypatch):
    import imaplib

    for text in ("First.", "Second."):
        hand_in(servers, ADA, CATCHALL, room.mail(room.aliases["customer"], text, proved=False))
    delivered(servers, 2)
    real, calls = imaplib.IMAP4.uid, []

    def uid(self, command, *args):
        if command == "FETCH" and not calls:
            calls.append(args)
            raise imaplib.IMAP4.error("BODY[] failed")
        return real(self, command, *args)

    with monkeypatch.context() as patched:
        patched.setattr(imaplib.IMAP4, "uid", uid)
        assert mailbox.fetch() == 1
    assert mailbox.fetch() == 1
    forward_all(room)
    assert sorted(room.texts()[1:]) == ["First.", "Second."]


def test_a_server_that_says_nothing_is_left_and_asked_again(room, servers, mailbox):
    silent = socket.create_server(("127.0.0.1", 0))
    url = f"imap://all:secret@127.0.0.1:{silent.getsockname()[1]}/INBOX"
    asked = threading.Event()
    stuck = Mailbox(url, room.spool, every=0.01, timeout=0.2)
    threading.Thread(target=lambda: [silent.accept() for _ in range(3)] and asked.set(), daemon=True).start()
    stuck.start()
    assert asked.wait(20), "it gives up, and tries again"
    stuck.stop()
    assert not stuck._thread.is_alive()
    silent.close()
    assert list(room.spool.waiting()) == []


def test_an_empty_mailbox_costs_nothing_and_what_comes_later_is_found(room, servers, mailbox):
    assert mailbox.fetch() == 0
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = ADA, room.aliases["customer"], "Hello"
    mail["Message-ID"] = "<later@customer.example>"
    mail.set_content("Later.")
    hand_in(servers, ADA, CATCHALL, mail.as_bytes())
    delivered(servers, 1)
    mailbox._every = 0.05
    mailbox.start()
    eventually(lambda: _some(list(room.spool.waiting())), 30)
    mailbox.stop()
    forward_all(room)
    assert room.texts()[-1] == "Later."
