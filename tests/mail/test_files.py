"""Files that come by mail: on the same way as uploaded ones, to the same readers, with a word about those refused."""

from __future__ import annotations

import io
from email.message import EmailMessage
from urllib.parse import urlsplit

import pytest
from PIL import Image

from services.mailin.authenticity import Envelope
from shared.contracts.attachments import LARGEST
from shared.kernel.principal import system
from shared.storage.blobs import BlobMissing, S3Blobs
from tests.gateway.conftest import api_of  # noqa: F401 - fixture
from tests.mail.conftest import PARTIES, RELAY, MailRoom
from tests.messaging.test_attachments import photo, png, zipped
from tests.suite import agent, customer, seller, supplier

JPEG = ("photo.jpg", "image/jpeg", photo())
REFUSED_BY_NAME = {
    "an executable": ("run.exe", "application/x-msdownload", b"MZ\x90"),
    "a page": ("page.html", "text/html", b"<script>alert(1)</script>"),
    "a drawing that runs": ("logo.svg", "image/svg+xml", b"<svg onload=alert(1)>"),
    "an archive": ("all.zip", "application/zip", zipped(a=b"x")),
}
REFUSED_BY_CONTENT = {
    "an executable renamed": ("holiday.png", "image/png", b"MZ" + b"\0" * 200, "NOT_WHAT_IT_SAYS"),
    "a page renamed": ("notes.txt", "text/plain", b"<html><script>alert(1)</script>", "MARKUP"),
    "a drawing renamed": ("x.png", "image/png", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "NOT_WHAT_IT_SAYS"),
    "a picture of 400 million points": ("x.png", "image/png", png((20_000, 20_000)), "TOO_MANY_PIXELS"),
}


@pytest.fixture
def room(api_of, tmp_path, readers):  # noqa: F811
    api = api_of("order", "messaging", "notification", relay_domain=RELAY, mail="folder")
    found = MailRoom(api.suite, tmp_path / "spool", readers)
    found.api = api
    return found


def with_files(room, *files, who="customer", text="See here.", proved=True):
    address = PARTIES[who][1]
    room._number += 1
    mail = EmailMessage()
    if proved:
        domain = address.rpartition("@")[2]
        mail["Authentication-Results"] = f"mx.shop.example; dkim=pass header.d={domain}"
    mail["From"], mail["To"], mail["Subject"] = address, room.aliases[who], "Hello"
    mail["Message-ID"] = f"<files{room._number}@{address.rpartition('@')[2]}>"
    mail.set_content(text)
    for name, kind, content in files:
        maintype, _, subtype = kind.partition("/")
        mail.add_attachment(content, maintype=maintype, subtype=subtype, filename=name)
    return mail.as_bytes()


def arrive(room, *files, who="customer", **more):
    room.arrives(with_files(room, *files, who=who, **more), room.aliases[who])
    room.suite.settle()
    return room.suite.do("thread.messages", agent(), thread_id=room.thread_id, limit=200)["items"][-1]


def fetched(room, attachment_id, who):
    url = urlsplit(room.api.get(f"/v1/attachments/{attachment_id}", who)["link"]["url"])
    return room.api.http.get(f"{url.path}?{url.query}")


def stored(room):
    folder = room.suite.settings.data_dir / "attachments"
    return sorted(path.name for path in folder.rglob("att_*"))


@pytest.mark.capability("T29")
def test_a_photo_by_mail_is_in_the_thread_without_what_the_camera_wrote_into_it(room):
    message = arrive(room, JPEG)
    assert message["via"] == "email"
    [file] = message["attachments"]
    assert (file["name"], file["type"], file["state"], file["reason"]) == ("photo.jpg", "image/jpeg", "clean", None)
    shown = room.api.get(f"/v1/threads/{room.thread_id}/messages", seller())["items"][-1]["attachments"]
    assert shown == [file]
    got = fetched(room, file["id"], seller())
    assert (got.status_code, got.headers["Content-Type"]) == (200, "image/jpeg")
    assert b"CANARY" not in got.data
    assert Image.open(io.BytesIO(got.data)).size == (60, 40)
    assert room.api.call("GET", f"/v1/attachments/{file['id']}", customer("cus_2")).status_code == 404
    assert stored(room) == [file["id"]], "what came is erased, what was cleaned stays"


@pytest.mark.capability("T29", "S1-25", "T02")
def test_a_file_of_a_private_mail_is_private(room):
    room.suite.do("message.post", seller(), thread_id=room.thread_id, text="Bad glass?", visibility="private")
    message = arrive(room, ("report.pdf", "application/pdf", b"%PDF-1.7\n%%EOF\n"), who="supplier")
    assert message["visibility"] == "private"
    [file] = message["attachments"]
    path = f"/v1/attachments/{file['id']}"
    assert room.api.call("GET", path, customer()).status_code == 404
    assert fetched(room, file["id"], seller()).data == b"%PDF-1.7\n%%EOF\n"
    assert file["id"] not in str(room.api.get(f"/v1/threads/{room.thread_id}/messages", customer()))


@pytest.mark.capability("T29")
def test_what_may_not_be_attached_is_refused_and_named_in_the_message(room):
    files = [*REFUSED_BY_NAME.values(), *(case[:3] for case in REFUSED_BY_CONTENT.values())]
    message = arrive(room, *files)
    assert message["text"] == "See here."
    reasons = ["FILE_TYPE_REFUSED"] * len(REFUSED_BY_NAME) + [case[3] for case in REFUSED_BY_CONTENT.values()]
    assert [(each["state"], each["reason"]) for each in message["attachments"]] == [("refused", r) for r in reasons]
    assert [each["name"] for each in message["attachments"]] == [name for name, *_ in files]
    for each in message["attachments"]:
        assert "link" not in room.api.get(f"/v1/attachments/{each['id']}", seller())


@pytest.mark.capability("T29")
def test_files_of_a_mail_are_limited_in_size_and_number_like_all_others(room):
    large = ("film.mp4", "video/mp4", b"\0\0\0\x10ftypmp42" + b"\0" * LARGEST)
    small = ("a.txt", "text/plain", b"a")
    first = arrive(room, large, *[small] * 11, ("empty.txt", "text/plain", b""))
    states = [(each["state"], each["reason"]) for each in first["attachments"]]
    assert states == [
        ("refused", "FILE_SIZE_REFUSED"),
        *[("clean", None)] * 10,
        ("refused", "TOO_MANY_FILES"),
        ("refused", "FILE_SIZE_REFUSED"),
    ]
    for _ in range(4):
        arrive(room, *[small] * 10)
    full = arrive(room, small)
    assert [each["reason"] for each in full["attachments"]] == ["TOO_MANY_FILES"]


def test_a_photo_without_name_or_word_is_shown_under_its_type(room):
    mail = with_files(room, ("", "image/png", png()), text="").replace(b' filename=""', b"")
    room.arrives(mail, room.aliases["customer"])
    room.suite.settle()
    [file] = room.suite.do("thread.messages", seller(), thread_id=room.thread_id)["items"][-1]["attachments"]
    assert (file["name"], file["state"]) == ("attachment.png", "clean")


@pytest.mark.capability("T29", "T25")
def test_files_of_a_mail_that_proves_nothing_are_the_staffs_until_it_is_let_in(room):
    room.arrives(with_files(room, JPEG, proved=False), room.aliases["customer"])
    room.suite.settle()
    [mail] = room.mails(state="quarantined")
    path = f"/v1/attachments/{mail['attachments'][0]['id']}"
    for who in (customer(), seller(), supplier()):
        assert room.api.call("GET", path, who).status_code == 404
    assert fetched(room, mail["attachments"][0]["id"], agent()).status_code == 200
    stolen = {"text": "Mine.", "attachment_ids": [mail["attachments"][0]["id"]]}
    room.api.refused("POST", f"/v1/threads/{room.thread_id}/messages", customer(), "NOT_FOUND", body=stolen)
    room.api.post(f"/v1/mails/{mail['id']}:release", agent())
    assert fetched(room, mail["attachments"][0]["id"], seller()).status_code == 200


@pytest.mark.capability("T28", "T29")
def test_files_of_a_mail_that_nobody_let_in_are_erased_with_it_after_30_days(room):
    room.arrives(with_files(room, JPEG, proved=False), room.aliases["customer"])
    room.suite.settle()
    assert len(stored(room)) == 1
    room.suite.advance(days=31)
    assert stored(room) == []


@pytest.mark.capability("T29")
def test_while_the_store_is_full_the_message_is_there_and_its_file_follows_when_there_is_room(room, monkeypatch):
    blobs = room.suite.apps["messaging"].ports.blobs
    with monkeypatch.context() as full:
        full.setattr(type(blobs), "write", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        name = room.spool.put([room.aliases["customer"]], Envelope("a@b", "127.0.0.1"), with_files(room, JPEG))
        assert room.forwarder.forward(name) is False
    assert list(room.spool.waiting()) == [name]
    [file] = room.suite.do("thread.messages", seller(), thread_id=room.thread_id)["items"][-1]["attachments"]
    assert file["state"] == "expected"
    assert room.forwarder.forward(name) is True
    room.suite.settle()
    assert room.texts().count("See here.") == 1
    assert fetched(room, file["id"], seller()).status_code == 200


def test_a_mail_that_comes_again_brings_its_files_once(room):
    raw = with_files(room, JPEG)
    for _ in range(3):
        room.arrives(raw, room.aliases["customer"])
        room.suite.settle()
    assert len(stored(room)) == 1


def test_nobody_but_mail_in_brings_the_bytes_of_a_mail(room, monkeypatch):
    monkeypatch.setattr(type(room.forwarder), "_store", lambda *_: None)
    message = arrive(room, JPEG)
    [file] = message["attachments"]
    told = {"attachment_id": file["id"], "size": 1, "sha256": "0" * 64}
    for who in (customer(), seller()):
        assert room.suite.refused("attachment.received", who, **told)["code"] == "NOT_FOUND"
    assert "attachment.upload" not in room.api.get(f"/v1/attachments/{file['id']}", customer())["allowed_actions"]
    assert room.suite.do("attachment.received", system("shop"), **told)["state"] == "pending"


@pytest.fixture
def s3(monkeypatch):
    """A store that speaks S3, with a bucket `files`; its address."""
    import boto3
    from moto.server import ThreadedMotoServer

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    boto3.client("s3", endpoint_url=url).create_bucket(Bucket="files")
    yield url
    server.stop()


@pytest.mark.capability("T29")
def test_mail_in_and_messaging_share_files_in_s3(api_of, tmp_path, readers, s3):  # noqa: F811
    settings = {"relay_domain": RELAY, "mail": "off", "attachments": "s3://files/a", "s3_endpoint": s3}
    api = api_of("order", "messaging", "notification", **settings)
    room = MailRoom(api.suite, tmp_path / "spool", readers)
    room.api = api
    [file] = arrive(room, JPEG)["attachments"]
    assert fetched(room, file["id"], seller()).status_code == 200
    with pytest.raises(BlobMissing):
        S3Blobs("files", "a", s3).read(f"shop/incoming/{file['id']}")
