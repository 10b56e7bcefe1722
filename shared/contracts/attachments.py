"""Files beside messages. Their bytes and names never travel as events."""

from __future__ import annotations

from marshmallow import fields, validate

from shared.contracts.fields import Id, Strict, Text, Whole
from shared.contracts.registry import INTERNAL, Operation, announce
from shared.contracts.roles import PARTIES, SELLERS, SYSTEM

MIB = 1024 * 1024
LARGEST = 10 * MIB
LARGEST_MESSAGE = 30 * MIB
MOST_PER_THREAD = 50
TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "bmp": "image/bmp",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "webm": "video/webm",
}
"""What may be attached, by the end of its name; the content must be of the same type."""
FILES_PER_MESSAGE = 10
STATES = ("expected", "pending", "clean", "infected", "refused", "erased")


def incoming(tenant: str, attachment_id: str) -> str:
    """The key under which a file's bytes lie as they came."""
    return f"{tenant}/incoming/{attachment_id}"


def kept(tenant: str, attachment_id: str) -> str:
    """The key of its cleaned bytes, which alone are ever given out."""
    return f"{tenant}/kept/{attachment_id}"


class AttachmentChanged(Strict):
    """thread_id: none while it belongs to a mail about an order that nobody let in yet."""

    attachment_id = Id(required=True)
    thread_id = Id(required=True, allow_none=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    reason = fields.String(allow_none=True)


announce(
    "messaging",
    {
        "attachment.offered": AttachmentChanged(),
        "attachment.received": AttachmentChanged(),
        "attachment.inspected": AttachmentChanged(),
        "attachment.erased": AttachmentChanged(),
    },
    audience=INTERNAL,
)


class OfferArgs(Strict):
    """The name and size of a file that will be sent to the address in the answer."""

    thread_id = Id(required=True)
    name = Text(200, required=True)
    size = Whole(least=1, most=LARGEST, required=True)


class ReceivedArgs(Strict):
    attachment_id = Id(required=True)
    size = Whole(least=0, required=True)
    sha256 = fields.String(required=True, validate=validate.Regexp(r"^[0-9a-f]{64}$"))


class OneAttachment(Strict):
    attachment_id = Id(required=True)


# on a file of the seller that is not posted yet; everybody does so with his own, and mail-in with those of mails
ATTACHMENT_OFFER = Operation("attachment.offer", OfferArgs(), may=PARTIES)
ATTACHMENT_RECEIVED = Operation("attachment.received", ReceivedArgs(), may=SELLERS | SYSTEM)
ATTACHMENT_GET = Operation("attachment.get", OneAttachment(), reads=True, may=SELLERS)
ATTACHMENT_REMOVE = Operation("attachment.remove", OneAttachment(), may=SELLERS)
