"""Files through the gateway: announced, sent, inspected, given out with their message and to nobody else (T29)."""

from __future__ import annotations

import io
import socket
import struct
import threading
import zipfile
from urllib.parse import urlsplit

import pytest
from PIL import Image

from services.messaging.adapters.clamd import Clamd
from services.messaging.attachments.inspection import Refused, inspect
from services.messaging.attachments.model import safe_name
from services.messaging.ports import ScannerAway
from shared.contracts.attachments import LARGEST
from shared.storage.blobs import BlobMissing, BlobTooLarge, FolderBlobs, S3Blobs
from tests.gateway.conftest import api, api_of  # noqa: F401 - fixtures
from tests.gateway.test_journey import open_claim, shipped_order
from tests.suite import coordinator, customer, seller, supplier


def photo(size=(60, 40), **options) -> bytes:
    """A JPEG that says where it was taken."""
    exif = Image.Exif()
    exif[0x010F] = "CANARY-CAMERA"
    exif.get_ifd(0x8825)[1] = "N"
    out = io.BytesIO()
    Image.new("RGB", size, "red").save(out, "JPEG", exif=exif, comment=b"CANARY-COMMENT", **options)
    return out.getvalue()


def png(size=(8, 8)) -> bytes:
    out = io.BytesIO()
    Image.new("1", size).save(out, "PNG")
    return out.getvalue()


def zipped(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/").replace("_DOT_", "."), content)
    return out.getvalue()


class Chat:
    """A claim's thread at the gateway."""

    def __init__(self, gateway) -> None:
        self.api = gateway
        self.claim = open_claim(gateway, shipped_order(gateway))
        gateway.post(f"/v1/claims/{self.claim['id']}/observers", coordinator(), {"kind": "supplier", "id": "sup_1"})
        gateway.suite.settle()
        self.thread = self.claim["id"].replace("clm_", "thr_")

    def offer(self, who, name="photo.jpg", size=1000, **kwargs):
        return self.api.post(f"/v1/threads/{self.thread}/attachments", who, {"name": name, "size": size}, **kwargs)

    def put(self, link, content):
        url = urlsplit(link["url"])
        return self.api.http.put(f"{url.path}?{url.query}", data=content)

    def fetch(self, link):
        url = urlsplit(link["url"])
        return self.api.http.get(f"{url.path}?{url.query}")

    def send(self, who, content, name="photo.jpg"):
        offered = self.offer(who, name)
        assert self.put(offered["upload"], content).status_code == 200
        self.api.suite.settle()
        return self.api.get(f"/v1/attachments/{offered['id']}", who)

    def post(self, who, files, **more):
        body = {"text": "See here.", "attachment_ids": files, **more}
        return self.api.post(f"/v1/threads/{self.thread}/messages", who, body)


@pytest.fixture
def chat(api):  # noqa: F811
    return Chat(api)


@pytest.mark.capability("T29", "S3-09")
def test_a_photo_reaches_the_other_side_without_what_the_camera_wrote_into_it(chat):
    file = chat.send(customer(), photo())
    assert (file["state"], file["type"], file["name"]) == ("clean", "image/jpeg", "photo.jpg")
    assert chat.api.call("GET", f"/v1/attachments/{file['id']}", seller()).status_code == 404, "not posted yet"
    message = chat.post(customer(), [file["id"]])
    assert [each["id"] for each in message["attachments"]] == [file["id"]]

    link = chat.api.get(f"/v1/attachments/{file['id']}", seller())["link"]
    got = chat.fetch(link)
    assert (got.status_code, got.headers["Content-Type"]) == (200, "image/jpeg")
    assert got.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''photo.jpg")
    assert (got.headers["X-Content-Type-Options"], "sandbox" in got.headers["Content-Security-Policy"]) == (
        "nosniff",
        True,
    )
    assert b"CANARY" not in got.data
    assert Image.open(io.BytesIO(got.data)).size == (60, 40)
    assert chat.fetch({"url": link["url"][:-2] + "xx"}).status_code == 404
    assert chat.put(link, b"x").status_code == 404, "a link to fetch is none to send"


@pytest.mark.capability("T29", "S1-25", "T02")
def test_a_file_is_as_private_as_its_message_even_when_that_changes_after_the_link_was_made(chat):
    file = chat.send(seller(), png(), "plan.png")
    message = chat.post(seller(), [file["id"]], visibility="private")
    path = f"/v1/attachments/{file['id']}"
    assert chat.api.call("GET", path, customer()).status_code == 404
    assert chat.api.get(path, supplier())["state"] == "clean"
    change = f"/v1/messages/{message['id']}"
    chat.api.post(change, seller(), {"visibility": "public", "confirm": True}, method="PATCH")
    link = chat.api.get(path, customer())["link"]
    assert chat.fetch(link).status_code == 200
    chat.api.post(change, seller(), {"visibility": "private"}, method="PATCH")
    assert chat.fetch(link).status_code == 404


HOSTILE = {
    "an executable named as a photo": ("photo.png", b"MZ" + b"\0" * 200, "NOT_WHAT_IT_SAYS"),
    "an executable named as a text": ("notes.txt", b"MZ\x90 hello", "RUNNABLE"),
    "an ELF named as a PDF": ("bill.pdf", b"\x7fELF" + b"\0" * 50, "RUNNABLE"),
    "a script named as a text": ("run.txt", b"#!/bin/sh\nrm -rf /\n", "RUNNABLE"),
    "a page named as a text": ("page.txt", b"<html><script>alert(1)</script>", "MARKUP"),
    "an SVG named as a text": ("x.txt", b"<svg onload=alert(1)>", "MARKUP"),
    "an SVG named as a picture": ("x.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "NOT_WHAT_IT_SAYS"),
    "a page after a comment": ("x.csv", b"a;b\n<!DOCTYPE html><body onload=x>", "MARKUP"),
    "a JPEG named as a PNG": ("x.png", photo(), "NOT_WHAT_IT_SAYS"),
    "half a picture": ("x.jpg", photo((600, 600), quality=99)[:800], "NOT_WHAT_IT_SAYS"),
    "a picture of 400 million points": ("x.png", png((20_000, 20_000)), "TOO_MANY_PIXELS"),
    "a PDF with JavaScript": ("x.pdf", b"%PDF-1.7\n/JavaScript (app.alert)\n%%EOF", "RUNNABLE"),
    "a PDF that starts a program": ("x.pdf", b"%PDF-1.7\n/Launch /F (cmd.exe)\n%%EOF", "RUNNABLE"),
    "a PDF in name only": ("x.pdf", b"hello %PDF- %%EOF", "NOT_WHAT_IT_SAYS"),
    "a document with macros": (
        "x.docx",
        zipped(word__document_DOT_xml=b"x", word__vbaProject_DOT_bin=b"x"),
        "RUNNABLE",
    ),
    "a zip that is no document": ("x.docx", zipped(readme=b"x"), "NOT_WHAT_IT_SAYS"),
    "a zip bomb": ("x.xlsx", zipped(xl__workbook_DOT_xml=b"\0" * 40_000_000), "BOMB"),
    "a zip that climbs": ("x.docx", zipped(word__document_DOT_xml=b"x", **{"..__..__etc": b"x"}), "NOT_WHAT_IT_SAYS"),
    "a spreadsheet in name only": ("x.ods", zipped(content_DOT_xml=b"x", mimetype=b"text/html"), "NOT_WHAT_IT_SAYS"),
    "an installer named as a letter": ("x.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "NOT_WHAT_IT_SAYS"),
    "a film in name only": ("x.mp4", b"not a film at all", "NOT_WHAT_IT_SAYS"),
    "a webm in name only": ("x.webm", b"\x1a\x45\xdf\xa3matroska", "NOT_WHAT_IT_SAYS"),
    "zeros named as a text": ("x.csv", b"a\0b", "NOT_WHAT_IT_SAYS"),
}


@pytest.mark.capability("T29")
@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_is_refused_with_its_reason(tmp_path, case):
    name, content, reason = HOSTILE[case]
    (tmp_path / "raw").write_bytes(content)
    with pytest.raises(Refused) as refused:
        inspect(tmp_path / "raw", tmp_path / "clean", name.rpartition(".")[2])
    assert str(refused.value) == reason


GOOD = {
    "txt": b"Bonjour \xc3\xa9",
    "csv": "sku;qty\nLAMP;2".encode("utf-16"),
    "pdf": b"%PDF-1.7\n1 0 obj\n%%EOF\n",
    "docx": zipped(word__document_DOT_xml=b"x"),
    "ods": zipped(content_DOT_xml=b"x", mimetype=b"application/vnd.oasis.opendocument.spreadsheet"),
    "webm": b"\x1a\x45\xdf\xa3\x01\0\0\0\0\0\0\x1f\x42\x82\x84webm",
    "doc": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "WordDocument".encode("utf-16-le"),
}


@pytest.mark.parametrize("ending", GOOD)
def test_an_honest_file_is_taken(tmp_path, ending):
    (tmp_path / "raw").write_bytes(GOOD[ending])
    assert inspect(tmp_path / "raw", tmp_path / "clean", ending)
    assert (tmp_path / "clean").read_bytes() == GOOD[ending]


def test_a_film_forgets_where_it_was_taken(tmp_path):
    place = struct.pack(">I", 8 + 20) + b"udta" + b"\xa9xyz+48.85+2.35/....."
    film = struct.pack(">I", 16) + b"ftypqt  \0\0\0\0" + struct.pack(">I", 8 + len(place)) + b"moov" + place
    (tmp_path / "raw").write_bytes(film)
    inspect(tmp_path / "raw", tmp_path / "clean", "mov")
    assert b"udta" not in (tmp_path / "clean").read_bytes()


def test_names_sizes_and_numbers_are_limited(chat):
    refused = chat.api.refused
    path = f"/v1/threads/{chat.thread}/attachments"
    for name in ("page.svg", "page.html", "run.exe", "noending", "photo.jpg.exe"):
        refused("POST", path, customer(), "FILE_TYPE_REFUSED", body={"name": name, "size": 10})
    refused("POST", path, customer(), "INVALID_INPUT", body={"name": "a.png", "size": LARGEST + 1})
    offered = chat.offer(customer(), "..\\..\\etc/pass\u202egnp.png")
    assert offered["name"] == "passgnp.png"
    answer = chat.put(offered["upload"], b"x" * (LARGEST + 1))
    assert (answer.status_code, answer.json["code"]) == (413, "BODY_TOO_LARGE")
    for _ in range(49):
        chat.offer(customer(), "a.png")
    refused("POST", path, customer(), "TOO_MANY_FILES", body={"name": "a.png", "size": 10})


def test_a_file_is_posted_once_and_by_its_sender_only(chat):
    file = chat.send(customer(), png(), "a.png")
    posts = f"/v1/threads/{chat.thread}/messages"
    mine = {"text": "x", "attachment_ids": [file["id"]]}
    chat.api.refused("POST", posts, seller(), "NOT_FOUND", body=mine)
    chat.post(customer(), [file["id"]])
    chat.api.refused("POST", posts, customer(), "FILE_NOT_USABLE", body=mine)
    broken = chat.send(customer(), b"MZ", "b.png")
    assert (broken["state"], broken["reason"]) == ("refused", "NOT_WHAT_IT_SAYS")
    chat.api.refused("POST", posts, customer(), "FILE_NOT_USABLE", body={**mine, "attachment_ids": [broken["id"]]})


def test_names_that_people_choose_become_no_paths_and_no_headers():
    assert safe_name("../../etc/passwd") == "passwd"
    assert safe_name('a\r\nX-Evil: 1".png') == "aX-Evil 1.png"
    assert safe_name("...") == "file"


class Daemon(threading.Thread):
    """What clamd answers to one INSTREAM."""

    def __init__(self, answer: bytes) -> None:
        super().__init__(daemon=True)
        self.answer, self.got = answer, b""
        self.server = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.server.getsockname()[1]}"
        self.start()

    def run(self) -> None:
        link, _ = self.server.accept()
        while not self.got.endswith(b"\0\0\0\0"):
            self.got += link.recv(65536)
        link.sendall(self.answer)
        link.close()


def test_what_the_virus_scanner_finds_is_told_and_its_absence_is_no_verdict(tmp_path):
    (tmp_path / "file").write_bytes(b"EICAR")
    daemon = Daemon(b"stream: Eicar-Signature FOUND\0")
    assert Clamd(daemon.address).scan(tmp_path / "file") == "Eicar-Signature"
    assert daemon.got == b"zINSTREAM\0" + struct.pack("!I", 5) + b"EICAR" + b"\0\0\0\0"
    assert Clamd(Daemon(b"stream: OK\0").address).scan(tmp_path / "file") is None
    with pytest.raises(ScannerAway):
        Clamd(Daemon(b"INSTREAM size limit exceeded. ERROR\0").address).scan(tmp_path / "file")
    with pytest.raises(ScannerAway):
        Clamd("127.0.0.1:1").scan(tmp_path / "file")


@pytest.fixture(params=["folder", "s3"])
def blobs(request, tmp_path, monkeypatch):
    if request.param == "folder":
        yield FolderBlobs(tmp_path)
        return
    import boto3
    from moto import mock_aws

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="files")
        yield S3Blobs("files", "aftersale")


def test_bytes_are_kept_whole_or_not_at_all(blobs):
    assert blobs.write("shop/kept/att_1", [b"ab", b"c"], 3)[0] == 3
    assert b"".join(blobs.read("shop/kept/att_1")) == b"abc"
    with pytest.raises(BlobTooLarge):
        blobs.write("shop/kept/att_2", [b"ab", b"cd"], 3)
    with pytest.raises(BlobMissing):
        blobs.read("shop/kept/att_2")
    for key in ("../etc", "/etc/passwd", "a/../b", ""):
        with pytest.raises(ValueError):
            blobs.write(key, [b"x"], 3)
    blobs.delete("shop/kept/att_1")
    blobs.delete("shop/kept/att_1")
    with pytest.raises(BlobMissing):
        blobs.read("shop/kept/att_1")
