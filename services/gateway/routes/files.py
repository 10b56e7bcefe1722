"""Files of messages: announced as JSON, sent and fetched by signed links that last minutes (T29)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import quote

from marshmallow import fields, validate
from werkzeug.wrappers import Response
from werkzeug.wsgi import LimitedStream

from services.gateway import views
from services.gateway.answers import respond
from services.gateway.inquiry import Inquiry
from services.gateway.links import DOWNLOAD, UPLOAD, LinkInvalid
from services.gateway.problems import BodyTooLarge, LengthRequired, MalformedBody, TooSlow, UnsupportedEncoding
from services.gateway.table import Route
from shared.contracts import attachments as contract
from shared.contracts.fields import Strict
from shared.kernel.calls import Answer
from shared.kernel.errors import NotInThisState
from shared.storage.blobs import BlobMissing, BlobTooLarge

read = partial(Route, "GET", tag="files", scope="threads:read", view=views.Attachment())
write = partial(Route, tag="files", scope="threads:write", view=views.Attachment())
CHUNK = 64 * 1024
SECONDS = 120.0  # for 10 MiB: a phone on a bad line takes a minute, an attacker for ever


class Token(Strict):
    token = fields.String(required=True, validate=validate.Length(min=1, max=2000))


def offer(gateway: Any, inquiry: Inquiry) -> Answer:
    """The file's place, and the address that takes its bytes."""
    answer = gateway.clients.call("messaging", inquiry.call())
    if answer.ok:
        answer.body["upload"] = gateway.links.link(UPLOAD, answer.body["id"], inquiry.principal)
    return answer


def attachment(gateway: Any, inquiry: Inquiry) -> Answer:
    """A file, with a link to its bytes when it is clean."""
    answer = gateway.clients.call("messaging", inquiry.call())
    if answer.ok and "attachment.download" in answer.body["allowed_actions"]:
        answer.body["link"] = gateway.links.link(DOWNLOAD, answer.body["id"], inquiry.principal)
    return answer


def upload(gateway: Any, inquiry: Inquiry) -> Response:
    """Bytes straight into the store, counted as they come; then messaging is told that they are there."""
    found = _followed(gateway, inquiry, UPLOAD)
    if found["state"] != "expected":
        raise NotInThisState(kind="file", state=found["state"], action="be sent again")
    key = contract.incoming(inquiry.principal.tenant, found["id"])
    try:
        size, sha256 = gateway.blobs.write(key, _chunks(inquiry.environ), contract.LARGEST)
    except BlobTooLarge:
        raise BodyTooLarge(most=contract.LARGEST) from None
    received = {"attachment_id": found["id"], "size": size, "sha256": sha256}
    return respond(gateway.clients.call("messaging", inquiry.call("attachment.received", received)), inquiry)


def download(gateway: Any, inquiry: Inquiry) -> Response:
    """The cleaned bytes, for whoever may still read the message: asked anew, whatever the link says."""
    found = _followed(gateway, inquiry, DOWNLOAD)
    if found["state"] != "clean":
        raise LinkInvalid()
    try:
        chunks = gateway.blobs.read(contract.kept(inquiry.principal.tenant, found["id"]))
    except BlobMissing:
        raise LinkInvalid() from None
    response = Response(chunks, content_type=found["type"], direct_passthrough=True)
    response.headers.update(
        {
            "Content-Length": str(found["size"]),
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(found['name'], safe='')}",
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "private, no-store",
        }
    )
    return response


def _followed(gateway: Any, inquiry: Inquiry, purpose: str) -> dict[str, Any]:
    """The file that the link names, as he may see it for whom it was made."""
    gateway.rates.admit_address(inquiry.environ)
    attachment_id, inquiry.principal = gateway.links.followed(purpose, inquiry.environ.get("QUERY_STRING", ""))
    answer = gateway.clients.call("messaging", inquiry.call("attachment.get", {"attachment_id": attachment_id}))
    if not answer.ok:
        raise LinkInvalid()
    return answer.body


def _chunks(environ: dict[str, Any]) -> Iterator[bytes]:
    """The body as it arrives. Raises before the first byte what its headers already say is wrong."""
    if environ.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
        raise UnsupportedEncoding()
    length = environ.get("CONTENT_LENGTH") or ""
    if not (length.isascii() and length.isdigit()):
        raise LengthRequired()
    if int(length) > contract.LARGEST:
        raise BodyTooLarge(most=contract.LARGEST)
    return _read(LimitedStream(environ["wsgi.input"], int(length)), int(length))


def _read(stream: Any, left: int) -> Iterator[bytes]:
    until = time.monotonic() + SECONDS
    while left:
        try:
            chunk = stream.read(min(CHUNK, left))
        except Exception:  # whatever a broken connection raises
            chunk = b""
        if not chunk:
            raise MalformedBody(reason="it ended before its Content-Length")
        if time.monotonic() > until:
            raise TooSlow(seconds=int(SECONDS))
        left -= len(chunk)
        yield chunk


ROUTES = (
    write(
        "POST",
        "/v1/threads/{thread_id}/attachments",
        "Announce a file, to be sent to the address in the answer",
        contract.ATTACHMENT_OFFER,
        status=201,
        answer=offer,
    ),
    read("/v1/attachments/{attachment_id}", "A file, with a link to it", contract.ATTACHMENT_GET, answer=attachment),
    write("DELETE", "/v1/attachments/{attachment_id}", "Remove a file not posted yet", contract.ATTACHMENT_REMOVE),
    Route(
        "PUT",
        "/files",
        "The bytes of an announced file",
        contract.ATTACHMENT_RECEIVED,
        schema=Token(),
        view=views.Attachment(),
        answer=upload,
        tag="files",
    ),
    Route(
        "GET",
        "/files",
        "The bytes of a clean file",
        contract.ATTACHMENT_GET,
        schema=Token(),
        answer=download,
        tag="files",
    ),
)
