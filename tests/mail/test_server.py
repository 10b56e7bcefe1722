"""The doors of mail-in: SMTP that refuses at RCPT and says 250 only when the mail is on disk; the signed webhook."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import smtplib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from aiosmtpd.smtp import SMTP

from services.mailin.authenticity import Envelope
from services.mailin.desk import Desk, NoAnswer
from services.mailin.http import Hook, signed
from services.mailin.parsing import parse
from services.mailin.smtp import Conversation, SmtpServer, Takes
from services.mailin.spool import Spool
from shared.contracts.mail import LONGEST_MAIL
from shared.kernel.calls import Answer
from tests.mail.conftest import RELAY, InProcess

SECRET = "a-secret-of-the-mail-provider"


class Door:
    """The SMTP server on a loop in a thread."""

    def __init__(self, spool, desk, port=0):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.server = SmtpServer(Takes(spool, desk, RELAY), RELAY)
        listening = asyncio.run_coroutine_threadsafe(self.server.listen("127.0.0.1", port), self.loop)
        self.port = listening.result(10)

    def connect(self):
        return smtplib.SMTP("127.0.0.1", self.port, timeout=10)

    def close(self):
        self.loop.call_soon_threadsafe(self.server.close)
        self.loop.call_soon_threadsafe(self.loop.stop)


@pytest.fixture
def door(room):
    found = Door(room.spool, Desk(InProcess(room.suite)))
    yield found
    found.close()


def refusal(connection, recipient):
    connection.ehlo()
    connection.mail("ada@customer.example")
    code, text = connection.rcpt(recipient)
    connection.rset()
    return code, text.decode()


@pytest.mark.capability("S0-14", "T25", "T28")
def test_only_addresses_that_somebody_has_are_taken(room, door):
    with door.connect() as connection:
        assert refusal(connection, room.aliases["customer"])[0] == 250
        assert refusal(connection, room.aliases["customer"].upper())[0] == 250
        assert refusal(connection, f"c.aaaaaaaaaaaaaaaaaa@{RELAY}")[0] == 550
        assert refusal(connection, f"bonjour@{RELAY}")[0] == 550
        assert refusal(connection, "ada@customer.example")[0] == 550, "no relay for anybody"
        assert refusal(connection, f"bounces@{RELAY}")[0] == 250


@pytest.mark.capability("S0-14", "N8")
def test_an_expired_address_is_quarantined_for_90_days_and_refused_after(room, door):
    late = room.aliases["customer"]
    room.suite.advance(days=28 + 90)
    with door.connect() as connection:
        assert refusal(connection, late)[0] == 550


def test_a_mail_over_25_mib_is_refused(room, door):
    with door.connect() as connection:
        connection.ehlo()
        assert connection.esmtp_features["size"] == str(LONGEST_MAIL)
        code, _ = connection.mail("ada@customer.example", [f"SIZE={LONGEST_MAIL + 1}"])
        assert code == 552
    assert list(room.spool.waiting()) == []


def test_250_is_said_when_the_mail_is_on_disk_and_not_when_it_is_not(room, door, monkeypatch):
    raw = room.mail(room.aliases["customer"], "Stored.").replace(b"\n", b"\r\n")
    with door.connect() as connection:
        connection.sendmail("ada@customer.example", [room.aliases["customer"]], raw)
        [name] = room.spool.waiting()
        assert room.spool.read(name).raw.startswith(raw.rstrip())
        monkeypatch.setattr(Spool, "put", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(smtplib.SMTPDataError) as refused:
            connection.sendmail("ada@customer.example", [room.aliases["customer"]], raw)
    assert refused.value.smtp_code == 452
    assert room.forwarder.forward(name)
    assert room.texts()[-1] == "Stored."


def test_while_the_service_is_away_mail_is_put_off_and_what_was_taken_is_kept(room, tmp_path, monkeypatch):
    class Away:
        def call_all(self, calls, timeout):
            raise TimeoutError

    away = Door(Spool(tmp_path / "other"), Desk(Away()))
    with away.connect() as connection:
        assert refusal(connection, room.aliases["customer"])[0] == 451
    away.close()
    name = room.spool.put([room.aliases["customer"]], Envelope(peer="127.0.0.1"), b"From: a@b.example\n\nHi")
    monkeypatch.setattr(Desk, "check", lambda *_: (_ for _ in ()).throw(NoAnswer("away")))
    assert room.forwarder.forward(name) is False
    assert list(room.spool.waiting()) == [name]


def signature(secret, timestamp, body):
    return "v1=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def hook_body(room, text):
    raw = base64.b64encode(room.mail(room.aliases["customer"], text)).decode()
    return json.dumps({"mail_from": "ada@customer.example", "recipients": [room.aliases["customer"]], "raw": raw})


@pytest.mark.capability("R28", "R31", "T33")
def test_the_webhook_takes_what_is_signed_and_nothing_else(room):
    now, body = time.time(), hook_body(room, "By webhook.").encode()
    stamp = str(int(now))
    good = signature(SECRET, stamp, body)
    wrong = [
        ("", good, body),
        (stamp, "", body),
        (stamp, good[:-1], body),
        (stamp, good.removeprefix("v1="), body),
        (stamp, good.replace("v1=", "v0="), body),
        (stamp, signature("another", stamp, body), body),
        (stamp, good, body + b" "),
        (stamp, good, body.replace(b"raw", b"rew")),
        (str(int(now) - 301), signature(SECRET, str(int(now) - 301), body), body),
        (str(int(now) + 301), signature(SECRET, str(int(now) + 301), body), body),
        ("-1", signature(SECRET, "-1", body), body),
        (stamp + " ", good, body),
    ]
    hook = Hook(room.spool, SECRET)
    assert [hook.take(*each, now) for each in wrong] == [401] * 12
    assert list(room.spool.waiting()) == []
    assert hook.take(stamp, good, body, now) == 202
    rotating = f"{SECRET},the-next-secret-of-the-provider"
    assert signed(rotating, stamp, signature("the-next-secret-of-the-provider", stamp, body), body, now)
    assert signed(rotating, stamp, good, body, now)
    assert Hook(room.spool, "").take(stamp, good, body, now) == 404
    garbage = b'{"raw": "%%"}'
    assert hook.take(stamp, signature(SECRET, stamp, garbage), garbage, now) == 400


@pytest.mark.capability("R29")
def test_the_same_webhook_ten_times_at_once_is_one_message(room):
    server = Hook(room.spool, SECRET).serve("127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.server_address[1]}"
    body, stamp = hook_body(room, "Ten times.").encode(), str(int(time.time()))
    headers = {"X-Timestamp": stamp, "X-Signature": signature(SECRET, stamp, body)}
    with ThreadPoolExecutor(10) as pool:
        answers = list(
            pool.map(lambda _: requests.post(f"{url}/hooks/mail", body, headers=headers).status_code, range(10))
        )
    assert answers == [202] * 10
    assert requests.get(f"{url}/readyz").json() == {"ready": True}
    server.shutdown()
    for name in list(room.spool.waiting()):
        assert room.forwarder.forward(name)
    assert room.texts().count("Ten times.") == 1


@pytest.mark.parametrize(
    "junk",
    [
        "> " * 45_000,
        "On Mon 3 " + "x" * 89_000,
        "On Monday 3 November at nine\n" * 3_100,
        "\n>" * 45_000,
        "From: x\n" * 11_000,
    ],
)
def test_90_kb_of_hostile_text_are_read_in_under_100_ms(junk):
    raw = b"From: ada@customer.example\nContent-Type: text/plain; charset=utf-8\n\n" + junk.encode()
    parse(raw, (RELAY,))
    times = []
    for _ in range(5):
        started = time.process_time()
        parse(raw, (RELAY,))
        times.append(time.process_time() - started)
    assert min(times) < 0.1


def test_mails_that_are_read_and_handed_on_together_do_not_suffer_from_one_that_cannot_be_read(room, monkeypatch):
    from services.mailin import forwarding

    real = forwarding.parse_all

    def trips(mails):
        if len(mails) > 1 and any(b"Number 2" in raw for raw, *_ in mails):
            raise RuntimeError("a reader died of it")
        return real(mails)

    monkeypatch.setattr(forwarding, "parse_all", trips)
    for group in (("Number 1", "Number 2", "Number 3"), ("Number 4", "Number 5")):
        to = room.aliases["customer"]
        came = Envelope("ada@customer.example", "127.0.0.1", "mx")
        names = [room.spool.put([to], came, room.mail(to, text)) for text in group]
        room.desk.verdict(to)
        assert room.forwarder._forward_all(names)
    assert room.texts()[1:] == [f"Number {n}" for n in range(1, 6)]
    assert list(room.spool.waiting()) == []
    assert room.failed() == []


def test_of_mails_that_are_handed_on_together_one_that_is_refused_is_put_aside_and_the_others_arrive(room, monkeypatch):
    real = InProcess.call_all

    def refuses(client, calls, timeout):
        return [
            Answer(422, {"code": "X"}) if call.args.get("text") == "Number 2" else real(client, [call], timeout)[0]
            for call in calls
        ]

    monkeypatch.setattr(InProcess, "call_all", refuses)
    to = room.aliases["customer"]
    came = Envelope("ada@customer.example", "127.0.0.1", "mx")
    names = [room.spool.put([to], came, room.mail(to, f"Number {n}")) for n in (1, 2, 3)]
    room.desk.verdict(to)  # as the server asks before it takes a mail
    assert room.forwarder._forward_all(names)
    assert room.texts()[1:] == ["Number 1", "Number 3"]
    assert room.failed() == [names[1]]


def test_mails_wait_together_while_the_service_does_not_answer(room, monkeypatch):
    to = room.aliases["customer"]
    came = Envelope("ada@customer.example", "127.0.0.1", "mx")
    names = [room.spool.put([to], came, room.mail(to, f"Number {n}")) for n in (1, 2)]
    room.desk.verdict(to)
    with monkeypatch.context() as away:
        away.setattr(InProcess, "call_all", lambda *_: [None, None])
        assert room.forwarder._forward_all(names) is False
    assert list(room.spool.waiting()) == names
    assert room.forwarder._forward_all(names)
    assert room.texts()[1:] == ["Number 1", "Number 2"]


@pytest.mark.parametrize(
    "written",
    [
        "<ada@customer.example>",
        "  <ada.b+c@customer.example>  SIZE=2000 BODY=8BITMIME",
        "<>",
        "",
        "ada@customer.example",
        "<ada@customer.example",
        '<"ada b"@customer.example>',
        "<ada@[192.0.2.1]>",
        "<ada..b@customer.example>",
        "<.ada@customer.example>",
        "<@relay.example:ada@customer.example>",
        "<ada@customer.example> (as ever) SIZE=1",
        "<ada(me)@customer.example>",
        "<ada@customer.example.>",
        f"<{'a' * 64}@customer.example>",
        f"<{'a' * 65}@customer.example>",
        "<ada@kundin@customer.example>",
        "<älla@customer.example> SMTPUTF8",
        "<ada@customer.example>SIZE=1",
    ],
)
def test_an_address_is_read_as_the_library_reads_it(written):
    loop = asyncio.new_event_loop()
    ours, theirs = (kind(None, loop=loop)._getaddr(written) for kind in (Conversation, SMTP))
    loop.close()
    assert ours == theirs
